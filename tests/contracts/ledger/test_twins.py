"""Both ledgers say the same, whatever is asked of them: seeded sequences of all that can be done to one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from infra.ledger.memory.ledger import MemoryLedger
from infra.ledger.protocol import Ledger
from infra.listing import LetterQuery, RunQuery, tenant_list
from infra.records import (
    Claim,
    Commit,
    DeadLetter,
    FailureKind,
    Idempotency,
    Job,
    JobState,
    Json,
    Load,
    Message,
    Priority,
    Refusal,
    Reuse,
    RunRecord,
    RunState,
    StepResult,
    TypeState,
    state_list,
)
from tests.contracts.ledger.given import LEASE_MS, a_job, failure_of, sleeps, success_of
from tests.support.clock import Clock

if TYPE_CHECKING:
    import redis

STEPS = 400
LOOK_EVERY = 10  #: so many steps, at all that can be read
TICK_MS = 3  #: between two steps, on both clocks: what is due in a millisecond is due in the next step
NEVER_S = 1e9  #: nobody ages, as two clocks never show the same
SOON_S, SOON_MS, GONE_MS, FAR_MS = 0.001, 1, 1, 9_999_999_999_999
TYPES = ("triage", "count")
RUNS = ("r1", "r2", "r3")
INDICES = 16  #: of each run
TENANTS = ("acme", "byte", "core")
KINDS = (FailureKind.ENGINE, FailureKind.TOO_LONG, FailureKind.EXPIRED)
WEIGHTS = {"byte": 2.0, "core": 4.0}


@dataclass
class Held:
    """One claim, as each ledger granted it."""

    claims: tuple[Claim, Claim]
    lease_ms: int


class Twins:
    """Does the same to both ledgers, and fails where they say something else."""

    def __init__(self, seed: int, ledgers: tuple[Ledger, Ledger], clock: Clock) -> None:
        self.chance = Random(seed)
        self.ledgers = ledgers
        self.clock = clock
        self.held: dict[str, Held] = {}  # job id -> its last claim, perhaps stale
        self.runs = dict.fromkeys(RUNS, 0)  # -> round
        self.sent: list[str] = []  # job ids
        self.states: dict[str, TypeState] = {}
        self.names: dict[str, int] = {}  # token -> which claim it is of, on either ledger

    def same(self, ask: Callable[[Ledger, int], Any]) -> Any:
        """What both answer to `ask(ledger, which)`."""
        answers = [ask(ledger, which) for which, ledger in enumerate(self.ledgers)]
        assert answers[0] == answers[1]
        return answers[0]

    def step(self) -> None:
        often = [self.release, self.take, self.claim, self.commit, self.claim_together, self.commit_together]
        seldom = [
            self.hand_back, self.cancel, self.sweep, self.pause, self.open, self.advance, self.reopen, self.create,
            self.purge, self.renew, self.stops, self.release_alike, self.save_plan, self.delete_plan,
        ]  # fmt: skip
        moves = 6 * often + seldom
        self.chance.choice(moves)()
        sleeps(TICK_MS)
        self.clock.passes(TICK_MS)

    def compare(self) -> None:
        """All that can be read."""
        self.same(lambda ledger, _: _without_age(ledger.depths()))
        self.same(lambda ledger, _: _without_speed(ledger.loads(TYPES)))
        self.same(lambda ledger, _: ledger.type_states())
        self.same(lambda ledger, _: _without_time(ledger.dead_letters()))
        self.same(lambda ledger, _: [ledger.find_key(key) for key in RUNS])
        self.same(lambda ledger, _: ledger.find_keys(RUNS))
        for state in RunState:
            self.same(partial(_listed, lists=(state_list(state),)))
        for tenant in TENANTS:
            self.same(partial(_listed, lists=(tenant_list(tenant),)))
            self.same(partial(_letters_of, tenant=tenant))
        self.same(lambda ledger, _: ledger.job_states(self.ids()))
        self.same(lambda ledger, _: [ledger.load_run(run_id) for run_id in RUNS])
        self.same(lambda ledger, _: ledger.overdue())
        self.same(lambda ledger, _: [ledger.saved_plans(tenant) for tenant in TENANTS])
        self.same(lambda ledger, _: [ledger.results(run_id, "s1") for run_id in RUNS])
        for job_id in self.ids():
            self.same(partial(_status, job_id=job_id))
        self.same(lambda ledger, _: self.outcomes(ledger))

    def outcomes(self, ledger: Ledger) -> list[str]:
        entries = ledger.outcomes("c1", 1_000, 0)
        ledger.acknowledge([entry for entry, _ in entries])
        return sorted(outcome.model_dump_json() for _, outcome in entries)

    # -- moves --

    def release(self) -> None:
        jobs = [self.job(self.chance.choice(RUNS)) for _ in range(self.chance.randint(1, 6))]
        self.same(lambda ledger, _: ledger.release(jobs))

    def release_alike(self) -> None:
        """Several that ask the same, of which some are late, or soon are."""
        run_id, job_type, pick = self.chance.choice(RUNS), self.chance.choice(TYPES), self.chance.choice
        unique = Reuse(key=run_id + job_type, digest="d", unique=True)
        late: list[Json] = [{"deadline_ms": GONE_MS}, {"claim_within_s": SOON_S}, {}]
        jobs = [self.job(run_id, job_type, reuse=unique, **pick(late)) for _ in range(4)]
        self.same(lambda ledger, _: ledger.release(jobs))

    def create(self) -> None:
        run_id = self.chance.choice(RUNS)
        run = RunRecord(id=run_id, created_ms=1, lists=(tenant_list(self.chance.choice(TENANTS)),), body={})
        key = Idempotency(key=self.chance.choice(RUNS), fingerprint=run_id, keep_s=600)
        jobs = [self.job(run_id)]
        self.same(lambda ledger, _: ledger.create_run(run, jobs, [], key))

    def take(self) -> None:
        window = self.chance.randint(1, 4)
        taken = self.same(lambda ledger, _: _by_type(ledger.take_ready(window, WEIGHTS, NEVER_S)))
        self.sent = [job_id for ids in taken.values() for job_id in ids] or self.sent

    def claim(self) -> None:
        job_id = self.chance.choice(self.chance.choice((self.ids(), self.sent or self.ids())))
        lease_ms = self.chance.choice((LEASE_MS, LEASE_MS, LEASE_MS, 0))
        first, second = (ledger.claim(job_id, "w1", lease_ms) for ledger in self.ledgers)
        self.granted(first, second, lease_ms)

    def claim_together(self) -> None:
        ids = self.chance.sample(self.ids(), 3)
        lease_ms = self.chance.choice((LEASE_MS, LEASE_MS, 0))
        both = [ledger.claim_all(ids, "w1", lease_ms) for ledger in self.ledgers]
        for first, second in zip(*both, strict=True):
            self.granted(first, second, lease_ms)

    def granted(self, first: Claim | Refusal, second: Claim | Refusal, lease_ms: int) -> None:
        if isinstance(first, Claim) and isinstance(second, Claim):
            assert (first.job, first.attempt, first.lost) == (second.job, second.attempt, second.lost)
            self.held[first.job.id] = Held((first, second), lease_ms)
            self.names |= {first.token: len(self.names), second.token: len(self.names)}
        else:
            assert first == second

    def commit_together(self) -> None:
        held = self.chance.sample(list(self.held.values()), min(3, len(self.held)))
        self.same(
            lambda ledger, which: ledger.commit_all(
                [Commit(success_of(each.claims[which], "d"), each.claims[which].token) for each in held]
            )
        )

    def commit(self) -> None:
        if not self.held:
            return
        claims = self.chance.choice(list(self.held.values())).claims
        kind, retry_ms = self.chance.choice((None, None, *KINDS)), self.chance.choice((None, 0, SOON_MS, LEASE_MS))
        digest = self.chance.choice(("d", "d", "upgraded", None))
        ends = [failure_of(claim, kind) if kind else success_of(claim, digest) for claim in claims]
        self.same(lambda ledger, which: ledger.commit(ends[which], claims[which].token, retry_ms))

    def hand_back(self) -> None:
        if self.held:
            job_id = self.chance.choice(list(self.held))
            self.same(lambda ledger, which: ledger.hand_back(job_id, self.held[job_id].claims[which].token))

    def renew(self) -> None:
        held = [{job_id: held.claims[which].token for job_id, held in self.held.items()} for which in (0, 1)]
        if all(held.lease_ms for held in self.held.values()):  # renewed, a lease that has run out would not have
            self.same(lambda ledger, which: sorted(ledger.renew(held[which], LEASE_MS)))

    def cancel(self) -> None:
        ids = self.chance.sample(self.ids(), 2)
        self.same(lambda ledger, _: ledger.cancel(ids))

    def sweep(self) -> None:
        """Of a paused type, several that go back to the front of their line would do so in any order."""
        if TypeState.PAUSED in self.states.values():
            return
        silent_ms = self.chance.choice((LEASE_MS, LEASE_MS, 0))
        self.same(lambda ledger, _: sorted(ledger.sweep(silent_ms)))

    def pause(self) -> None:
        self.set_state(self.chance.choice((TypeState.PAUSED, TypeState.DRAINING)))

    def open(self) -> None:
        self.set_state(TypeState.OPEN)

    def set_state(self, state: TypeState) -> None:
        job_type = self.chance.choice(TYPES)
        self.states[job_type] = state
        self.same(lambda ledger, _: ledger.set_type_state(job_type, state))

    def advance(self) -> None:
        run = self.ledgers[0].load_run(self.chance.choice(RUNS))
        if run:
            state = self.chance.choice((RunState.FAILED, RunState.REFUSED, RunState.UNSURE, *[RunState.RUNNING] * 6))
            told = {"state": state, "waits_until_ms": self.chance.choice((GONE_MS, FAR_MS, None))}
            result = StepResult(step_id="s1", index=self.chance.randrange(3), output={"n": run.version})
            self.same(lambda ledger, _: ledger.advance(run.model_copy(update=told), [result], [], []))

    def reopen(self) -> None:
        run_id = self.chance.choice(RUNS)
        run = self.ledgers[0].load_run(run_id)
        if run and run.state is not RunState.RUNNING:
            self.runs[run_id] += 1
            run = run.model_copy(update={"state": RunState.RUNNING})
            jobs = [self.job(run_id) for _ in range(2)]
            self.same(lambda ledger, _: ledger.reopen(run, jobs, ["s1"], []))

    def purge(self) -> None:
        ids = self.chance.sample(self.ids(), 3)
        self.same(lambda ledger, _: ledger.purge(ids))

    def stops(self) -> None:
        self.same(lambda ledger, _: sorted(self.names[token] for token in ledger.stops("w1", 0)))

    def save_plan(self) -> None:
        tenant, name = self.chance.choice(TENANTS), self.chance.choice(RUNS)
        self.same(lambda ledger, _: ledger.save_plan(tenant, name, {"of": name}, 2))

    def delete_plan(self) -> None:
        tenant, name = self.chance.choice(TENANTS), self.chance.choice(RUNS)
        self.same(lambda ledger, _: ledger.delete_plan(tenant, name))

    # -- what with --

    def ids(self) -> list[str]:
        return [Job.name(run_id, "s1", index) for run_id in RUNS for index in range(INDICES)]

    def job(self, run_id: str, job_type: str | None = None, **fields: Any) -> Job:
        """What share an output are of one run: in which order the jobs of another end is left to chance."""
        pick, job_type = self.chance.choice, job_type or self.chance.choice(TYPES)
        index = len(TYPES) * self.chance.randrange(INDICES // len(TYPES)) + TYPES.index(job_type)
        reuse = Reuse(key=run_id + job_type, digest="d", unique=pick((True, False)), cache_s=pick((None, 600)))
        chosen = {
            "run_id": run_id,
            "type": job_type,
            "tenant": pick(TENANTS),
            "priority": pick(list(Priority)),
            "tokens": pick((1, 3, 10)),
            "attempts": pick((1, 2, 3)),
            "reuse": pick((None, None, reuse)),
            "claim_within_s": pick((*[None] * 15, SOON_S)),
            "deadline_ms": pick((*[None] * 15, GONE_MS)),
            "round": self.runs[run_id],
        }
        return a_job(index, **chosen | fields)


def _without_age(depths: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    return {job_type: counts | {"oldest_ms": 0} for job_type, counts in depths.items()}


def _without_speed(loads: dict[str, Load]) -> dict[str, Load]:
    return {job_type: load.model_copy(update={"tokens_per_s": None}) for job_type, load in loads.items()}


def _without_time(letters: list[DeadLetter]) -> list[Json]:
    """Several of one millisecond are in any order."""
    shown = [letter.model_copy(update={"at_ms": 0}).model_dump(mode="json") for letter in letters]
    return sorted(shown, key=lambda letter: letter["job_id"])


def _listed(ledger: Ledger, _: int, lists: tuple[str, ...]) -> list[str]:
    return [run.id for _, run in ledger.list_runs(RunQuery(lists=lists)).runs]


def _letters_of(ledger: Ledger, _: int, tenant: str) -> list[str]:
    return sorted(letter.job_id for letter in ledger.list_letters(LetterQuery(tenant=tenant)).letters)


def _by_type(messages: Sequence[Message]) -> dict[str, list[str]]:
    return {
        job_type: [job_id for of_type, *ids in messages for job_id in ids if of_type == job_type] for job_type in TYPES
    }


def _status(ledger: Ledger, _: int, job_id: str) -> Json | None:
    status = ledger.job(job_id)
    if status is None:
        return None
    worker = status.worker if status.state is JobState.RUNNING else None
    return status.model_copy(update={"worker": worker}).model_dump(mode="json")


@pytest.mark.parametrize("seed", range(5))
def test_both_ledgers_answer_the_same(seed: int, redis_client: redis.Redis) -> None:
    from infra.ledger.redis.ledger import RedisLedger

    clock = Clock()
    twins = Twins(seed, (MemoryLedger(now_ms=clock), RedisLedger(redis_client, "test")), clock)
    for step in range(STEPS):
        twins.step()
        if step % LOOK_EVERY == 0:
            twins.compare()
