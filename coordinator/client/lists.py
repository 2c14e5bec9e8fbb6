"""Lists, as the client reads them: entry by entry, and each page when it is needed. Know no goal and no job."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypedDict, Unpack

import httpx

from coordinator.client.connection import Connection
from coordinator.client.errors import ApiError, ApiUnreachable
from coordinator.client.waits import Outage
from infra.records import Json

PAGE = 100  #: how many entries are read at once


class Filters(TypedDict, total=False):
    """What a list of goals or jobs is filtered by. Everything that is given must hold."""

    job_type: str
    tenant: str
    tags: Sequence[str]  #: each of them
    created_from_ms: int
    created_to_ms: int
    oldest_first: bool


class ListCalls(Connection):
    def list_goals(self, state: str | None = None, **filters: Unpack[Filters]) -> Iterator[Json]:
        """Goals, the newest first, without their results. No goal comes twice, whatever happens meanwhile."""
        return self._listed("/v1/goals", state=state, **_asked(filters))

    def list_jobs(self, state: str | None = None, **filters: Unpack[Filters]) -> Iterator[Json]:
        """Jobs with their outputs, those of the newest goals first."""
        return self._listed("/v1/jobs", state=state, **_asked(filters))

    def list_letters(
        self,
        cause: str | None = None,
        *,
        job_type: str | None = None,
        tenant: str | None = None,
        tags: Sequence[str] = (),
        ended_from_ms: int | None = None,
        ended_to_ms: int | None = None,
        oldest_first: bool = False,
    ) -> Iterator[Json]:
        """Dead letters, the newest first."""
        asked = {"tenant": tenant, "tag": list(tags), "ended_from_ms": ended_from_ms, "ended_to_ms": ended_to_ms}
        order = "asc" if oldest_first else None
        return self._listed("/v1/dead-letters", cause=cause, type=job_type, order=order, **asked)

    def _listed(self, path: str, **asked: str | int | list[str] | None) -> Iterator[Json]:
        query = httpx.QueryParams({name: value for name, value in asked.items() if value is not None})
        address, outage = f"{path}?{query.set('limit', PAGE)}", None
        while address:
            try:
                response = self._respond("GET", address)
            except (ApiError, ApiUnreachable) as error:
                if outage is None:  # not even the first page
                    raise
                outage.sit_out(error)
                continue
            outage = Outage()
            yield from response.json()
            address = response.links.get("next", {}).get("url", "")


def _asked(filters: Filters) -> dict[str, str | int | list[str] | None]:
    return {
        "type": filters.get("job_type"),
        "tenant": filters.get("tenant"),
        "tag": list(filters.get("tags", ())),
        "created_from_ms": filters.get("created_from_ms"),
        "created_to_ms": filters.get("created_to_ms"),
        "order": "asc" if filters.get("oldest_first") else None,
    }
