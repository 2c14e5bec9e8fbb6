"""One worker, its ledger in memory and its answers from a script: every way in which a job can end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from infra.ledger.memory.ledger import MemoryLedger
from infra.ledger.protocol import LedgerUnavailable
from infra.queue.protocol import Redeliver
from infra.records import Claim, Commit, FailureKind, Job, JobState, Outcome, Refusal, RunRecord, RunState
from specialists.catalog import load_catalog
from specialists.specialist import Specialist, load_specialist
from tests.support.clock import Clock, RunningClock
from tests.support.eventually import eventually
from tests.support.jobs import state_of, status_of
from workers.engines import Completion, Engine, EngineError, PromptTooLong, Request
from workers.engines.function import FunctionEngine
from workers.engines.scripted import Answer, ScriptedEngine
from workers.metrics import WorkerMetrics
from workers.worker import Worker

Hire = Callable[..., Worker]
Send = Callable[..., str]

WAIT_S = 20
MANIFEST = """
engine = "scripted"
[decoding]
format = "lines"
max_tokens = 8
"""
SECRET = "the customer's own words"
BACK_OFF_MS = 60_000  #: longer than any wait between two attempts
SLACK_MS = 5_000  #: the clock goes on while a test runs


def release(ledger: MemoryLedger, input: Mapping[str, Any] | None = None, type: str = "mood", **fields: Any) -> str:
    """Releases a job and takes it as the coordinator does before it puts it on the queue; returns its id."""
    given = {"text": SECRET} if input is None else dict(input)
    job = Job(id="r1.s1.0", type=type, input=given, run_id="r1", step_id="s1", **fields)
    ledger.create_run(RunRecord(id="r1", created_ms=1, body={}), [job], [])
    assert ledger.take_ready(10) == [(type, job.id)]
    return job.id


@pytest.fixture
def clock() -> Clock:
    return RunningClock()


@pytest.fixture
def ledger(clock: Clock) -> MemoryLedger:
    return MemoryLedger(now_ms=clock)


@pytest.fixture
def write_mood(write_specialist: Callable[..., Path]) -> Callable[..., Specialist]:
    """The specialist `mood`; given what else its manifest says."""

    def write(more: str = "") -> Specialist:
        input, output = {"text": {"type": "string", "maxLength": 100}}, {"mood": {"enum": ["good", "bad"]}}
        files = {"prompt.txt": "Text: {{text}}\nMood:"}
        return load_specialist(write_specialist("mood", MANIFEST + more, input, output, files))

    return write


@pytest.fixture
def engines() -> Iterator[list[Engine]]:
    """Closed when the test ends."""
    made: list[Engine] = []
    yield made
    for engine in made:
        engine.close()


@pytest.fixture
def hire(ledger: MemoryLedger, write_mood: Callable[..., Specialist], engines: list[Engine]) -> Hire:
    """A worker whose specialist `mood` always gives `answer`, or one with the engine or the specialist given."""

    ordinary = cache(write_mood)

    def hire(
        answer: Answer = "good",
        engine: Engine | None = None,
        delay_s: float = 0.0,
        specialist: Specialist | None = None,
        **options: Any,
    ) -> Worker:
        engines.append(engine or ScriptedEngine({"mood": answer}, delay_s))
        asked: dict[str, Any] = {"ledger": ledger, "lease_s": 5.0} | options
        mood = specialist or ordinary()
        return Worker(specialists=[mood], engines={"mood": engines[-1]}, name="mood-1@here", slots=4, **asked)

    return hire


@pytest.fixture
def send(ledger: MemoryLedger) -> Send:
    return partial(release, ledger)


def ended(ledger: MemoryLedger, job_id: str) -> Outcome:
    outcome = status_of(ledger, job_id).outcome
    assert outcome, "the job has not ended"
    return outcome


def failure_kind(ledger: MemoryLedger, job_id: str) -> FailureKind:
    failure = ended(ledger, job_id).failure
    assert failure
    assert SECRET not in failure.message
    return failure.kind


def raises(error: EngineError) -> Callable[[Request], str]:
    def answer(request: Request) -> str:
        raise error

    return answer


def test_a_job_ends_with_its_parsed_output(hire: Hire, send: Send, ledger: MemoryLedger) -> None:
    job_id = send()
    hire("good").do(job_id)
    outcome = ended(ledger, job_id)
    assert (outcome.state, outcome.output, outcome.failure) == (JobState.SUCCEEDED, {"mood": "good"}, None)


def test_an_outcome_names_what_made_it(
    hire: Hire, send: Send, ledger: MemoryLedger, write_mood: Callable[..., Specialist]
) -> None:
    job_id, mood = send(), write_mood()
    hire(specialist=mood).do(job_id)
    assert (made_by := ended(ledger, job_id).provenance)
    assert (made_by.worker, made_by.specialist, made_by.engine) == ("mood-1@here", "mood@1.0.0", "scripted")
    assert made_by.digest == mood.digest
    assert (made_by.precision, made_by.engine_version, made_by.seed) == (None, None, None)


def test_an_outcome_says_in_which_numbers_and_by_which_libraries_it_was_computed(
    hire: Hire, send: Send, ledger: MemoryLedger
) -> None:
    class Computing(ScriptedEngine):
        precision = "int8"
        build = "abacus 1.2"

    job_id = send()
    hire(engine=Computing({"mood": "bad"})).do(job_id)
    assert (made_by := ended(ledger, job_id).provenance)
    assert (made_by.precision, made_by.engine_version) == ("int8", "abacus 1.2")


def test_a_worker_tells_the_engine_which_part_of_the_prompt_may_be_cut(
    hire: Hire, send: Send, write_mood: Callable[..., Specialist]
) -> None:
    asked: list[Request] = []

    def answer(request: Request) -> str:
        asked.append(request)
        return "good"

    hire(answer, specialist=write_mood('[limits]\ncut = "text"\n')).do(send({"text": "Text: Mood:"}))
    (request,) = asked
    assert request.cut
    assert request.prompt[slice(*request.cut)] == "Text: Mood:"
    assert (request.prompt[: request.cut[0]], request.prompt[request.cut[1] :]) == ("Text: ", "\nMood:")


def test_an_outcome_says_of_which_round_of_its_run_it_is(hire: Hire, send: Send, ledger: MemoryLedger) -> None:
    job_id = send(round=3)
    hire().do(job_id)
    assert ended(ledger, job_id).round == 3


def test_an_outcome_says_what_it_used(hire: Hire, send: Send, ledger: MemoryLedger) -> None:
    class Counting(ScriptedEngine):
        def _complete(self, request: Request, cancelled: bool) -> Completion:
            whole = super()._complete(request, cancelled)
            return Completion(whole.text, whole.finish, tokens_in=9, tokens_out=3, forced=2, reused=7, cut=40)

    job_id = send()
    hire(engine=Counting({"mood": "bad"})).do(job_id)
    usage = ended(ledger, job_id).usage
    assert (usage.tokens_in, usage.tokens_out, usage.forced) == (9, 3, 2)
    assert (usage.reused, usage.cut) == (7, 40)


def test_the_engine_is_asked_with_prompt_grammar_and_token(hire: Hire, send: Send) -> None:
    asked: list[Request] = []

    def answer(request: Request) -> str:
        asked.append(request)
        return "good"

    hire(answer).do(send({"text": "Hello"}))
    assert [request.prompt for request in asked] == ["Text: Hello\nMood:"]
    assert (asked[0].specialist, asked[0].max_tokens) == ("mood", len("good"))  # no answer is longer
    assert asked[0].grammar
    assert "good" in asked[0].grammar


def test_a_function_does_a_job_without_a_prompt(ledger: MemoryLedger, send: Send, engines: list[Engine]) -> None:
    count = load_catalog(adapters=False).get("count")
    engines.append(FunctionEngine({"count": count.function}))
    job_id = send({"items": [{"kind": "a"}, {"kind": "b"}, {"kind": "a"}], "field": "kind"}, type="count")
    Worker(ledger, [count], {"count": engines[0]}, "count-1@here", lease_s=5.0, slots=4).do(job_id)
    outcome = ended(ledger, job_id)
    assert outcome.output
    assert outcome.output["total"] == 3


FREE = {"type": "array", "items": {}, "maxItems": 9}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("[" * 100 + "]" * 100, "nests 101 levels deep, the limit is 100"),
        ("[" * 230 + "]" * 230, "nests 231 levels deep"),
        ("[NaN]", "holds a number that is not finite"),
        (r'["\ud800"]', "holds half a surrogate pair"),
    ],
)
def test_an_output_that_cannot_be_kept_ends_its_job_at_once(
    hire: Hire, send: Send, ledger: MemoryLedger, write_specialist: Callable[..., Path], answer: str, reason: str
) -> None:
    manifest = MANIFEST.replace("lines", "json")
    folder = write_specialist("mood", manifest, {"text": {"type": "string", "maxLength": 100}}, {"x": FREE}, {})
    job_id = send()
    hire(f'{{"x":{answer}}}', specialist=load_specialist(folder)).do(job_id)
    failure = ended(ledger, job_id).failure
    assert failure
    assert failure.kind is FailureKind.INVALID_OUTPUT
    assert reason in failure.message


def test_an_input_that_breaks_the_schema_fails_without_another_try(
    hire: Hire, send: Send, ledger: MemoryLedger
) -> None:
    job_id = send({"text": 7, "tone": "x"})
    hire().do(job_id)
    failure = ended(ledger, job_id).failure
    assert failure
    assert failure.kind is FailureKind.INVALID_INPUT
    assert "text" in failure.message
    assert "tone" in failure.message


def test_an_answer_that_does_not_parse_is_tried_once_more_and_then_fails(
    hire: Hire, send: Send, ledger: MemoryLedger, clock: Clock
) -> None:
    worker, job_id = hire("neither of the two"), send()
    worker.do(job_id)
    assert state_of(ledger, job_id) is JobState.PENDING
    clock.passes(BACK_OFF_MS)
    ledger.take_ready(10)
    worker.do(job_id)
    assert failure_kind(ledger, job_id) is FailureKind.INVALID_OUTPUT
    assert status_of(ledger, job_id).attempt == 2


def test_an_answer_that_parses_on_the_second_attempt_counts(
    hire: Hire, send: Send, ledger: MemoryLedger, clock: Clock
) -> None:
    answers = ["nonsense", "bad"]
    worker, job_id = hire(lambda _: answers.pop(0)), send()
    worker.do(job_id)
    clock.passes(BACK_OFF_MS)
    ledger.take_ready(10)
    worker.do(job_id)
    assert ended(ledger, job_id).output == {"mood": "bad"}


def test_a_prompt_that_is_too_long_fails_as_that(hire: Hire, send: Send, ledger: MemoryLedger) -> None:
    job_id = send()
    hire(raises(PromptTooLong(900, 640))).do(job_id)
    assert failure_kind(ledger, job_id) is FailureKind.TOO_LONG


def test_an_engine_that_cannot_now_is_asked_again_after_a_while(
    hire: Hire, send: Send, ledger: MemoryLedger, clock: Clock
) -> None:
    job_id = send()
    hire(raises(EngineError("out of memory"))).do(job_id)
    assert state_of(ledger, job_id) is JobState.PENDING
    assert ledger.take_ready(10) == []
    clock.passes(BACK_OFF_MS)
    assert ledger.take_ready(10) == [("mood", job_id)]


def test_a_kind_of_failure_that_the_manifest_rules_out_is_not_tried_again(
    hire: Hire, send: Send, ledger: MemoryLedger, write_mood: Callable[..., Specialist]
) -> None:
    job_id, impatient = send(), write_mood('[retry]\nnever = ["engine"]\n')
    hire(raises(EngineError("out of memory")), specialist=impatient).do(job_id)
    assert failure_kind(ledger, job_id) is FailureKind.ENGINE
    assert status_of(ledger, job_id).attempt == 1


def test_each_wait_for_another_attempt_is_as_the_manifest_says(
    hire: Hire, send: Send, ledger: MemoryLedger, clock: Clock, write_mood: Callable[..., Specialist]
) -> None:
    patient = write_mood("[retry]\nbackoff_s = 10\nfactor = 3\njitter = 0\n")
    worker, job_id = hire(raises(EngineError("out of memory")), specialist=patient), send()
    for wait_ms in (10_000, 30_000):
        worker.do(job_id)
        clock.passes(wait_ms - SLACK_MS)
        assert ledger.take_ready(10) == []
        clock.passes(SLACK_MS)
        assert ledger.take_ready(10) == [("mood", job_id)]


def test_an_engine_that_never_can_ends_the_job(hire: Hire, send: Send, ledger: MemoryLedger) -> None:
    job_id = send()
    hire(raises(EngineError("no such function", retryable=False))).do(job_id)
    assert failure_kind(ledger, job_id) is FailureKind.ENGINE


def test_a_fault_that_nobody_foresaw_ends_its_job_and_quotes_nothing(
    hire: Hire, send: Send, ledger: MemoryLedger, caplog: pytest.LogCaptureFixture
) -> None:
    class Faulty(ScriptedEngine):
        def submit(self, request: Request) -> Future[Completion]:
            raise KeyError(request.prompt)

    job_id = send()
    hire(engine=Faulty({})).do(job_id)
    assert failure_kind(ledger, job_id) is FailureKind.ENGINE
    assert SECRET not in caplog.text


def test_an_attempt_that_takes_too_long_is_a_timeout(hire: Hire, send: Send, ledger: MemoryLedger) -> None:
    job_id = send(timeout_s=0.05, attempts=1)
    hire(delay_s=60).do(job_id)
    assert failure_kind(ledger, job_id) is FailureKind.TIMEOUT


def test_a_timeout_is_tried_again_while_attempts_are_left(hire: Hire, send: Send, ledger: MemoryLedger) -> None:
    job_id = send(timeout_s=0.05, attempts=2)
    hire(delay_s=60).do(job_id)
    assert state_of(ledger, job_id) is JobState.PENDING


def test_a_job_whose_deadline_passes_while_it_runs_expires(
    hire: Hire, send: Send, ledger: MemoryLedger, clock: Clock
) -> None:
    job_id = send(deadline_ms=clock() + 200)
    hire(delay_s=60).do(job_id)
    assert ended(ledger, job_id).state is JobState.EXPIRED
    assert failure_kind(ledger, job_id) is FailureKind.EXPIRED


def test_an_engine_that_never_answers_is_not_waited_for(
    hire: Hire, send: Send, ledger: MemoryLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Mute(ScriptedEngine):
        def submit(self, request: Request) -> Future[Completion]:
            return Future()

    monkeypatch.setattr("workers.attempt.OVERDUE_S", 0.01)
    job_id = send(timeout_s=0.01, attempts=1)
    hire(engine=Mute({})).do(job_id)
    assert failure_kind(ledger, job_id) is FailureKind.TIMEOUT


def test_a_job_that_was_done_is_not_done_again(hire: Hire, send: Send, ledger: MemoryLedger) -> None:
    answers = ["good", "bad"]
    worker, job_id = hire(lambda _: answers.pop(0)), send()
    worker.do(job_id)
    worker.do(job_id)
    assert ended(ledger, job_id).output == {"mood": "good"}
    assert answers == ["bad"]


def test_a_job_that_another_worker_runs_is_left_to_it(hire: Hire, send: Send, ledger: MemoryLedger) -> None:
    job_id = send()
    theirs = ledger.claim(job_id, "other@there", 60_000)
    assert isinstance(theirs, Claim)
    hire().do(job_id)
    assert status_of(ledger, job_id).worker == "other@there"
    assert status_of(ledger, job_id).attempt == 1


def test_a_message_for_no_job_is_done_with(hire: Hire, ledger: MemoryLedger) -> None:
    hire().do("r9.s9.9")
    assert ledger.job("r9.s9.9") is None


def test_the_outcome_of_a_claim_that_was_fenced_off_is_dropped(
    hire: Hire, send: Send, ledger: MemoryLedger, clock: Clock
) -> None:
    def answer(request: Request) -> str:
        clock.passes(60_000)  # our lease runs out while we work
        assert isinstance(ledger.claim("r1.s1.0", "other@there", 60_000), Claim)
        return "good"

    job_id = send()
    hire(answer).do(job_id)
    assert (state_of(ledger, job_id), status_of(ledger, job_id).worker) == (JobState.RUNNING, "other@there")


class _TellsLate(MemoryLedger):
    """Says of a claim that is being committed that its worker does not hold it."""

    told: Callable[[], None] = staticmethod(lambda: None)

    def commit_all(self, commits: Sequence[Commit]) -> list[bool]:
        taken = super().commit_all(commits)
        self.told()
        return taken


def test_a_lease_that_ended_with_its_commit_does_not_count_as_lost(
    hire: Hire, write_mood: Callable[..., Specialist]
) -> None:
    late, registry = _TellsLate(), CollectorRegistry()
    worker = hire(ledger=late, metrics=WorkerMetrics(registry))
    late.told = worker._leases.renew
    worker.do(release(late))
    assert ended(late, "r1.s1.0").state is JobState.SUCCEEDED
    assert registry.get_sample_value("manyhands_leases_lost_total", {"job_type": "mood"}) == 0


def test_a_cancelled_run_stops_its_job_at_the_engine(hire: Hire, send: Send, ledger: MemoryLedger) -> None:
    job_id = send()
    with hire(delay_s=600, lease_s=0.15) as worker:
        running = threading.Thread(target=worker.do, args=[job_id])
        running.start()
        eventually(lambda: state_of(ledger, job_id) is JobState.RUNNING)
        run = ledger.load_run("r1")
        assert run
        assert ledger.advance(run.model_copy(update={"state": RunState.CANCELLED}), [], [], [])
        running.join(WAIT_S)
        assert not running.is_alive()
    assert state_of(ledger, job_id) is JobState.CANCELLED


def test_a_long_job_keeps_its_lease(hire: Hire, send: Send, ledger: MemoryLedger) -> None:
    job_id, answers = send(), []
    with hire(delay_s=3, lease_s=1) as worker:
        running = threading.Thread(target=worker.do, args=[job_id])
        running.start()
        eventually(lambda: state_of(ledger, job_id) is JobState.RUNNING)
        while running.is_alive():
            answers.append(ledger.claim(job_id, "other@there", 1_000))
            running.join(0.1)
    assert set(answers) <= {Refusal.RUNNING, Refusal.ENDED}
    assert ended(ledger, job_id).attempt == 1


def test_what_still_runs_after_the_grace_period_is_ready_for_others(
    hire: Hire, send: Send, ledger: MemoryLedger
) -> None:
    worker, job_id = hire(delay_s=600), send()
    running = threading.Thread(target=worker.do, args=[job_id])
    running.start()
    eventually(lambda: state_of(ledger, job_id) is JobState.RUNNING)
    worker.drain(grace_s=0)
    running.join(WAIT_S)
    assert (state_of(ledger, job_id), status_of(ledger, job_id).attempt) == (JobState.READY, 0)


def test_what_an_engine_gives_up_as_the_worker_closes_is_handed_back_and_not_counted(
    hire: Hire, send: Send, ledger: MemoryLedger
) -> None:
    class Quick(ScriptedEngine):
        """Its cancelled requests have ended before anybody looks."""

        def cancel(self, request_id: str) -> None:
            super().cancel(request_id)
            eventually(lambda: self.stats().running == 0)

    worker, job_id = hire(engine=Quick({}, delay_s=600)), send()
    running = threading.Thread(target=worker.do, args=[job_id])
    running.start()
    eventually(lambda: state_of(ledger, job_id) is JobState.RUNNING)
    worker.drain(grace_s=0)
    running.join(WAIT_S)
    assert (state_of(ledger, job_id), status_of(ledger, job_id).attempt) == (JobState.READY, 0)


def test_a_cancelled_job_stops_long_before_its_lease_is_looked_at(hire: Hire, send: Send, ledger: MemoryLedger) -> None:
    job_id = send()
    with hire(delay_s=600, lease_s=3_600) as worker:
        running = threading.Thread(target=worker.do, args=[job_id])
        running.start()
        eventually(lambda: state_of(ledger, job_id) is JobState.RUNNING)
        assert ledger.cancel([job_id]) == 1
        running.join(WAIT_S)
        assert not running.is_alive()
    assert state_of(ledger, job_id) is JobState.CANCELLED


def test_what_ends_within_the_grace_period_is_committed(hire: Hire, send: Send, ledger: MemoryLedger) -> None:
    worker, job_id = hire(delay_s=0.2), send()
    running = threading.Thread(target=worker.do, args=[job_id])
    running.start()
    eventually(lambda: state_of(ledger, job_id) is JobState.RUNNING)
    worker.drain(grace_s=WAIT_S)
    running.join(WAIT_S)
    assert ended(ledger, job_id).output == {"mood": "good"}


class Away(MemoryLedger):
    """Does not answer the first `times` claims, nor the first `times` commits."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self._left = {"claim": times, "commit": times}

    def claim_all(
        self, job_ids: Sequence[str], worker: str, lease_ms: int, schemas: str | None = None
    ) -> list[Claim | Refusal]:
        self._fail("claim")
        return super().claim_all(job_ids, worker, lease_ms, schemas)

    def commit_all(self, commits: Sequence[Commit]) -> list[bool]:
        self._fail("commit")
        return super().commit_all(commits)

    def _fail(self, what: str) -> None:
        if self._left[what]:
            self._left[what] -= 1
            raise LedgerUnavailable("no route")


