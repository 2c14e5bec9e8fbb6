"""Lists of runs and of dead letters: in order, page by page, by what they are filtered by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

import pytest

from infra.ledger.protocol import Ledger
from infra.listing import LetterQuery, RunQuery, tag_list, tenant_list
from infra.records import Job, JobState, RunRecord, RunState, state_list
from tests.contracts.ledger.given import RUN, TimedLedger, a_job, claimed, end_run, failed, recent, succeeded


def create(ledger: Ledger, name: str, *lists: str) -> RunRecord:
    run = RUN.model_copy(update={"id": name, "lists": lists})
    assert ledger.create_run(run, [], []) is None
    return run


def pages(ledger: Ledger, query: RunQuery, meanwhile: Callable[[], object] = lambda: None) -> Iterator[list[str]]:
    """The ids of each page. `meanwhile` is called between two pages."""
    while True:
        page = ledger.list_runs(query)
        yield [run.id for _, run in page.runs]
        if page.next is None:
            return
        query = query.model_copy(update={"after": page.next})
        meanwhile()


def joined(pages: Iterable[list[str]]) -> list[str]:
    return list(chain.from_iterable(pages))


def listed(ledger: Ledger, *lists: str) -> list[str]:
    return [run.id for _, run in ledger.list_runs(RunQuery(lists=lists)).runs]


@pytest.mark.parametrize("oldest_first", [False, True])
def test_runs_come_in_the_order_of_their_creation_page_by_page(ledger: Ledger, oldest_first: bool) -> None:
    names = [f"r{number}" for number in range(7)]
    for name in names:
        create(ledger, name)

    found = list(pages(ledger, RunQuery(oldest_first=oldest_first, limit=3)))

    assert [len(page) for page in found] == [3, 3, 1]
    assert joined(found) == (names if oldest_first else names[::-1])


def test_a_last_page_that_is_full_has_no_next_one(ledger: Ledger) -> None:
    for number in range(4):
        create(ledger, f"r{number}")

    assert [len(page) for page in pages(ledger, RunQuery(limit=2))] == [2, 2]


@pytest.mark.parametrize("oldest_first", [False, True])
def test_what_arrives_and_ends_between_two_pages_moves_no_other_run(ledger: Ledger, oldest_first: bool) -> None:
    names = [f"r{number}" for number in range(20)]
    for name in names:
        create(ledger, name)
    turns = iter(range(100))

    def arrive_and_end() -> None:
        turn = next(turns)
        create(ledger, f"late{turn}")
        end_run(ledger, names[2 * turn])

    query = RunQuery(oldest_first=oldest_first, limit=4)
    found = joined(pages(ledger, query, arrive_and_end))

    early = [name for name in found if not name.startswith("late")]
    assert sorted(early) == sorted(names)
    assert len(found) == len(set(found))
    assert (len(found) > len(names)) is oldest_first  # what arrives is behind the newest, and so before the first page


def test_a_run_is_found_in_each_of_its_lists_and_in_all_of_some(ledger: Ledger) -> None:
    acme, byte, urgent = tenant_list("acme"), tenant_list("byte"), tag_list("urgent")
    create(ledger, "r1", acme)
    create(ledger, "r2", byte, urgent)
    create(ledger, "r3", acme, urgent)

    assert listed(ledger) == ["r3", "r2", "r1"]
    assert listed(ledger, acme) == ["r3", "r1"]
    assert listed(ledger, acme, urgent) == ["r3"]
    assert listed(ledger, urgent) == ["r3", "r2"]
    assert listed(ledger, tag_list("nothing")) == listed(ledger, acme, byte) == []


def test_pages_of_two_lists_find_each_run_of_both(ledger: Ledger) -> None:
    acme, even = tenant_list("acme"), tag_list("even")
    for number in range(30):
        create(ledger, f"r{number}", *([acme] if number % 3 == 0 else []), *([even] if number % 2 == 0 else []))

    found = joined(pages(ledger, RunQuery(lists=(acme, even), limit=2)))

    assert found == ["r24", "r18", "r12", "r6", "r0"]


def test_a_run_is_listed_by_the_state_that_it_is_in(ledger: Ledger) -> None:
    running, unsure, failed_, succeeded_ = map(
        state_list, (RunState.RUNNING, RunState.UNSURE, RunState.FAILED, RunState.SUCCEEDED)
    )
    run = create(ledger, "r1")
    create(ledger, "r2")
    assert (listed(ledger, running), listed(ledger, failed_)) == (["r2", "r1"], [])

    assert ledger.advance(run.model_copy(update={"state": RunState.UNSURE, "waits_until_ms": 9**15}), [], [], [])
    assert (listed(ledger, running), listed(ledger, unsure)) == (["r2"], ["r1"])
    again = run.model_copy(update={"version": 1})
    assert ledger.reopen(again, [], [], [])
    assert (listed(ledger, running), listed(ledger, unsure)) == (["r2", "r1"], [])
    ended = end_run(ledger)
    assert (listed(ledger, running), listed(ledger, failed_)) == (["r2"], ["r1"])
    assert ledger.reopen(ended.model_copy(update={"state": RunState.RUNNING}), [a_job(round=1)], [], [])
    assert (listed(ledger, running), listed(ledger, failed_), listed(ledger, succeeded_)) == (["r2", "r1"], [], [])


def test_a_run_that_changes_its_lists_keeps_its_place(ledger: Ledger) -> None:
    planner, triage, acme = "type:planner", "type:triage", tenant_list("acme")
    first = create(ledger, "r1", acme, planner)
    create(ledger, "r2", acme, triage)

    assert ledger.advance(first.model_copy(update={"lists": (acme, triage)}), [], [], [])

    assert listed(ledger, triage) == listed(ledger, acme) == ["r2", "r1"]
    assert listed(ledger, planner) == []


def test_a_run_that_is_created_twice_is_listed_once_and_where_it_was(ledger: Ledger) -> None:
    for name in ("r1", "r2", "r1"):
        create(ledger, name)

    assert listed(ledger) == ["r2", "r1"]


def test_runs_are_listed_by_when_they_were_created(timed: TimedLedger) -> None:
    ledger, times = timed.ledger, []
    for name in ("r1", "r2", "r3"):
        timed.passes(20)
        create(ledger, name)
        times.append(timed.now_ms())

    def created(since_ms: int | None, until_ms: int | None, **rest: int) -> list[str]:
        return joined(pages(ledger, RunQuery(since_ms=since_ms, until_ms=until_ms, **rest)))

    assert created(times[0] + 5, None) == ["r3", "r2"]
    assert created(None, times[1] + 5) == ["r2", "r1"]
    assert created(times[0] + 5, times[1] + 5) == ["r2"]
    assert created(times[0] + 5, None, limit=1) == ["r3", "r2"]
    assert created(times[2] + 10_000, None) == []


def test_a_list_has_all_runs_however_many_there_are(ledger: Ledger) -> None:
    names = [f"r{number}" for number in range(1_500)]
    for number, name in enumerate(names):
        create(ledger, name, *([tag_list("rare")] if number in (0, 1_499) else []), tag_list("all"))

    assert joined(pages(ledger, RunQuery(limit=200))) == names[::-1]
    assert joined(pages(ledger, RunQuery(lists=(tag_list("all"), tag_list("rare")), limit=200))) == ["r1499", "r0"]
    both = RunQuery(lists=(tag_list("all"), state_list(RunState.RUNNING)), limit=500, oldest_first=True)
    assert joined(pages(ledger, both)) == names


def test_many_jobs_are_read_at_once_and_those_unknown_are_none(ledger: Ledger) -> None:
    large = {"text": "x" * 20_000}
    ledger.release([a_job(0), a_job(1, tags=("a", "b"), tenant="acme"), a_job(2, input=large)])
    succeeded(ledger, a_job(0))
    ids = [a_job(index).id for index in (0, 3, 1, 2)]

    assert ledger.job_states(ids) == [JobState.SUCCEEDED, None, JobState.READY, JobState.READY]
    first, unknown, second, third = ledger.jobs(ids)
    assert (first, unknown, second) == (ledger.job(ids[0]), None, ledger.job(ids[2]))
    assert second
    assert second.job.tags == ("a", "b")
    assert third
    assert third.job.model_copy(update={"input": large}) == a_job(2, input=large)
    assert (ledger.jobs([]), ledger.job_states([])) == ([], [])


# -- dead letters --


def letter_pages(ledger: Ledger, query: LetterQuery) -> Iterator[list[str]]:
    while True:
        page = ledger.list_letters(query)
        yield [letter.job_id for letter in page.letters]
        if page.next is None:
            return
        query = query.model_copy(update={"after": page.next})


def fail(ledger: Ledger, *jobs: Job) -> None:
    ledger.release(jobs)
    for job in jobs:
        failed(ledger, job)


@pytest.mark.parametrize("oldest_first", [False, True])
def test_letters_come_page_by_page_each_once(timed: TimedLedger, oldest_first: bool) -> None:
    ledger = timed.ledger
    fail(ledger, *(a_job(index, type=("triage", "count")[index % 2]) for index in range(9)))
    at_once = [a_job(index, attempts=1) for index in range(10, 20)]  # they die in one script, in one millisecond
    ledger.release(at_once)
    for job in at_once:
        claimed(ledger, job, lease_ms=1)
    timed.passes(5)
    ledger.sweep(60_000)
    whole = [letter.job_id for letter in ledger.list_letters(LetterQuery(oldest_first=oldest_first)).letters]
    assert len(set(whole)) == 19

    for limit in (1, 4, 19):
        query = LetterQuery(oldest_first=oldest_first, limit=limit)
        found = list(letter_pages(ledger, query))
        assert joined(found) == whole
        assert all(len(page) == limit for page in found[:-1])
    assert [letter.job_id for letter in ledger.dead_letters()] == (whole[::-1] if oldest_first else whole)


def test_letters_are_listed_by_tenant_and_tags(ledger: Ledger) -> None:
    fail(
        ledger,
        a_job(0, tenant="acme", tags=("urgent", "en")),
        a_job(1, tenant="byte", tags=("urgent",)),
        a_job(2, tenant="acme"),
        a_job(3),
    )

    def found(tenant: str | None = None, *tags: str) -> list[int]:
        letters = ledger.list_letters(LetterQuery(tenant=tenant, tags=tags)).letters
        return sorted(int(letter.job_id[-1]) for letter in letters)

    assert found("acme") == [0, 2]
    assert found("default") == [3]
    assert found(None, "urgent") == [0, 1]
    assert found("acme", "en", "urgent") == [0]
    assert found("byte", "en") == []
    letters = {letter.job_id: letter for letter in ledger.dead_letters()}
    assert letters[a_job(0).id].tags == ("urgent", "en")
    assert letters[a_job(3).id].tenant == "default"


def test_letters_are_listed_by_when_their_jobs_ended(timed: TimedLedger) -> None:
    ledger, times = timed.ledger, []
    for index in range(3):
        timed.passes(20)
        fail(ledger, a_job(index))
        times.append(timed.now_ms())

    def found(since_ms: int | None, until_ms: int | None) -> list[str]:
        return joined(letter_pages(ledger, LetterQuery(since_ms=since_ms, until_ms=until_ms, limit=1)))

    ids = [a_job(index).id for index in range(3)]
    assert found(times[0] + 5, None) == ids[:0:-1]
    assert found(None, times[1] + 5) == ids[1::-1]
    assert found(times[0] + 5, times[1] + 5) == [ids[1]]


def test_a_letter_that_is_purged_between_two_pages_hides_no_other(ledger: Ledger) -> None:
    fail(ledger, *(a_job(index) for index in range(6)))
    first = ledger.list_letters(LetterQuery(limit=3))
    ledger.purge([first.letters[-1].job_id])
    rest = ledger.list_letters(LetterQuery(limit=3, after=first.next))

    assert len({letter.job_id for letter in (*first.letters, *rest.letters)}) == 6
    assert rest.next is None
    assert recent(ledger) == []
