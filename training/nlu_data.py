"""An assistant's NLU data as the values that ``nlu`` learns from."""

from bot.dialogue.project import NluData
from nlu.data import EntitySpan, Example


def examples_from(nlu_data: NluData) -> tuple[Example, ...]:
    """The examples of an assistant's files, in order."""
    return tuple(
        Example(
            text=example.text,
            intent=example.intent,
            entities=tuple(
                EntitySpan(
                    start=span.start,
                    end=span.end,
                    entity=span.entity,
                    role=span.role,
                    group=span.group,
                    value=span.value,
                )
                for span in example.entities
            ),
        )
        for example in nlu_data.examples
    )
