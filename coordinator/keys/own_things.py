"""The ledger as one tenant's caller may see it: what belongs to another tenant is not there. Knows no route.

It stands between all routes and the ledger, so that a new route shows nothing of another tenant either. A method that
is not named here is refused to all but admins and the process itself, until somebody has thought about it.
"""

from __future__ import annotations

from typing import Any, TypeVar, cast

from coordinator.keys.caller import Caller, current
from infra.listing import LetterPage, LetterQuery, RunPage, RunQuery, tenant_list
from infra.records import NOBODY, DeadLetter, JobStatus, RunRecord

T = TypeVar("T")

#: Methods that name the tenant in their arguments, or that show nothing of any one tenant.
_OF_NO_OBJECT = frozenset(
    {
        "create_run", "find_key", "find_keys", "saved_plan", "save_plan", "saved_plans", "delete_plan",
        "quota", "spend", "charge", "give_back", "api_key",
        "type_states", "loads", "depths", "workers", "ping", "ring", "close",
    }
)  # fmt: skip
#: Methods that are called with the ids of a run or of jobs that another method has shown before.
_OF_SHOWN = frozenset(
    {"advance", "reopen", "release", "cancel", "results", "events", "last_event", "job_states", "jobs"}
)


class OwnThings:
    def __init__(self, ledger: Any) -> None:
        self._ledger = ledger

    def load_run(self, run_id: str) -> RunRecord | None:
        record = self._ledger.load_run(run_id)
        return record if record and _is_seen(_tenant_of(record)) else None

    def list_runs(self, query: RunQuery) -> RunPage:
        if (caller := _restricted()) is not None:
            lists = {*query.lists, tenant_list(caller.tenant)}
            query = query.model_copy(update={"lists": tuple(sorted(lists))})
        page: RunPage = self._ledger.list_runs(query)
        return page

    def job(self, job_id: str) -> JobStatus | None:
        status = self._ledger.job(job_id)
        return status if status and _is_seen(status.job.tenant) else None

    def dead_letters(self, job_type: str | None = None, cause: Any = None, limit: int = 100) -> list[DeadLetter]:
        return self.list_letters(LetterQuery(type=job_type, cause=cause, limit=limit)).letters

    def list_letters(self, query: LetterQuery) -> LetterPage:
        if (caller := _restricted()) is not None:
            if query.tenant not in (None, caller.tenant):
                return LetterPage([], None)
            query = query.model_copy(update={"tenant": caller.tenant})
        page: LetterPage = self._ledger.list_letters(query)
        return page

    def __getattr__(self, name: str) -> Any:
        if name not in _OF_NO_OBJECT | _OF_SHOWN and (caller := _restricted()) is not None:
            raise PermissionError(f"tenant {caller.tenant!r} may not call {name!r} of the ledger; see {__name__}")
        return getattr(self._ledger, name)


def own_things(ledger: T) -> T:
    """The same ledger, of which each caller sees what is its own."""
    return cast(T, OwnThings(ledger))


def _restricted() -> Caller | None:
    """The caller, if it sees only its own tenant's things."""
    caller = current()
    return None if caller is None or caller.sees_all else caller


def _is_seen(tenant: str) -> bool:
    caller = _restricted()
    return caller is None or caller.tenant == tenant


def _tenant_of(record: RunRecord) -> str:
    tenant = record.body.get("tenant", NOBODY)
    return str(tenant)