def test_a_ledger_that_comes_back_gets_the_outcome(hire: Hire) -> None:
    away = Away(times=2)
    job_id = release(away)
    hire(ledger=away).do(job_id)
    assert ended(away, job_id).output == {"mood": "good"}


def test_a_message_is_given_back_when_the_ledger_stays_away(hire: Hire) -> None:
    away = Away(times=1_000)
    with pytest.raises(Redeliver):
        hire(ledger=away, lease_s=0.2).do(release(away))


def test_the_ledger_knows_what_a_live_worker_serves(hire: Hire, ledger: MemoryLedger) -> None:
    with hire():
        about = ledger.workers()["mood-1@here"]
    assert (about["serves"], about["engines"], about["slots"]) == ({"mood": "1.0.0"}, ["scripted"], 4)


def test_a_worker_whose_engine_broke_gives_up(hire: Hire, engines: list[Engine]) -> None:
    given_up = threading.Event()
    with hire(lease_s=0.05, give_up=given_up.set) as worker:
        engines[0].close()
        assert given_up.wait(WAIT_S)
    assert not worker.healthy()


def test_a_broken_engine_ends_no_job_and_the_worker_gives_up(
    hire: Hire, send: Send, ledger: MemoryLedger, engines: list[Engine]
) -> None:
    given_up = threading.Event()
    worker, job_id = hire(give_up=given_up.set), send()
    engines[0].close()
    for _ in range(3):  # as many as a job has attempts
        worker.do(job_id)
        ledger.take_ready(10)
    assert (state_of(ledger, job_id), status_of(ledger, job_id).attempt) == (JobState.SENT, 0)
    assert given_up.is_set()


