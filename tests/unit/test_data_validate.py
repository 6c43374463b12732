"""``kefu data validate``: the table of components comes first, whatever is wrong."""

import json
from pathlib import Path

import pytest

from bot.cli import main

CONFIG = "language: en\npipeline:\n- name: DIETClassifier\n- name: RegexFeaturizer\npolicies:\n- name: FormPolicy\n"
DOMAIN = "intents: [greet]\nresponses:\n  utter_greet: [{text: hi}]\n"
NLU = "nlu:\n- intent: greet\n  examples: |\n    - hello\n    - hi\n"
TABLE = [("DIETClassifier", 3, "replaced"), ("RegexFeaturizer", 4, "replaced"), ("FormPolicy", 6, "refused")]


@pytest.mark.parametrize(
    ("files", "table", "faults"),
    [
        ({}, TABLE, ["config.yml:6"]),
        # a fault of a component, of another file, and of one that is no text
        ({"domain.yml": DOMAIN + "forms: [a]\n"}, TABLE, ["config.yml:6", "domain.yml:4"]),
        ({"data/broken.yml": "nlu: [\n"}, TABLE, ["config.yml:6", "data/broken.yml:2"]),
        ({"data/latin.yml": b"nlu: \xff\n"}, TABLE, ["config.yml:6", "data/latin.yml:1"]),
        # of a name that nobody knows nothing becomes
        ({"config.yml": CONFIG.replace("FormPolicy", "FormPolizei")}, TABLE[:2], ["config.yml:6"]),
        ({"config.yml": "pipeline: [\n"}, [], ["config.yml:2"]),
        ({"config.yml": "- a\n"}, [], ["config.yml:1"]),
        # no fault
        ({"config.yml": CONFIG.replace("FormPolicy", "RulePolicy")}, [*TABLE[:2], ("RulePolicy", 6, "used")], []),
    ],
)
def test_the_table_of_components_stands_before_faults(
    files: dict[str, str | bytes],
    table: list[tuple[str, int, str]],
    faults: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "data").mkdir()
    for name, text in {"config.yml": CONFIG, "domain.yml": DOMAIN, "data/nlu.yml": NLU, **files}.items():
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    assert main(["data", "validate", str(tmp_path), "--json"]) == (2 if faults else 0)
    told = json.loads(capsys.readouterr().out)
    assert [(each["name"], each["line"], each["fate"]) for each in told["components"]] == table
    assert [f"{fault['path']}:{fault['line']}" for fault in told["faults"]] == faults
    assert main(["data", "validate", str(tmp_path)]) == (2 if faults else 0)
    said = capsys.readouterr()
    assert [line.split()[1] for line in said.out.splitlines() if line.startswith("  ")] == [row[0] for row in table]
    assert [line for line in faults if line not in said.err] == []


def test_a_folder_that_is_not_there_has_no_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "validate", str(tmp_path / "none"), "--json"]) == 2
    told = json.loads(capsys.readouterr().out)
    assert (told["components"], len(told["faults"])) == ([], 1)
