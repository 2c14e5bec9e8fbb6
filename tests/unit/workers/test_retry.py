"""The retry policy of a job type: how long a job waits for its next attempt, and what is not tried again."""

from __future__ import annotations

import pytest

from infra.records import Failure, FailureKind, JobState, Outcome
from specialists.manifest import Retry
from workers.attempt import retry_ms

ALMOST_ONE = 1 - 2**-53  #: the largest that `random` gives


def failed(kind: FailureKind = FailureKind.ENGINE, retryable: bool = True, attempt: int = 1) -> Outcome:
    failure = Failure(kind=kind, message="no", retryable=retryable)
    ids = {"job_id": "r1.s1.0", "run_id": "r1", "step_id": "s1", "index": 0}
    return Outcome(**ids, state=JobState.FAILED, attempt=attempt, failure=failure)


def test_each_wait_is_longer_by_the_factor_and_none_than_the_longest() -> None:
    retry = Retry(backoff_s=0.5, factor=3, longest_s=10, jitter=0)
    waits = [retry_ms(failed(attempt=attempt), retry, chance=0.7) for attempt in range(1, 6)]
    assert waits == [500, 1_500, 4_500, 10_000, 10_000]


def test_chance_takes_at_most_its_share_of_a_wait() -> None:
    retry = Retry(backoff_s=8, jitter=0.25)
    waits = [retry_ms(failed(), retry, chance) for chance in (0.0, 0.5, ALMOST_ONE)]
    assert waits == [8_000, 7_000, 6_000]


def test_a_wait_is_never_negative_and_never_too_large_for_a_number() -> None:
    assert retry_ms(failed(), Retry(jitter=1), ALMOST_ONE) == 0
    steep = Retry(backoff_s=1, factor=100, longest_s=60, jitter=0)
    assert retry_ms(failed(attempt=20), steep, 0.0) == 60_000


def test_what_would_fail_again_is_not_tried_again() -> None:
    assert retry_ms(failed(retryable=False), Retry(), 0.5) is None


@pytest.mark.parametrize("kind", [FailureKind.TIMEOUT, FailureKind.INVALID_OUTPUT])
def test_a_kind_that_is_ruled_out_is_not_tried_again_and_the_others_are(kind: FailureKind) -> None:
    retry = Retry(never=(kind,))
    assert retry_ms(failed(kind), retry, 0.5) is None
    assert retry_ms(failed(FailureKind.ENGINE), retry, 0.5) is not None


def test_a_success_is_not_tried_again() -> None:
    done = failed().model_copy(update={"failure": None, "state": JobState.SUCCEEDED})
    assert retry_ms(done, Retry(), 0.5) is None
