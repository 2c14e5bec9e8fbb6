"""A crash at any instruction: whoever calls the ledger or the queue is stopped after its n-th call, for every n.

Stopped before a call is stopped after the one before: nothing else leaves the process. Its memory is lost, and another
one goes on with the same ledger. The callers of the API ask again. Workers do not die here.
"""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Callable, Sequence
from itertools import count
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from coordinator.coordinator import Coordinator
from coordinator.goals.goals import Goals
from coordinator.goals.idempotency import Asking, KeyUsed, Named
from coordinator.goals.request import Goal
from coordinator.runs.confirmation import Confirmation, NotUnsure
from coordinator.runs.rerun import RerunRefused
from infra.ledger.memory.ledger import MemoryLedger
from infra.ledger.protocol import Ledger
from infra.queue.memory import MemoryQueue
from infra.records import NOBODY, Claim, Commit, Failure, FailureKind, Job, JobState, Json, Message, Outcome, RunState
from infra.settings import Settings
from specialists.catalog import Catalog
from tests.support.answers import ask, draft, planned, refused, unsure
from tests.support.clock import Clock
from tests.support.story import with_fallback

if TYPE_CHECKING:
    import redis

TURNS = 300  #: of a goal that hangs
#: Messages that died with their sender are sent again in the third turn; on Redis, whose clock is real, after 50 ms.
BY_TURNS, HASTILY = Settings(_env_file=None, silent_s=2), Settings(_env_file=None, silent_s=0.05)


class Crash(BaseException):
    """The process is gone."""


class Fuse:
    """Counts the calls that leave any process, and stops the caller after those that `blows` names."""

    def __init__(self, blows: Callable[[int], bool]) -> None:
        self._blows = blows
        self.calls = 0
        self.blown = 0

    def passed(self) -> None:
        self.calls += 1
        if self._blows(self.calls):
            self.blown += 1
            raise Crash


class Watched:
    """A ledger whose every call passes the fuse."""

    def __init__(self, ledger: Ledger, fuse: Fuse) -> None:
        self._ledger = ledger
        self._fuse = fuse

    def __getattr__(self, name: str) -> Callable[..., Any]:
        call = getattr(self._ledger, name)

        def watched(*args: Any, **rest: Any) -> Any:
            answer = call(*args, **rest)
            self._fuse.passed()
            return answer

        return watched


class Messages(MemoryQueue):
    """A queue whose every message passes the fuse."""

    def __init__(self, fuse: Fuse) -> None:
        super().__init__()
        self._fuse = fuse

    def send(self, job_type: str, *job_ids: str) -> None:
        super().send(job_type, *job_ids)
        self._fuse.passed()

    def take_all(self) -> list[Message]:
        notes, self._messages = self._messages, deque()
        return list(notes)


