"""Where things lie in an assistant folder."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class AssistantPaths:
    """The folders and files of an assistant; none of them needs to exist."""

    folder: Path

    @property
    def models(self) -> Path:
        """Releases."""
        return self.folder / "models"

    @property
    def knowledge(self) -> Path:
        """Help pages and FAQ files."""
        return self.folder / "knowledge"

    @property
    def corrections(self) -> Path:
        """NLU examples that ``kefu retrain`` added."""
        return self.folder / "data" / "corrections.yml"

    @property
    def confirmed_questions(self) -> Path:
        """Questions, one a line, that customers asked the knowledge and rated its answer well."""
        return self.folder / "data" / "confirmed_questions.txt"

    @property
    def confirmed_answers(self) -> Path:
        """A table of such questions and the answers, for fine-tuning the generator."""
        return self.folder / "data" / "confirmed_answers.csv"

    @property
    def state(self) -> Path:
        """What the running server keeps: the embedded store, the admin token. Not for version control."""
        return self.folder / ".kefu"

    @property
    def audit(self) -> Path:
        """Who did what to the running bot."""
        return self.state / "audit"

    @property
    def has_actions(self) -> bool:
        """Whether the folder carries an action server of its own."""
        return (self.folder / "actions").is_dir() or (self.folder / "actions.py").is_file()
