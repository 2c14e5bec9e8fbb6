"""The coordinator's loops over both ledgers: several coordinators, crashes in between, outages, lost notes."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.trace import ProxyTracer
from starlette.testclient import TestClient

from coordinator.api.build import create_api
from coordinator.coordinator import Coordinator
from coordinator.goals.goals import Goals
from coordinator.goals.refusals import GoalRefused
from coordinator.goals.releases import AT_ONCE
from coordinator.goals.request import Goal
from coordinator.runs.confirmation import Confirmation, NotUnsure
from coordinator.runs.run import Run
from infra.ledger.memory.ledger import MemoryLedger
from infra.ledger.protocol import Ledger, LedgerUnavailable
from infra.listing import RunQuery
from infra.queue.protocol import QueueUnavailable
from infra.records import (
    Claim,
    Event,
    FailureKind,
    JobState,
    JobStatus,
    Message,
    Outcome,
    Prior,
    RunRecord,
    RunState,
    StepResult,
)
from specialists.catalog import Catalog
from tests.support.answers import draft, planned, unsure
from tests.support.clock import Clock
from tests.support.deployment import Deployment

if TYPE_CHECKING:
    import redis

Json = dict[str, Any]


def ref(path: str) -> Json:
    return {"$ref": path}


PLAN = {
    "steps": [
        {
            "id": "s1",
            "type": "triage",
            "map": {"over": ref("inputs.messages"), "as": "item"},
            "args": {"text": ref("item")},
        },
        {"id": "s2", "type": "table", "args": {"columns": [ref("inputs.messages"), ref("s1")]}},
        {"id": "s3", "type": "count", "args": {"items": ref("s1"), "field": "intent"}},
    ]
}


def plan_goal(count: int = 3) -> Goal:
    return Goal(plan=PLAN, inputs={"messages": [f"message {number}" for number in range(count)]})


def card_arrival(_: Json) -> Json:
    return {"intent": "card_arrival"}


@pytest.fixture(params=["memory", "redis"])
def ledger(request: pytest.FixtureRequest) -> Ledger:
    if request.param == "memory":
        return MemoryLedger()
    from infra.ledger.redis.ledger import RedisLedger

    client: redis.Redis = request.getfixturevalue("redis_client")
    return RedisLedger(client, "coordinator-test")


def goals_of(deployment: Deployment) -> Goals:
    return Goals(deployment.ledger, deployment.catalog, deployment.settings)


def ended(deployment: Deployment, run: Run) -> Run:
    return goals_of(deployment).wait(run.id, 60)


def test_a_goal_in_words_comes_to_its_result(ledger: Ledger, deploy: Callable[..., Deployment]) -> None:
    deployment = deploy(ledger)
    deployment.answers |= {"planner": lambda _: planned(*PLAN["steps"]), "triage": card_arrival}
    deployment.start()
    run = ended(deployment, goals_of(deployment).accept(Goal(goal="Sort", inputs={"messages": ["a", "b"]})))
    assert run.state is RunState.SUCCEEDED, run.failure
    assert goals_of(deployment).result(run)["s3"] == {"counts": [{"value": "card_arrival", "count": 2}], "total": 2}


def asking(deployment: Deployment, deadline_s: float = 600.0, **about: Any) -> Run:
    """A goal in words whose planner is unsure."""
    deployment.answers |= {"planner": lambda _: unsure(draft(*PLAN["steps"]), draft(PLAN["steps"][0])), **about}
    asked = Goal(goal="Sort", inputs={"messages": ["a", "b"]}, limits={"deadline_s": deadline_s})
    return goals_of(deployment).wait(goals_of(deployment).accept(asked).id, 60)


def test_an_unsure_goal_waits_and_goes_on_when_it_is_confirmed(
    ledger: Ledger, deploy: Callable[..., Deployment]
) -> None:
    deployment = deploy(ledger)
    deployment.start()
    run = asking(deployment, triage=card_arrival)
    assert (run.state, len(run.candidates)) == (RunState.UNSURE, 2)
    goals_of(deployment).confirm(run.id, Confirmation(choice=2))
    run = ended(deployment, run)
    assert run.state is RunState.SUCCEEDED, run.failure
    assert goals_of(deployment).result(run) == [{"intent": "card_arrival"}] * 2


def test_an_unsure_goal_that_nobody_confirms_fails_at_its_deadline(
    ledger: Ledger, deploy: Callable[..., Deployment]
) -> None:
    deployment = deploy(ledger)
    deployment.start()
    run = asking(deployment, deadline_s=1.0)
    assert run.state is RunState.UNSURE
    while not run.state.ended:
        run = goals_of(deployment).load(run.id)
    assert run.failure is not None
    assert (run.state, run.failure.kind, run.failure.step) == (RunState.FAILED, FailureKind.EXPIRED, "planner")
    assert ledger.events(run.id)[-1][1].name == "run.ended"
    with pytest.raises(NotUnsure):
        goals_of(deployment).confirm(run.id, Confirmation(choice=1))


class _ConfirmsAsItExpires(MemoryLedger):
    """Somebody confirms in the moment in which the sweep has found the run overdue."""

    confirm: Callable[[], object] = staticmethod(lambda: None)

    def overdue(self, limit: int = 100) -> list[str]:
        found = super().overdue(limit)
        if found:
            self.confirm()
        return found


def test_a_goal_that_is_confirmed_as_its_time_ends_is_not_ended_as_unconfirmed(
    deploy: Callable[..., Deployment],
) -> None:
    clock = Clock()
    ledger = _ConfirmsAsItExpires(now_ms=clock)
    deployment = deploy(ledger)
    deployment.answers["planner"] = lambda _: unsure(draft(PLAN["steps"][0]))
    coordinator = deployment.coordinators[0]
    run = goals_of(deployment).accept(Goal(goal="Sort", inputs={"messages": ["a"]}))
    for _, job_id in ledger.take_ready(1):
        deployment.work(job_id)
    coordinator.advance_once(0)
    assert goals_of(deployment).load(run.id).state is RunState.UNSURE
    ledger.confirm = lambda: goals_of(deployment).confirm(run.id, Confirmation(choice=1))
    clock.passes(601_000)
    coordinator.sweep_once()
    assert goals_of(deployment).load(run.id).state is RunState.RUNNING


def test_two_coordinators_do_every_job_of_a_long_map_once(ledger: Ledger, deploy: Callable[..., Deployment]) -> None:
    deployment = deploy(ledger, coordinators=2)
    asked: Counter[str] = Counter()

    def triage(job: Json) -> Json:
        asked[job["text"]] += 1
        return {"intent": "card_arrival"}

    deployment.answers["triage"] = triage
    deployment.start()
    run = ended(deployment, goals_of(deployment).accept(plan_goal(300)))
    assert run.state is RunState.SUCCEEDED, run.failure
    rows = goals_of(deployment).result(run)["s2"]["rows"]
    assert [row["value"] for row in rows] == [f"message {number}" for number in range(300)]
    assert set(asked.values()) == {1}


def test_what_is_refused_leaves_nothing_behind(ledger: Ledger, deploy: Callable[..., Deployment]) -> None:
    deployment = deploy(ledger)
    with pytest.raises(GoalRefused):
        goals_of(deployment).accept(Goal(plan={"steps": [{"id": "s1", "type": "triage", "args": {}}]}))
    assert (ledger.list_runs(RunQuery()).runs, ledger.take_ready(10)) == ([], [])


def test_maps_over_nothing_succeed_without_a_job(ledger: Ledger, deploy: Callable[..., Deployment]) -> None:
    deployment = deploy(ledger)
    run = goals_of(deployment).accept(Goal(plan={"steps": PLAN["steps"][:1]}, inputs={"messages": []}))
    assert goals_of(deployment).load(run.id).state is RunState.SUCCEEDED
    assert goals_of(deployment).result(run) == []


class _CrashesOnce(MemoryLedger):
    """Its process dies between releasing the next jobs and saving the run."""

    crashed = False

    def advance(self, *args: Any) -> bool:
        if not self.crashed:
            self.crashed = True
            raise SystemExit
        return super().advance(*args)


def test_a_crash_between_release_and_save_does_no_job_twice(deploy: Callable[..., Deployment]) -> None:
    ledger = _CrashesOnce(idle_ms=0)
    deployment = deploy(ledger)
    deployment.answers["triage"] = card_arrival
    run = goals_of(deployment).accept(plan_goal(1))
    deployment.work(f"{run.id}.s1.0")
    with pytest.raises(SystemExit):
        deployment.coordinators[0].advance_once(0)
    released = ledger.take_ready(10)
    assert {job_type for job_type, _ in released} == {"table", "count"}
    survivor = deployment.coordinator("survivor")
    survivor.advance_once(1000)
    assert ledger.take_ready(10) == []
    for _, job_id in released:
        deployment.work(job_id)
    while survivor.advance_once(0):
        pass
    assert ended(deployment, run).state is RunState.SUCCEEDED


def test_an_outcome_that_is_faster_than_the_saving_of_its_release_is_not_lost(
    deploy: Callable[..., Deployment],
) -> None:
    ledger = _CrashesOnce(idle_ms=500)
    deployment = deploy(ledger)
    deployment.answers["triage"] = card_arrival
    run = goals_of(deployment).accept(plan_goal(1))
    deployment.work(f"{run.id}.s1.0")
    first = ledger.outcomes("coordinator-0", 10, 0)
    with pytest.raises(SystemExit):
        deployment.coordinators[0]._advance(run.id, first)
    for _, job_id in ledger.take_ready(10):
        deployment.work(job_id)
    survivor = deployment.coordinator("survivor")
    survivor._advance(run.id, [*first, *ledger.outcomes("survivor", 10, 0)])  # all three steps in one batch
    while not goals_of(deployment).load(run.id).state.ended:
        survivor.advance_once(1000)
    assert ended(deployment, run).state is RunState.SUCCEEDED


class _Overtaken(MemoryLedger):
    """Another coordinator saves the run first, once, with the first of the outcomes."""

    other: Any = None

    def advance(
        self, run: RunRecord, results: Sequence[StepResult], events: Sequence[Event], acks: Sequence[str]
    ) -> bool:
        if self.other:
            other, self.other = self.other, None
            other()
        return super().advance(run, results, events, acks)


def test_a_coordinator_that_was_overtaken_decides_again_and_counts_nothing_twice(
    deploy: Callable[..., Deployment],
) -> None:
    ledger = _Overtaken()
    deployment = deploy(ledger)
    deployment.answers["triage"] = card_arrival
    run = goals_of(deployment).accept(plan_goal(2))
    for index in range(2):
        deployment.work(f"{run.id}.s1.{index}")
    first, second = ledger.outcomes("coordinator-0", 10, 0)
    ledger.other = lambda: deployment.coordinators[0]._save(run.id, [first])
    deployment.coordinators[0]._advance(run.id, [first, second])
    loaded = goals_of(deployment).load(run.id)
    assert loaded.steps["s1"].succeeded == 2
    assert ledger.results(run.id, "s1").keys() == {0, 1}


class _Counting(_Overtaken):
    """Counts how often a run is loaded."""

    loaded = 0

    def load_run(self, run_id: str) -> RunRecord | None:
        self.loaded += 1
        return super().load_run(run_id)


def loads_a_job(deployment: Deployment, ledger: _Counting) -> int:
    """How often a coordinator loads the run of a map of three while the outcomes come one by one."""
    run = goals_of(deployment).accept(plan_goal(3))
    ledger.loaded = 0
    for index in range(3):
        deployment.work(f"{run.id}.s1.{index}")
        deployment.coordinators[0].advance_once(1000)
    return ledger.loaded


def test_a_goal_that_its_caller_cancels_does_not_make_the_coordinator_forget_the_others(
    deploy: Callable[..., Deployment],
) -> None:
    ledger = _Counting()
    deployment = deploy(ledger)
    deployment.answers["triage"] = card_arrival
    assert loads_a_job(deployment, ledger) == 1
    cancelled = goals_of(deployment).accept(plan_goal(1))
    deployment.work(f"{cancelled.id}.s1.0")
    ledger.other = lambda: goals_of(deployment).cancel(cancelled.id)
    deployment.coordinators[0].advance_once(1000)
    assert goals_of(deployment).load(cancelled.id).state is RunState.CANCELLED
    assert loads_a_job(deployment, ledger) == 1


def test_a_large_goal_whose_creator_saves_it_late_does_not_either(deploy: Callable[..., Deployment]) -> None:
    ledger = _Counting()
    deployment = deploy(ledger)
    deployment.answers["triage"] = card_arrival
    run = goals_of(deployment).accept(plan_goal(1))
    record = ledger.load_run(run.id)
    assert record
    assert record.version == 0
    deployment.work(f"{run.id}.s1.0")
    ledger.other = lambda: ledger.advance(record, (), (), ())
    deployment.coordinators[0].advance_once(1000)
    assert loads_a_job(deployment, ledger) == 1


def test_a_coordinator_beside_which_another_one_saves_loads_each_time(deploy: Callable[..., Deployment]) -> None:
    ledger = _Counting()
    deployment = deploy(ledger, coordinators=2)
    deployment.answers["triage"] = card_arrival
    run = goals_of(deployment).accept(plan_goal(3))
    for index, coordinator in enumerate([0, 1, 0]):
        deployment.work(f"{run.id}.s1.{index}")
        deployment.coordinators[coordinator].advance_once(1000)
    assert loads_a_job(deployment, ledger) == 3


def test_a_job_whose_note_was_lost_is_sent_again(ledger: Ledger, deploy: Callable[..., Deployment]) -> None:
    deployment = deploy(ledger)
    deployment.answers["triage"] = card_arrival
    run = goals_of(deployment).accept(plan_goal(2))
    assert len(ledger.take_ready(10)) == 2  # by a coordinator that died before it sent them
    deployment.start()
    assert ended(deployment, run).state is RunState.SUCCEEDED


def test_notes_of_a_type_that_nobody_serves_do_not_pile_up(deploy: Callable[..., Deployment]) -> None:
    clock = Clock()
    deployment = deploy(MemoryLedger(now_ms=clock))
    goals_of(deployment).accept(plan_goal(3))
    settings = deployment.settings.model_copy(update={"window": 4})
    coordinator = Coordinator(deployment.ledger, deployment.queue, deployment.catalog, settings, "bounded")
    coordinator.dispatch_once(0)

    most = 0
    for _ in range(30):
        clock.passes(round(8 * 1000 * settings.silent_s))  # the longest pause between two sendings
        assert coordinator.sweep_once() == 3
        most = max(most, deployment.queue.waiting("triage"))

    assert 4 * 4 < most <= 4 * 4 + 3
    assert deployment.queue.waiting("triage") >= 3


def test_outcomes_of_a_cancelled_goal_are_acknowledged_and_change_nothing(
    ledger: Ledger, deploy: Callable[..., Deployment]
) -> None:
    deployment = deploy(ledger)
    run = goals_of(deployment).accept(plan_goal(3))
    goals_of(deployment).cancel(run.id)
    deployment.coordinators[0].advance_once(0)
    assert ledger.outcomes("anyone", 10, 0) == []
    assert goals_of(deployment).load(run.id).state is RunState.CANCELLED


def test_a_goal_past_its_deadline_fails_and_says_so(ledger: Ledger, deploy: Callable[..., Deployment]) -> None:
    deployment = deploy(ledger)
    goal = plan_goal(2).model_copy(update={"limits": {"deadline_s": 0.05}})
    run = goals_of(deployment).accept(goal)
    deployment.start()
    run = ended(deployment, run)
    assert run.state is RunState.FAILED
    assert run.failure is not None
    assert run.failure.kind == "expired"


class _FailsAtFirst(MemoryLedger):
    failures = 2

    def take_ready(self, *args: Any) -> list[Message]:
        if self.failures:
            self.failures -= 1
            raise LedgerUnavailable("no route to it") if self.failures else QueueUnavailable("its disk is full")
        return super().take_ready(*args)


def test_an_outage_of_ledger_or_queue_is_waited_out_and_its_cause_is_said(
    deploy: Callable[..., Deployment], caplog: pytest.LogCaptureFixture
) -> None:
    deployment = deploy(_FailsAtFirst())
    deployment.answers["triage"] = card_arrival
    deployment.start()
    assert ended(deployment, goals_of(deployment).accept(plan_goal(1))).state is RunState.SUCCEEDED
    assert "no route to it" in caplog.text
    assert "its disk is full" in caplog.text


def test_a_run_that_raises_while_it_is_advanced_fails_and_the_others_go_on(
    ledger: Ledger, deploy: Callable[..., Deployment], catalog: Catalog, caplog: pytest.LogCaptureFixture
) -> None:
    deployment = deploy(ledger)
    deployment.answers["triage"] = card_arrival
    bad = goals_of(deployment).accept(plan_goal(1))
    good = goals_of(deployment).accept(Goal(plan={"steps": PLAN["steps"][:1]}, inputs={"messages": ["secret words"]}))
    for run in (bad, good):
        deployment.work(f"{run.id}.s1.0")
    known = Catalog(specialist for specialist in catalog if specialist.name != "count")  # the API knows one more
    coordinator = Coordinator(ledger, deployment.queue, known, deployment.settings, "behind")
    coordinator.advance_once(1000)
    failed = goals_of(deployment).load(bad.id)
    assert failed.state is RunState.FAILED
    assert failed.failure is not None
    assert (failed.failure.kind, "UnknownJobType" in failed.failure.message) == ("plan", True)
    assert goals_of(deployment).load(good.id).state is RunState.SUCCEEDED
    assert coordinator.advance_once(0) == 0
    assert "UnknownJobType" in caplog.text
    assert "advance.py" in caplog.text
    assert ledger.events(bad.id)[-1][1].name == "run.ended"


def test_a_run_whose_record_does_not_read_ends_and_is_left_out(
    ledger: Ledger, deploy: Callable[..., Deployment], caplog: pytest.LogCaptureFixture
) -> None:
    deployment = deploy(ledger)
    deployment.answers["triage"] = card_arrival
    old = goals_of(deployment).accept(plan_goal(1))
    record = ledger.load_run(old.id)
    assert record
    assert ledger.advance(record.model_copy(update={"body": {"speed": 9}}), (), (), ())
    good = goals_of(deployment).accept(plan_goal(1))
    deployment.work(f"{old.id}.s1.0")
    deployment.coordinators[0].advance_once(1000)
    ended = ledger.load_run(old.id)
    assert ended
    assert (ended.state, ended.body) == (RunState.FAILED, {"speed": 9})
    assert [run.id for run in goals_of(deployment).recent(10)] == [good.id]
    assert f"run {old.id}: its record does not read" in caplog.text
    with TestClient(create_api(ledger, deployment.catalog, deployment.settings)) as client:
        assert [goal["id"] for goal in client.get("/v1/goals").json()] == [good.id]
        answer = client.get(f"/v1/goals/{old.id}")
    assert (answer.status_code, answer.json()["title"]) == (500, "The goal's record does not read")


def test_a_goal_of_many_jobs_is_created_in_pieces_and_done(ledger: Ledger, deploy: Callable[..., Deployment]) -> None:
    deployment = deploy(ledger)
    deployment.answers["triage"] = card_arrival
    run = goals_of(deployment).accept(plan_goal(2 * AT_ONCE + 1))
    assert run.steps["s1"].total == 2 * AT_ONCE + 1
    deployment.start()
    assert ended(deployment, run).state is RunState.SUCCEEDED
    assert goals_of(deployment).result(run)["s3"]["total"] == 2 * AT_ONCE + 1


class _DiesAfterCreating(MemoryLedger):
    """The API's process dies before it releases the rest of a large goal's jobs."""

    died, created = False, 0

    def create_run(self, run: RunRecord, jobs: Any, *rest: Any) -> Prior | None:
        self.created = len(jobs)
        return super().create_run(run, jobs, *rest)

    def release(self, jobs: Any) -> int:
        if not self.died:
            self.died = True
            raise SystemExit
        return super().release(jobs)


def test_a_large_goal_whose_creator_died_halfway_is_released_by_the_coordinator(
    deploy: Callable[..., Deployment],
) -> None:
    ledger = _DiesAfterCreating(idle_ms=0)
    deployment = deploy(ledger)
    deployment.answers["triage"] = card_arrival
    with pytest.raises(SystemExit):
        goals_of(deployment).accept(plan_goal(AT_ONCE + 10))
    assert ledger.created == AT_ONCE
    deployment.start()
    (run,) = goals_of(deployment).recent(1)
    assert ended(deployment, run).state is RunState.SUCCEEDED
    assert goals_of(deployment).result(goals_of(deployment).load(run.id))["s3"]["total"] == AT_ONCE + 10


class _TellsNoJob(MemoryLedger):
    def job(self, job_id: str) -> JobStatus | None:
        raise LedgerUnavailable("no route to it")


def test_jobs_are_sent_even_if_nobody_can_say_what_trace_they_belong_to(
    deploy: Callable[..., Deployment], caplog: pytest.LogCaptureFixture
) -> None:
    ledger = _TellsNoJob()
    deployment = deploy(ledger)
    goals_of(deployment).accept(plan_goal(3))
    queue, catalog, settings = deployment.queue, deployment.catalog, deployment.settings
    traced = Coordinator(ledger, queue, catalog, settings, "traced", tracer=ProxyTracer("test"))
    assert traced.dispatch_once(0) == 3
    assert queue.waiting("triage") == 3
    assert "no route to it" in caplog.text


class _Broken(MemoryLedger):
    def take_ready(self, *args: Any) -> list[Message]:
        raise ZeroDivisionError


def test_a_fault_of_ours_ends_the_coordinator_instead_of_hiding(deploy: Callable[..., Deployment]) -> None:
    with pytest.raises(ZeroDivisionError):
        deploy(_Broken()).coordinators[0].serve(threading.Event())


def test_an_outcome_of_an_unknown_run_does_not_stop_the_others(
    ledger: Ledger, deploy: Callable[..., Deployment]
) -> None:
    deployment = deploy(ledger)
    deployment.answers["triage"] = card_arrival
    run = goals_of(deployment).accept(plan_goal(1))
    claim = ledger.claim(f"{run.id}.s1.0", "worker", 1000)
    assert isinstance(claim, Claim)
    lost = Outcome(
        job_id="lost.s1.0", run_id="lost", step_id="s1", index=0, state=JobState.SUCCEEDED, attempt=1, output={}
    )
    deployment.coordinators[0]._advance("lost", [("1-1", lost)])
    assert goals_of(deployment).load(run.id).state is RunState.RUNNING