class MortalHouse:
    """One API, one coordinator and one worker, turn by turn in one thread. Each process that dies is replaced."""

    def __init__(
        self, ledger: Ledger, catalog: Catalog, settings: Settings, fuse: Fuse, tick: Callable[[], object]
    ) -> None:
        self.ledger = ledger
        self.commits: Counter[tuple[str, str, str, int, int]] = Counter()  #: by goal, type, step, index and round
        self.failing: set[str] = set()  #: texts that cannot be sorted
        self.at_first: set[str] = set()  #: … by the first attempt
        self.unsure: set[str] = set()  #: texts that are sorted, and hardly
        self.beyond: set[str] = set()  #: … that the fallback cannot sort
        self.kills_workers: Callable[[], bool] = lambda: False  #: asked for each bundle that is claimed
        self.bundles = 0  #: how many were granted
        self.answer: Json = {}  #: the planner's
        self.words: list[str] = []  #: of the goal that the planner asks about first
        self.heard: list[Any] = []  #: what it was told of them
        self._catalog = catalog
        self._settings = settings
        self._fuse = fuse
        self._tick = tick
        self._watched: Any = Watched(ledger, fuse)
        self._messages = Messages(fuse)
        self.runs: dict[str, str] = {}  #: goal id -> its name, the same in each telling
        self._coordinator = self._new_coordinator()

    # -- callers --

    def accept(self, plan: Json | None, goal: str | None = None, messages: str = "abc") -> str:
        asked = Goal(plan=plan, goal=goal, inputs={"messages": list(messages)})
        asking = Asking(named=Named.of(NOBODY, uuid4().hex, asked.model_dump(mode="json")))
        try:
            run_id = self._ask(lambda goals: goals.accept(asked, asking).id)
        except KeyUsed as used:
            run_id = used.run_id
        self.runs[run_id] = f"goal {len(self.runs) + 1}"
        return str(run_id)

    def rerun(self, run_id: str, step: str | None = None) -> None:
        try:
            self._ask(lambda goals: goals.rerun(run_id, step))
        except RerunRefused as refused:
            if not self._fuse.blown or "still runs" not in str(refused):
                raise  # else it was asked again, and the first time was enough

    def confirm(self, run_id: str, choice: int) -> None:
        try:
            self._ask(lambda goals: goals.confirm(run_id, Confirmation(choice=choice)))
        except NotUnsure:
            if not self._fuse.blown:
                raise  # else it was asked again, and the first time was enough

    def cancel(self, run_id: str) -> None:
        self._ask(lambda goals: goals.cancel(run_id))

    def _ask(self, call: Callable[[Goals], Any]) -> Any:
        while True:
            try:
                return call(Goals(self._watched, self._catalog, self._settings))
            except Crash:
                continue

    @property
    def calls(self) -> int:
        return self._fuse.calls

    # -- time --

    def ended(self, run_id: str) -> tuple[RunState, Any]:
        """How the goal ended: its result, or where it failed."""
        goals = Goals(self.ledger, self._catalog, self._settings)
        for _ in range(TURNS):
            run = goals.load(run_id)
            if run.state is RunState.SUCCEEDED:
                return run.state, goals.result(run)
            if run.state.ended:
                return run.state, (run.failure.kind, run.failure.step) if run.failure else None
            self.turn()
        raise AssertionError(f"the goal hangs: {goals.load(run_id).steps}")

    def asks(self, run_id: str) -> None:
        """Until the goal waits to be confirmed."""
        for _ in range(TURNS):
            if Goals(self.ledger, self._catalog, self._settings).load(run_id).state is RunState.UNSURE:
                return
            self.turn()
        raise AssertionError("the goal is never unsure")

    def settle(self) -> None:
        """Until nothing is left to do."""
        for _ in range(TURNS):
            if not self.ledger.unacknowledged() and not any(self._open().values()):
                return
            self.turn()
        raise AssertionError(f"left: {self.ledger.unacknowledged()} outcomes, {self._open()}")

    def turn(self) -> None:
        try:
            self._coordinator.advance_once(0)
            self._coordinator.dispatch_once(0)
            self._coordinator.sweep_once()
        except Crash:
            self._coordinator = self._new_coordinator()
        for _, *job_ids in self._messages.take_all():
            self._work(job_ids)
        self._tick()

    def _open(self) -> dict[str, int]:
        states = ("pending", "ready", "sent", "running")
        return {name: sum(depths[state] for state in states) for name, depths in self.ledger.depths().items()}

    def _new_coordinator(self) -> Coordinator:
        return Coordinator(self._watched, self._messages, self._catalog, self._settings, uuid4().hex)

    # -- the worker --

    def _work(self, job_ids: Sequence[str]) -> None:
        """Jobs of one message: claimed with one call, and committed with one, unless the worker dies in between."""
        dies = len(job_ids) > 1 and self.kills_workers()
        found = self.ledger.claim_all(job_ids, "worker", 1 if dies else 60_000)
        claims = [claim for claim in found if isinstance(claim, Claim)]
        self.bundles += len(claims) > 1
        if not dies:
            commits = [self._commit(claim) for claim in claims]
            for claim, taken in zip(claims, self.ledger.commit_all(commits), strict=True):
                self._count(claim, taken)

    def _commit(self, claim: Claim) -> Commit:
        again_ms = 1 if claim.job.input.get("text") in self.at_first else None
        return Commit(self._outcome(claim.job, claim.attempt), claim.token, again_ms)

    def _count(self, claim: Claim, taken: bool) -> None:
        job = claim.job
        if taken and not (job.input.get("text") in self.at_first and claim.attempt == 1):
            self.commits[self.runs[job.run_id], job.type, job.step_id, job.index, job.round] += 1

    def _outcome(self, job: Job, attempt: int) -> Outcome:
        ids: Any = {"job_id": job.id, "run_id": job.run_id, "step_id": job.step_id, "index": job.index}
        text = job.input.get("text")
        if (
            text in self.failing
            or (job.type == "large" and text in self.beyond)
            or (text in self.at_first and attempt == 1)
        ):
            failure = Failure(kind=FailureKind.ENGINE, message="it broke", retryable=True)
            return Outcome(**ids, round=job.round, attempt=attempt, state=JobState.FAILED, failure=failure)
        confidence = 0.1 if text in self.unsure else 0.9
        ids |= {"round": job.round, "attempt": attempt, "confidence": confidence}
        return Outcome(**ids, state=JobState.SUCCEEDED, output=self._answer(job))

    def _answer(self, job: Job) -> Json:
        if job.type == "planner":
            if self.words and not job.input["heard"]:
                return ask(*(("triage", {"text": each}) for each in self.words))
            self.heard = [each["output"] for each in job.input["heard"]]
            return self.answer
        if job.type in ("triage", "large"):
            return {"intent": f"{'about' if job.type == 'triage' else 'surely'} {job.input['text']}"}
        return self._catalog.get(job.type).function(job.input)


