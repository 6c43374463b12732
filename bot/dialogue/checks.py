"""What the checks of a project share: collecting faults and notices, and looking names up in the domain."""

from collections.abc import Collection

from bot.dialogue.domain import Domain
from bot.dialogue.errors import Fault, printable
from bot.dialogue.project import Place, Project
from bot.dialogue.reading import suggest

NOWHERE = Place(path="domain.yml", line=1)
LOOPS = ("action_two_stage_fallback",)
"""Built-in actions that are loops, beside the forms; a custom action may be one, too."""


class Checks:
    """Faults and notices about one project, and which actions and responses something uses."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.domain: Domain = project.domain
        self.faults: list[Fault] = []
        self.notices: list[str] = []
        self.used_actions: set[str] = set()
        self.loops = (*self.domain.forms, *LOOPS, *self.domain.actions)
        self.actions = frozenset((*self.domain.action_names, *self.domain.responses))

    def fault(self, place: Place, what: str, remedy: str) -> None:
        """Note what must be mended."""
        self.faults.append(Fault(path=place.path, line=place.line, what=what, remedy=remedy))

    def notice(self, place: Place, text: str) -> None:
        """Note what is merely odd."""
        self.notices.append(printable(f"{place.path}:{place.line}: {text}"))

    def place(self, key: str) -> Place:
        """Where the domain defines something, by its key in ``Project.places``."""
        return self.project.places.get(key, NOWHERE)

    def known(self, place: Place, kind: str, name: str | None, known: Collection[str], where: str) -> None:
        """Note a fault if ``where`` gives a ``name`` that is not ``known`` and must run; no name is no fault."""
        if name and name not in known:
            self.fault(place, _missing(kind, name, where), suggest(name, known))

    def met(self, place: Place, kind: str, name: str | None, known: Collection[str], where: str) -> None:
        """Note a ``name`` that is not ``known`` and so has no effect, as assistants that run under Rasa may have."""
        if name and name not in known:
            self.notice(place, f"{_missing(kind, name, where)}; {suggest(name, known)}")

    def intent(self, place: Place, name: str, where: str) -> None:
        """Note an intent that the domain lacks; of a retrieval intent only the base counts."""
        self.met(place, "intent", base(name), self.domain.intents, where)

    def labels(self, place: Place, where: str, entity: str | None, role: str | None, group: str | None) -> None:
        """Note a role or group that its entity does not list."""
        spec = self.domain.entities.get(entity or "")
        if spec is None:
            return
        for kind, label, known in (("role", role, spec.roles), ("group", group, spec.groups)):
            if label and label not in known:
                self.notice(place, f'{where} uses the {kind} "{label}", which the entity "{spec.name}" does not list')


def _missing(kind: str, name: str, where: str) -> str:
    return f'{where} names the {kind} "{name}", which the domain does not have'


def base(name: str) -> str:
    """Drop the key of a retrieval intent or response: ``faq/hours`` gives ``faq``."""
    return name.split("/", 1)[0]
