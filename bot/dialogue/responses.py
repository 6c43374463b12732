"""What the bot says for a response: pick a variation, fill in slots. Pure: chance comes in as ``rng``.

As in Rasa 3.x (``core/nlg``), with two differences: a lone brace never raises, and ``{{x}}`` beside a known name
prints ``{x}`` instead of leaving the whole text as it is.
"""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bot.dialogue.domain import Domain, ResponseVariation
from bot.dialogue.parse import Json

_TOKEN = re.compile(
    r"""\{\{\{(?P<wrapped>[^\n{}"]+)\}\}\}  # {{{x}}}: a value in braces
    | \{(?P<escaped>\{[^\n{}]*\})\}        # {{x}}: prints {x}
    | \{(?P<name>[^\n{}"]+)\}               # {x}: a value; what has quotes is JSON and no name
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A response ready to be said. ``notes`` name placeholders that no slot or argument has."""

    text: str | None = None
    image: str | None = None
    buttons: tuple[Mapping[str, Json], ...] = ()
    quick_replies: tuple[Mapping[str, Json], ...] = ()
    attachment: Json = None
    elements: tuple[Mapping[str, Json], ...] = ()
    custom: Json = None
    button_type: str | None = None
    metadata: Mapping[str, Json] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def respond(
    domain: Domain,
    name: str,
    *,
    slots: Mapping[str, Json],
    channel: str | None,
    rng: random.Random,
    arguments: Mapping[str, Json] | None = None,
) -> Rendered | None:
    """Say the response ``name``; ``arguments`` extend and override slots. None where no variation fits."""
    variation = choose(domain.responses.get(name, ()), slots=slots, channel=channel, rng=rng)
    return None if variation is None else render(variation, {**slots, **(arguments or {})})


def choose(
    variations: Sequence[ResponseVariation],
    *,
    slots: Mapping[str, Json],
    channel: str | None,
    rng: random.Random,
) -> ResponseVariation | None:
    """Pick at random among those that fit; None where none does."""
    candidates = fitting(variations, slots=slots, channel=channel)
    return rng.choice(candidates) if candidates else None


def fitting(
    variations: Sequence[ResponseVariation], *, slots: Mapping[str, Json], channel: str | None
) -> Sequence[ResponseVariation]:
    """The first class that has a variation: conditional and of this channel, of this channel, conditional, neither.

    A conditional variation counts only if all its conditions hold.
    """
    for of_channel, conditional in ((True, True), (True, False), (False, True), (False, False)):
        candidates = [
            variation
            for variation in variations
            if _is_of(variation, channel, of_channel) and _holds(variation, slots, conditional)
        ]
        if candidates:
            return candidates
    return ()


def _is_of(variation: ResponseVariation, channel: str | None, of_channel: bool) -> bool:
    return variation.channel == channel and channel is not None if of_channel else variation.channel is None


def _holds(variation: ResponseVariation, slots: Mapping[str, Json], conditional: bool) -> bool:
    if variation.conditions is None:
        return not conditional
    return (
        conditional
        and bool(variation.conditions)
        and all(_equal(slots.get(condition.slot), condition.value) for condition in variation.conditions)
    )


def _equal(actual: Json, wanted: Json) -> bool:
    if isinstance(actual, str) and isinstance(wanted, str):
        return actual.casefold() == wanted.casefold()
    return actual == wanted


def render(variation: ResponseVariation, values: Mapping[str, Json]) -> Rendered:
    """Fill ``{name}`` in text, image, buttons, quick replies, attachment and custom.

    An unset slot prints ``None``. A text with one unknown name stays as it is. ``{{x}}`` prints ``{x}``. Without any
    values nothing is touched.
    """
    notes: list[str] = []

    def fill(value: Json) -> Json:
        return _filled(value, lambda text: _interpolated(text, values, notes)) if values else value

    return Rendered(
        text=None if variation.text is None else str(fill(variation.text)),
        image=None if variation.image is None else str(fill(variation.image)),
        buttons=tuple(_filled_keys(button, fill) for button in variation.buttons),
        quick_replies=tuple(_filled_keys(reply, fill) for reply in variation.quick_replies),
        attachment=fill(variation.attachment),
        elements=variation.elements,
        custom=fill(variation.custom),
        button_type=variation.button_type,
        metadata=variation.metadata if isinstance(variation.metadata, Mapping) else {},
        notes=tuple(dict.fromkeys(notes)),
    )


def _filled_keys(entry: Mapping[str, Json], fill: Callable[[Json], Json]) -> Mapping[str, Json]:
    return {key: fill(value) for key, value in entry.items()}


def _filled(value: Json, interpolate: Callable[[str], str]) -> Json:
    match value:
        case str():
            return interpolate(value)
        case Mapping():
            return {key: _filled(child, interpolate) for key, child in value.items()}
        case Sequence():
            return [_filled(child, interpolate) for child in value]
        case _:
            return value


def _interpolated(text: str, values: Mapping[str, Json], notes: list[str]) -> str:
    unknown = [name for name in _placeholders(text) if name not in values]
    if unknown:
        notes += (f'no slot or argument is called "{name}"' for name in unknown)
        return text
    return _TOKEN.sub(lambda match: _printed(match, values), text)


def _printed(match: re.Match[str], values: Mapping[str, Json]) -> str:
    match match.lastgroup:
        case "wrapped":
            return f"{{{values[match['wrapped']]}}}"
        case "name":
            return str(values[match["name"]])
        case _:
            return match["escaped"]


def _placeholders(text: str) -> list[str]:
    return [name for match in _TOKEN.finditer(text) if (name := match["name"] or match["wrapped"])]


def placeholders(variation: ResponseVariation) -> tuple[str, ...]:
    """Names of all placeholders of a variation, in order, each once."""
    names: list[str] = []

    def note(text: str) -> str:
        names.extend(_placeholders(text))
        return text

    parts = (
        variation.text,
        variation.image,
        *variation.buttons,
        *variation.quick_replies,
        variation.attachment,
        variation.custom,
    )
    for part in parts:
        _filled(part, note)
    return tuple(dict.fromkeys(names))