def ref(path: str) -> Json:
    return {"$ref": path}


def sort(**rest: Any) -> Json:
    over = {"over": ref("inputs.messages"), "as": "item"}
    return {"id": "s1", "type": "triage", "map": over, "args": {"text": ref("item")}, **rest}


TABLE = {"id": "s2", "type": "table", "args": {"columns": [ref("inputs.messages"), ref("s1")]}}
COUNT = {"id": "s3", "type": "count", "args": {"items": ref("s1"), "field": "intent"}}
OTHER = {"intent": "card_arrival"}


def plan(*steps: Json) -> Json:
    return {"steps": list(steps)}


def counted(*intents: str) -> Json:
    found = sorted(Counter(intents).items(), key=lambda pair: (-pair[1], pair[0]))
    note = {} if intents else {"note": "there are no items to count"}
    return {"counts": [{"value": intent, "count": n} for intent, n in found], "total": len(intents), **note}


def tabled(messages: str) -> Json:
    return {"rows": [{"value": message, "intent": f"about {message}"} for message in messages]}


def done(result: Any) -> tuple[RunState, Any]:
    return RunState.SUCCEEDED, result


# -- what is done in the house, and what must come of it, whoever dies meanwhile --


def words(house: MortalHouse) -> None:
    house.answer = planned(sort(), TABLE, COUNT)
    run = house.accept(None, goal="Sort these")
    assert house.ended(run) == done({"s2": tabled("abc"), "s3": counted("about a", "about b", "about c")})


def words_asked_about_first(house: MortalHouse) -> None:
    house.words, house.failing = ["lost", "late"], {"late"}
    house.answer = planned(sort(), COUNT)
    run = house.accept(None, goal="Count these")
    assert house.ended(run) == done(counted("about a", "about b", "about c"))
    assert house.heard == [{"intent": "about lost"}, None]


def asked_about_and_planned_again(house: MortalHouse) -> None:
    house.words = ["lost"]
    house.answer = planned({"id": "s1", "type": "nothing like it", "args": {}})
    run = house.accept(None, goal="Sort these")
    assert house.ended(run) == (RunState.FAILED, (FailureKind.PLAN, "planner_again"))
    house.words, house.answer = ["late", "card"], planned(sort(), TABLE)
    house.rerun(run)
    assert house.ended(run) == done(tabled("abc"))
    assert house.heard == [{"intent": "about late"}, {"intent": "about card"}]


def two_at_once(house: MortalHouse) -> None:
    first, second = house.accept(plan(sort(), TABLE)), house.accept(plan(sort(), COUNT), messages="xy")
    assert house.ended(first) == done(tabled("abc"))
    assert house.ended(second) == done(counted("about x", "about y"))


def in_pieces(house: MortalHouse) -> None:
    run = house.accept(plan(sort(), TABLE), messages="abcdefg")
    assert house.ended(run) == done(tabled("abcdefg"))


def nothing(house: MortalHouse) -> None:
    assert house.ended(house.accept(plan(sort()), messages="")) == done([])
    assert house.ended(house.accept(plan(sort(), COUNT), messages="")) == done(counted())


def tried_again(house: MortalHouse) -> None:
    house.at_first = {"b"}
    assert house.ended(house.accept(plan(sort(), TABLE))) == done(tabled("abc"))


def made_good(house: MortalHouse) -> None:
    house.failing = {"b"}
    run = house.accept(plan(sort(on_failure={"default": OTHER}), COUNT))
    assert house.ended(run) == done(counted("about a", "about c", "card_arrival"))
    run = house.accept(plan(sort(on_failure="skip"), COUNT))
    assert house.ended(run) == done(counted("about a", "about c"))