def test_a_job_under_which_the_engine_breaks_waits_for_another_worker(
    hire: Hire, send: Send, ledger: MemoryLedger, clock: Clock
) -> None:
    class Breaking(ScriptedEngine):
        def submit(self, request: Request) -> Future[Completion]:
            self.close()
            return super().submit(request)

    given_up = threading.Event()
    job_id = send(attempts=2)
    hire(engine=Breaking({}), give_up=given_up.set).do(job_id)
    assert state_of(ledger, job_id) is JobState.RUNNING
    assert given_up.is_set()
    clock.passes(60_000)
    assert ledger.sweep(silent_ms=1_000) == [("mood", job_id)]
    hire("good").do(job_id)
    assert ended(ledger, job_id).output == {"mood": "good"}


def test_a_message_that_comes_after_the_grace_period_is_handed_back(
    hire: Hire, send: Send, ledger: MemoryLedger
) -> None:
    worker, job_id = hire(delay_s=600), send()
    worker.drain(grace_s=0)
    worker.do(job_id)
    assert (state_of(ledger, job_id), status_of(ledger, job_id).attempt) == (JobState.READY, 0)


def run_of(ledger: MemoryLedger, run_id: str, **fields: Any) -> str:
    job = Job(id=f"{run_id}.s1.0", type="mood", input={"text": SECRET}, run_id=run_id, step_id="s1", **fields)
    ledger.create_run(RunRecord(id=run_id, created_ms=1, body={}), [job], [])
    return job.id


