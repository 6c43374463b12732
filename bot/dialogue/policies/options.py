"""Reading the options of a policy from ``config.yml``; options of parts that we do not have are let be."""

from dataclasses import dataclass, field

from bot.dialogue.errors import Fault
from bot.dialogue.project import Component

CONFIG_FILE = "config.yml"


@dataclass(frozen=True, slots=True)
class Options:
    """Typed access to a component's options; what is wrong with them is collected in ``faults``."""

    component: Component
    faults: list[Fault] = field(default_factory=list)

    def flag(self, name: str, default: bool) -> bool:
        """A yes-or-no option."""
        value = self.component.options.get(name)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        self._fault(name, value, "true or false")
        return default

    def number(self, name: str, default: float) -> float:
        """An option that is a number."""
        value = self.component.options.get(name)
        if value is None:
            return default
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
        self._fault(name, value, "a number")
        return default

    def share(self, name: str, default: float) -> float:
        """An option that is a number from 0 to 1."""
        value = self.number(name, default)
        if 0.0 <= value <= 1.0:
            return value
        self._fault(name, value, "a number from 0 to 1")
        return default

    def names(self, name: str) -> tuple[str, ...]:
        """An option that is a list of texts."""
        value = self.component.options.get(name)
        if value is None:
            return ()
        if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
            return tuple(map(str, value))
        self._fault(name, value, "a list of names")
        return ()

    def count(self, name: str, default: int | None) -> int | None:
        """A whole number above 0; ``null`` (or 0) is None."""
        if name not in self.component.options:
            return default
        value = self.component.options[name]
        if value is None or value == 0:
            return None
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
        self._fault(name, value, "a whole number above 0, or null")
        return default

    def text(self, name: str, default: str) -> str:
        """An option that is a text."""
        value = self.component.options.get(name)
        if value is None or isinstance(value, str):
            return default if value is None else value
        self._fault(name, value, "a text")
        return default

    def _fault(self, name: str, value: object, right: str) -> None:
        self.faults.append(
            Fault(
                path=CONFIG_FILE,
                line=self.component.line,
                what=f"option {name!r} of {self.component.name} is {value!r}",
                remedy=f"give {right}",
            )
        )