def of_some(house: MortalHouse) -> None:
    """How many is certain; which, only without a crash: what was not cancelled goes on."""
    house.failing = {"a"}
    run = house.accept(plan(sort(join={"quorum": 2}), COUNT), messages="abcdef")
    state, result = house.ended(run)
    assert (state, result["total"]) == (RunState.SUCCEEDED, 2)
    run = house.accept(plan(sort(join="any"), COUNT), messages="ab")
    assert house.ended(run) == done(counted("about b"))
    run = house.accept(plan(sort(join={"quorum": 3}), COUNT))
    assert house.ended(run) == (RunState.FAILED, (FailureKind.ENGINE, "s1"))


def asked_of_fallback(house: MortalHouse) -> None:
    house.unsure, house.beyond = {"a", "c"}, {"c"}
    run = house.accept(plan(sort(), COUNT))
    assert house.ended(run) == done(counted("surely a", "about b", "about c"))


def asked_of_some(house: MortalHouse) -> None:
    house.unsure = {"a", "b", "c"}
    state, result = house.ended(house.accept(plan(sort(join={"quorum": 2}), COUNT)))
    assert (state, result["total"]) == (RunState.SUCCEEDED, 2)


def asked_again(house: MortalHouse) -> None:
    house.unsure = {"a"}
    run = house.accept(plan(sort(), COUNT))
    assert house.ended(run) == done(counted("surely a", "about b", "about c"))
    house.beyond = {"a"}
    house.rerun(run, "s1")
    assert house.ended(run) == done(counted("about a", "about b", "about c"))


def failed_and_mended(house: MortalHouse) -> None:
    house.failing = {"b"}
    run = house.accept(plan(sort(), TABLE))
    assert house.ended(run) == (RunState.FAILED, (FailureKind.ENGINE, "s1"))
    house.failing = set()
    house.rerun(run)
    assert house.ended(run) == done(tabled("abc"))


def skipped_and_mended_in_pieces(house: MortalHouse) -> None:
    house.failing = set("abcde")
    run = house.accept(plan(sort(on_failure="skip"), COUNT), messages="abcdefg")
    assert house.ended(run) == done(counted("about f", "about g"))
    house.failing = set()
    house.rerun(run)
    assert house.ended(run) == done(counted(*(f"about {message}" for message in "abcdefg")))


def again_from_a_step(house: MortalHouse) -> None:
    run = house.accept(plan(sort(), TABLE, COUNT))
    house.ended(run)
    for step in ("s2", "s1"):
        house.rerun(run, step)
        assert house.ended(run) == done({"s2": tabled("abc"), "s3": counted("about a", "about b", "about c")})


def planned_again(house: MortalHouse) -> None:
    house.answer = planned({"id": "s1", "type": "nothing like it", "args": {}})
    run = house.accept(None, goal="Sort these")
    assert house.ended(run) == (RunState.FAILED, (FailureKind.PLAN, "planner"))
    house.answer = planned(sort(), TABLE)
    house.rerun(run)
    assert house.ended(run) == done(tabled("abc"))


def refused_and_planned_again(house: MortalHouse) -> None:
    house.answer = refused()
    run = house.accept(None, goal="Translate these")
    assert house.ended(run) == (RunState.REFUSED, None)
    house.answer = planned(sort(), TABLE)
    house.rerun(run)
    assert house.ended(run) == done(tabled("abc"))


def confirmed(house: MortalHouse) -> None:
    house.answer = unsure(draft(sort(), TABLE), draft(sort(), COUNT))
    first, second = house.accept(None, goal="Sort these"), house.accept(None, goal="Count these", messages="abcdefg")
    for run in (first, second):
        house.asks(run)
    house.confirm(first, 1)
    house.confirm(second, 2)
    assert house.ended(first) == done(tabled("abc"))
    assert house.ended(second) == done(counted(*(f"about {message}" for message in "abcdefg")))


def cancelled_and_taken_up(house: MortalHouse) -> None:
    run = house.accept(plan(sort(), TABLE))
    house.turn()
    house.cancel(run)
    assert house.ended(run) == (RunState.CANCELLED, None)
    house.rerun(run)
    assert house.ended(run) == done(tabled("abc"))


def taken_up_before_the_last_outcomes_were_read(house: MortalHouse) -> None:
    house.failing = set("abc")
    run = house.accept(plan(sort(), TABLE))
    house.turn()
    house.cancel(run)
    house.failing = set()
    house.rerun(run)
    assert house.ended(run) == done(tabled("abc"))