def lose(ledger: MemoryLedger, clock: Clock, job_id: str, times: int) -> None:
    """As if each worker that claimed the job had been killed."""
    for _ in range(times):
        ledger.take_ready(10)
        assert isinstance(ledger.claim(job_id, "other@there", 1_000), Claim)
        clock.passes(2_000)
        ledger.sweep(silent_ms=600_000)


class Noting(ScriptedEngine):
    """Notes how many requests are there when one comes, itself not counted."""

    def __init__(self, delay_s: float) -> None:
        super().__init__({"mood": "good"}, delay_s)
        self.beside: list[int] = []

    def submit(self, request: Request) -> Future[Completion]:
        self.beside.append(self.stats().running)
        return super().submit(request)


@pytest.mark.parametrize(("lost", "most_beside", "delay_s"), [(1, 3, 2.0), (2, 0, 0.1)])
def test_the_last_attempt_after_others_were_lost_has_the_worker_for_itself(
    hire: Hire, ledger: MemoryLedger, clock: Clock, lost: int, most_beside: int, delay_s: float
) -> None:
    engine = Noting(delay_s)
    suspects = [run_of(ledger, f"r{n}") for n in range(4)]
    for job_id in suspects:
        lose(ledger, clock, job_id, lost)
    worker, left = hire(engine=engine), suspects
    while left:
        do_together(worker, left)
        ledger.take_ready(10)
        left = [job_id for job_id in left if not state_of(ledger, job_id).ended]
    assert all(ended(ledger, job_id).attempt == lost + 1 for job_id in suspects)
    assert max(engine.beside) == most_beside


