"""The breaker: after failures in a row a server is left alone, then tried once."""

from bot.actions.http import Breaker


class Time:
    at = 0.0

    def __call__(self) -> float:
        return self.at


def test_breaker():
    now = Time()
    breaker = Breaker(limit=2, rest_s=10, clock=now)
    breaker.failed()
    assert breaker.admit()
    breaker.succeeded()
    breaker.failed()
    assert breaker.admit()  # not two in a row
    breaker.failed()
    assert not breaker.admit()
    now.at = 10
    assert breaker.admit()  # the trial
    assert not breaker.admit()  # only one
    breaker.failed()
    assert not breaker.admit()
    now.at = 20
    assert breaker.admit()
    breaker.succeeded()
    assert breaker.admit()
    assert breaker.admit()