#: Where it is certain which jobs are done; elsewhere that depends on what was cancelled in time.
CERTAIN = (
    words,
    words_asked_about_first,
    asked_about_and_planned_again,
    two_at_once,
    in_pieces,
    nothing,
    tried_again,
    made_good,
    again_from_a_step,
    planned_again,
    refused_and_planned_again,
    confirmed,
    asked_of_fallback,
    asked_again,
)
TALES = (
    *CERTAIN,
    of_some,
    asked_of_some,
    failed_and_mended,
    skipped_and_mended_in_pieces,
    cancelled_and_taken_up,
    taken_up_before_the_last_outcomes_were_read,
)


def tell(
    ledger: Ledger,
    catalog: Catalog,
    settings: Settings,
    tale: Callable[[MortalHouse], None],
    fuse: Fuse,
    tick: Callable[[], object],
    deaths: Random | None = None,
) -> MortalHouse:
    """Have it happen, to the end of all that it leaves to do, and look at what it left. `deaths`: of workers."""
    house = MortalHouse(ledger, catalog, settings, fuse, tick)
    if deaths:
        house.kills_workers = lambda: deaths.random() < 0.5
    tale(house)
    house.settle()
    assert set(house.commits.values()) <= {1}, "a job was done twice"
    for run_id in house.runs:
        assert_told_once(ledger, run_id)
    return house


def assert_told_once(ledger: Ledger, run_id: str) -> None:
    """Each round tells of each step and job once, and ends once, with nothing after it."""
    rounds: list[list[tuple[Any, ...]]] = [[]]
    for _, event in ledger.events(run_id):
        if event.name == "run.reopened":
            rounds.append([])
        rounds[-1].append((event.name, event.data.get("step"), event.data.get("index")))
    for told in rounds:
        assert len(set(told)) == len(told), told
        assert [name for name, *_ in told].index("run.ended") == len(told) - 1, told


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return with_fallback()


def in_memory(
    catalog: Catalog, tale: Callable[[MortalHouse], None], fuse: Fuse, deaths: Random | None = None
) -> MortalHouse:
    clock = Clock()
    ledger = MemoryLedger(now_ms=clock, idle_ms=500)
    return tell(ledger, catalog, BY_TURNS, tale, fuse, lambda: clock.passes(1000), deaths)


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four jobs are many."""
    monkeypatch.setattr("coordinator.goals.releases.AT_ONCE", 3)


@pytest.mark.parametrize("tale", TALES)
def test_whichever_call_a_crash_follows_all_comes_to_the_same_end(
    catalog: Catalog, tale: Callable[[MortalHouse], None]
) -> None:
    calm = in_memory(catalog, tale, Fuse(lambda _: False))
    for place in count(1):
        fuse = Fuse(place.__eq__)
        house = in_memory(catalog, tale, fuse)
        if tale in CERTAIN:
            assert house.commits == calm.commits, f"after call {place}"
        if not fuse.blown:
            break
    assert place > calm.calls


@pytest.fixture
def bundled(monkeypatch: pytest.MonkeyPatch) -> None:
    """All types have bundles of up to three jobs, as if they were fast."""
    monkeypatch.setattr("infra.ledger.memory.bundles._most", lambda *_: (1e9, 3))


@pytest.mark.usefixtures("bundled")
@pytest.mark.parametrize("tale", [two_at_once, in_pieces, tried_again, asked_of_fallback])
def test_in_bundles_too_whichever_call_a_crash_follows_and_whichever_worker_dies(
    catalog: Catalog, tale: Callable[[MortalHouse], None]
) -> None:
    calm = in_memory(catalog, tale, Fuse(lambda _: False))
    for place in count(1):
        fuse = Fuse(place.__eq__)
        house = in_memory(catalog, tale, fuse, Random(place))
        assert house.commits == calm.commits, f"after call {place}"
        if not fuse.blown:
            break
    assert calm.bundles


@pytest.mark.parametrize("seed", range(10))
def test_crash_upon_crash_changes_no_end(catalog: Catalog, seed: int) -> None:
    dice = random.Random(seed)  # the same crashes each time
    for tale in TALES:
        in_memory(catalog, tale, Fuse(lambda _: dice.random() < 0.1))


@pytest.mark.parametrize("tale", [of_some, confirmed, asked_of_fallback, skipped_and_mended_in_pieces])
def test_so_it_is_on_redis(catalog: Catalog, redis_client: redis.Redis, tale: Callable[[MortalHouse], None]) -> None:
    from infra.ledger.redis.ledger import RedisLedger

    for place in count(1):
        redis_client.flushall()
        fuse = Fuse(place.__eq__)
        ledger = RedisLedger(redis_client, "crash", idle_ms=1)
        tell(ledger, catalog, HASTILY, tale, fuse, lambda: None)
        if not fuse.blown:
            break