def test_who_has_to_be_alone_too_is_handed_back_before_the_first_one_begins(
    hire: Hire, ledger: MemoryLedger, clock: Clock
) -> None:
    seen: list[list[tuple[JobState, int]]] = []

    def answer(request: Request) -> str:
        seen.append(sorted((state_of(ledger, job_id), status_of(ledger, job_id).attempt) for job_id in suspects))
        return "good"

    suspects = [run_of(ledger, f"r{n}") for n in range(4)]
    for job_id in suspects:
        lose(ledger, clock, job_id, times=2)
    do_together(hire(answer), suspects)
    assert seen
    for others in seen:
        assert [each for each in others if each[0] is JobState.RUNNING] == [(JobState.RUNNING, 3)]
        assert all(attempt == 2 for state, attempt in others if state is JobState.READY)


def test_the_last_attempt_after_answers_that_failed_has_others_beside_it(hire: Hire, ledger: MemoryLedger) -> None:
    engine = Noting(delay_s=2.0)
    slow = [run_of(ledger, f"r{n}", attempts=2) for n in range(4)]
    ledger.take_ready(10)
    for job_id in slow:
        claim = ledger.claim(job_id, "other@there", 60_000)
        assert isinstance(claim, Claim)
        assert ledger.commit(timed_out(claim), claim.token, retry_ms=0)
    ledger.take_ready(10)
    do_together(hire(engine=engine), slow)
    assert all(ended(ledger, job_id).attempt == 2 for job_id in slow)
    assert max(engine.beside) == 3


