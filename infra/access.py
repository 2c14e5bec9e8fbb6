"""Access: the records of keys and of the quotas of tenants. Knows no secret and no request."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from pydantic import Field

from infra.records import Record


class Scope(StrEnum):
    """What a key is good for."""

    SUBMIT = "submit"  #: sends goals and jobs of its tenant, steers and ends them, and keeps plans
    READ = "read"  #: looks at goals, jobs, dead letters and plans of its tenant, and at the deployment
    ADMIN = "admin"  #: sees all tenants, speaks for any, runs and purges dead letters, pauses and drains job types


class ApiKey(Record):
    """A key without its secret. The ledger keeps when it ends beside it, so that two changes cannot undo each other."""

    id: str
    tenant: str
    scopes: tuple[Scope, ...]
    sha256: str = Field(repr=False)  #: of the secret, in hex
    name: str = ""  #: what people call it
    created_ms: int
    lifetime_s: float | None = None  #: how long it was made for; None: until somebody ends it


class KeptKey(Record):
    """A key as the ledger has it, by the ledger's clock."""

    key: ApiKey
    ends_ms: int | None  #: Unix time from which it is refused; None: it has no end yet
    now_ms: int  #: when this was read

    @property
    def left_s(self) -> float | None:
        """How long it is still good; at most 0 if it has ended, and None if it has no end yet."""
        return None if self.ends_ms is None else (self.ends_ms - self.now_ms) / 1000


class Quota(Record):
    """How much one tenant may ask for. What is None has no bound."""

    jobs_a_minute: int | None = Field(default=None, gt=0)
    jobs_a_day: int | None = Field(default=None, gt=0)
    tokens_a_minute: int | None = Field(default=None, gt=0)  #: estimated tokens (`Job.tokens`)
    tokens_a_day: int | None = Field(default=None, gt=0)
    running: int | None = Field(default=None, gt=0)  #: how many goals, and jobs sent alone, go on at once

    @property
    def bounds_nothing(self) -> bool:
        return self == Quota()


class Spend(NamedTuple):
    """What a request takes of one window of its tenant's quota."""

    name: str  #: of the window, such as "jobs-minute"
    limit: int
    window_s: int
    amount: int


class Window(NamedTuple):
    """What was taken of a sliding window. The earlier window counts by the share of it that has not slid out yet."""

    earlier: int
    earlier_left_s: float  #: until the earlier window has slid out
    current: int
    current_left_s: float  #: until the current window has slid out, if it becomes the earlier one in time


class Spent(NamedTuple):
    """What came of spending. It was all taken if `refused` is empty and `enters` is true, and nothing otherwise."""

    windows: list[Window]  #: one for each `Spend`, as they are now
    refused: list[int]  #: the places of the spends that had no room
    enters: bool  #: whether one more run may go on
    running: int  #: how many runs of the tenant go on
