"""What can go wrong in understanding. Every class has a stable ``code`` and says what would be right.

NluError (nlu)
├── BaseNotFound (base_not_found): a base model name that leads nowhere
├── BaseUnsupported (base_unsupported): a base model of an architecture that this encoder cannot run
├── NluFolderError (nlu_folder): a model folder that is missing, torn or of another version
├── PatternError (nlu_pattern): a regular expression that does not compile
├── NluDataError (nlu_data): training data that nothing can be learned from
└── SystemEntitiesError (system_entities): times, numbers and the like cannot be found as it was asked for
"""


class NluError(Exception):
    """Root of the errors of this package. ``remedy`` says what would be right."""

    code = "nlu"

    def __init__(self, what: str, *, remedy: str) -> None:
        self.remedy = remedy
        super().__init__(f"{what}; {remedy}")


class BaseNotFound(NluError):
    """The name of a base model leads to no folder or file."""

    code = "base_not_found"


class BaseUnsupported(NluError):
    """The base model has an architecture that the encoder does not run."""

    code = "base_unsupported"


class NluFolderError(NluError):
    """The folder holds no usable NLU model."""

    code = "nlu_folder"


class PatternError(NluError):
    """A regular expression of the training data does not compile."""

    code = "nlu_pattern"


class NluDataError(NluError):
    """The training data cannot be learned from."""

    code = "nlu_data"


class SystemEntitiesError(NluError):
    """System entities cannot be found here, or not those that were asked for."""

    code = "system_entities"