def timed_out(claim: Claim) -> Outcome:
    place = {"job_id": claim.job.id, "run_id": claim.job.run_id, "step_id": "s1", "index": 0, "attempt": claim.attempt}
    failure = {"kind": FailureKind.TIMEOUT, "message": "no answer", "retryable": True}
    return Outcome.model_validate(place | {"state": JobState.FAILED, "failure": failure})


def do_together(worker: Worker, job_ids: list[str]) -> None:
    jobs = [threading.Thread(target=worker.do, args=[job_id]) for job_id in job_ids]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join(WAIT_S)


class Stalling(ScriptedEngine):
    """Its loop does not come round any more from the first request on: no answer, and nothing is cancelled."""

    def __init__(self) -> None:
        super().__init__({})
        self.stalled = threading.Event()

    def submit(self, request: Request) -> Future[Completion]:
        self.stalled.set()
        return Future()

    def cancel(self, request_id: str) -> None:
        assert self.stalled.is_set()

    def healthy(self) -> bool:
        return not self.stalled.is_set()


def test_a_job_under_which_the_engine_stalls_is_given_up_and_counted(
    hire: Hire, send: Send, ledger: MemoryLedger, clock: Clock
) -> None:
    given_up, job_id = threading.Event(), send(attempts=2)
    with hire(engine=Stalling(), lease_s=0.3, give_up=given_up.set) as worker:
        running = threading.Thread(target=worker.do, args=[job_id])
        running.start()
        running.join(WAIT_S)
        assert not running.is_alive()  # its slot is free
        assert given_up.wait(WAIT_S)
        eventually(lambda: ledger.sweep(silent_ms=60_000) == [("mood", job_id)])  # its lease is renewed no more
    assert status_of(ledger, job_id).attempt == 1
    hire("good").do(job_id)
    assert ended(ledger, job_id).attempt == 2


