"""An assistant's NLU data as the values that ``nlu`` learns from."""

from bot.dialogue.project import NluData
from bot.paths import AssistantPaths
from nlu.data import EntitySpan, Example
from retrieval.documents import questions_and_headings
from retrieval.ingest import read_folder


def examples_from(nlu_data: NluData) -> tuple[Example, ...]:
    """The examples of an assistant's files, in order."""
    return tuple(
        Example(
            text=example.text,
            intent=example.intent,
            entities=tuple(
                EntitySpan(start=span.start, end=span.end, entity=span.entity, role=span.role, group=span.group)
                for span in example.entities
            ),
        )
        for example in nlu_data.examples
    )


def knowledge_questions(paths: AssistantPaths) -> tuple[str, ...]:
    """What customers ask the knowledge and no intent answers: confirmed questions, FAQ questions, page names."""
    if not paths.knowledge.is_dir():
        return ()
    file = paths.confirmed_questions
    texts = file.read_text("utf-8-sig").splitlines() if file.is_file() else []
    texts += questions_and_headings(read_folder(paths.knowledge).documents)
    return tuple(dict.fromkeys(text for text in texts if text))
