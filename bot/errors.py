"""What can go wrong outside the dialogue core. Every class has a stable ``code``.

KefuError (kefu)
├── StoreError (store)
│   ├── StoreUnavailable (store_unavailable): nothing was queued, or it is unknown; the caller must not acknowledge
│   ├── StoreInUse (store_in_use): another program has the data folder of the embedded store
│   ├── StoreBusy (store_busy): a limit was reached; try again later
│   └── LogTrimmed (log_trimmed): the log no longer reaches back that far
├── ReleaseError (release): a release that is missing, torn, foreign or does not fit
│   └── NoRelease (no_release): none answers, because an operator took it away
├── ActionError (action)
│   ├── ActionRejected (action_rejected): the action declined (400)
│   ├── ActionUnknown (action_unknown): the server has no such action (404)
│   ├── ActionDomainMissing (action_domain_missing): the server wants the domain that it was sent (449)
│   ├── ActionFailed (action_failed): the action raised (500 and every other status)
│   ├── ActionGarbled (action_garbled): the answer is no result
│   ├── ActionTimeout (action_timeout): no answer in time
│   └── ActionUnreachable (action_unreachable): nobody listens at the address
├── BenchError (bench): a benchmark could not be run
├── LiveTestError (live_test): the bot that test stories are played against cannot be talked to
├── DraftFailed (draft_failed): the generator's server gave no whole answer; the passage is quoted instead
├── ModelsBusy (models_busy): too many messages wait for a model
├── WorkshopError (workshop): a training or a test that a program asked for did not come to its end
│   ├── WorkshopBusy (workshop_busy): another one runs
│   └── Faulty (faulty): the data that it was given cannot be used
├── ChannelError (channel): a platform that cannot be registered with
│   └── CredentialsError (credentials): channel settings that cannot be used
├── Unauthorized (unauthorized): a request that does not prove where it comes from
└── BadRequest (bad_request): a request that cannot be understood
"""


class KefuError(Exception):
    """Root of the errors of the ``bot`` package."""

    code = "kefu"


class StoreError(KefuError):
    """The store could not do what was asked."""

    code = "store"


class StoreUnavailable(StoreError):
    """The store cannot be reached."""

    code = "store_unavailable"


class StoreInUse(StoreError):
    """Another program has the data folder."""

    code = "store_in_use"


class StoreBusy(StoreError):
    """A bound of the store was reached."""

    code = "store_busy"


class LogTrimmed(StoreError):
    """The log was cut; a snapshot is needed. ``oldest`` is the lowest number still kept, None if nothing is."""

    code = "log_trimmed"

    def __init__(self, message: str = "the log no longer reaches back that far", *, oldest: int | None = None):
        super().__init__(message)
        self.oldest = oldest


class ReleaseError(KefuError):
    """A release cannot be used."""

    code = "release"


class NoRelease(ReleaseError):
    """No release answers: it was unloaded."""

    code = "no_release"


class ActionError(KefuError):
    """A custom action did not run to its end."""

    code = "action"


class ActionRejected(ActionError):
    """The action declined to run."""

    code = "action_rejected"


class ActionUnknown(ActionError):
    """The action server does not know the action."""

    code = "action_unknown"


class ActionDomainMissing(ActionError):
    """The action server did not take the domain."""

    code = "action_domain_missing"


class ActionFailed(ActionError):
    """The action raised."""

    code = "action_failed"


class ActionGarbled(ActionError):
    """The answer of the action server is no result of an action."""

    code = "action_garbled"


class ActionTimeout(ActionError):
    """The action took too long."""

    code = "action_timeout"


class ActionUnreachable(ActionError):
    """The action server cannot be reached."""

    code = "action_unreachable"


class BenchError(KefuError):
    """A benchmark could not be run."""

    code = "bench"


class LiveTestError(KefuError):
    """The bot that test stories are played against cannot be talked to."""

    code = "live_test"


class DraftFailed(KefuError):
    """The server that writes drafts is down, refuses or breaks off; what came before was checked, and stands."""

    code = "draft_failed"


class ModelsBusy(KefuError):
    """The bound on waiting messages was reached."""

    code = "models_busy"


class WorkshopError(KefuError):
    """A training or a test did not come to its end. ``reason`` is Rasa's word for which of them."""

    code = "workshop"

    def __init__(self, message: str, *, reason: str = "TestingError"):
        super().__init__(message)
        self.reason = reason


class WorkshopBusy(WorkshopError):
    """Another training or test runs."""

    code = "workshop_busy"


class Faulty(WorkshopError):
    """The data cannot be used. ``in_domain``: the domain is at fault."""

    code = "faulty"

    def __init__(self, message: str, *, in_domain: bool = False):
        super().__init__(message)
        self.in_domain = in_domain


class ChannelError(KefuError):
    """A platform does not take the bot as it is set up."""

    code = "channel"


class CredentialsError(ChannelError):
    """Channel settings are missing, wrong or for a channel that cannot run here."""

    code = "credentials"


class Unauthorized(KefuError):
    """The request did not prove where it comes from."""

    code = "unauthorized"


class BadRequest(KefuError):
    """The request cannot be understood."""

    code = "bad_request"