def test_a_lease_is_not_renewed_for_an_attempt_that_is_stuck_in_its_engine(
    hire: Hire, send: Send, ledger: MemoryLedger
) -> None:
    gate = threading.Event()

    class Stuck(Stalling):
        def submit(self, request: Request) -> Future[Completion]:
            self.stalled.set()
            gate.wait(WAIT_S)
            return Future()

    job_id = send()
    with hire(engine=Stuck(), lease_s=0.3) as worker:
        running = threading.Thread(target=worker.do, args=[job_id])
        running.start()
        eventually(lambda: ledger.sweep(silent_ms=60_000) == [("mood", job_id)])
        assert running.is_alive()
        gate.set()
        running.join(WAIT_S)


def test_a_closing_worker_hands_nothing_back_that_its_engine_stalls_under(
    hire: Hire, send: Send, ledger: MemoryLedger
) -> None:
    engine, job_id = Stalling(), send()
    worker = hire(engine=engine)
    running = threading.Thread(target=worker.do, args=[job_id])
    running.start()
    assert engine.stalled.wait(WAIT_S)
    worker.drain(grace_s=0)
    running.join(WAIT_S)
    assert (state_of(ledger, job_id), status_of(ledger, job_id).attempt) == (JobState.RUNNING, 1)


class Refusing(MemoryLedger):
    """Takes a worker's first beat, and answers each later one with an error that no ledger should raise."""

    def __init__(self) -> None:
        super().__init__()
        self.beats = 0

    def beat(self, worker: str, about: dict[str, Any], ttl_ms: int) -> None:
        self.beats += 1
        if self.beats > 1:
            raise RuntimeError(SECRET)


def test_a_worker_whose_pulse_fails_gives_up_and_beats_on_for_what_runs(
    hire: Hire, caplog: pytest.LogCaptureFixture
) -> None:
    given_up, refusing = threading.Event(), Refusing()
    with hire(ledger=refusing, lease_s=0.05, give_up=given_up.set) as worker:
        assert given_up.wait(WAIT_S)
        eventually(lambda: refusing.beats > 4)
    assert not worker.healthy()
    assert "the pulse raised RuntimeError" in caplog.text
    assert SECRET not in caplog.text
