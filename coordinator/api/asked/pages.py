"""Pages: what a request for a list asks for, and the link to the next page. Know no route.

The response is a plain array, and the header `Link` has the address of the next page (RFC 8288), so that a client that
wants the first page alone need not know of others.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Query, Request, Response

from coordinator.api.answers.problems import Problem
from coordinator.api.asked.headers import ListedTenant
from coordinator.api.document.parameters import LAST_MS
from coordinator.goals.lists import Asked
from coordinator.goals.tags import MOST_TAGS, Tag
from infra.json_values import unwritable
from infra.listing import LAST_PLACE

MOST_A_PAGE = 200


class Order(StrEnum):
    NEWEST_FIRST = "desc"
    OLDEST_FIRST = "asc"


ListOrder = Annotated[Order, Query(alias="order", description="`desc`: the newest first. `asc`: the oldest first.")]
ListTags = Annotated[
    list[Tag],
    Query(alias="tag", max_length=MOST_TAGS, description="A tag that must be there. Several must all be there."),
]
After = Annotated[
    str | None,
    Query(max_length=1000, description="Where the page begins. Take it from the link to the next page, unchanged."),
]


async def asked(
    tenant: ListedTenant,
    job_type: Annotated[
        str | None,
        Query(alias="type", min_length=1, max_length=64, description="A job type, which some job must have."),
    ] = None,
    tags: ListTags = [],  # noqa: B006 - FastAPI copies it
    created_from_ms: Annotated[
        int | None,
        Query(ge=0, le=LAST_MS, description="Unix time in milliseconds: only what was created then or later."),
    ] = None,
    created_to_ms: Annotated[
        int | None,
        Query(ge=0, le=LAST_MS, description="Unix time in milliseconds: only what was created then or earlier."),
    ] = None,
    order: ListOrder = Order.NEWEST_FIRST,
    limit: Annotated[int, Query(ge=1, le=MOST_A_PAGE, description="The most entries of the page.")] = 50,
) -> Asked:
    return Asked(
        type=job_type, tenant=tenant, tags=tuple(tags), from_ms=created_from_ms, to_ms=created_to_ms,
        oldest_first=order is Order.OLDEST_FIRST, limit=limit,
    )  # fmt: skip


ListAsked = Annotated[Asked, Depends(asked)]


def link(request: Request, response: Response, place: Sequence[int | str] | None) -> None:
    """Link to the page that begins behind `place`, with the filters of this one; None: there is no other page."""
    if place is None:
        return
    asked = [(name, value) for name, value in request.query_params.multi_items() if name != "after"]
    query = urlencode([*asked, ("after", _cursor(place))])
    response.headers["Link"] = f'<{request.url.path}?{query}>; rel="next"'


def place_in(after: str | None, kinds: tuple[type, ...]) -> list[Any] | None:
    """The parts of the place that a cursor holds, of which each is of one of `kinds`. Raises Problem."""
    if after is None:
        return None
    try:
        place = json.loads(base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)))
        if [type(part) for part in place] == list(kinds) and all(map(_is_sound, place)):
            return list(place)
    except (TypeError, ValueError, RecursionError):
        pass  # it is no cursor of ours, as is one with other parts
    fault = "query.after: is no place in this list; take it from the header Link of the page before"
    raise Problem(422, "The request is not valid", [fault])


def _is_sound(part: int | str) -> bool:
    """Whether Redis takes it: a place is kept as a double, and a text is sent as UTF-8."""
    return abs(part) <= LAST_PLACE if isinstance(part, int) else not unwritable(part)


def _cursor(place: Sequence[int | str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(place, separators=(",", ":")).encode()).decode().rstrip("=")
