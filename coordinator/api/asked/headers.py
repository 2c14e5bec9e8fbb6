"""What requests say beside their bodies: how long to wait, who asks, by which key. Each checked; knows no route.

The functions are coroutines, so that none of them needs a thread.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Header, Query, Request

from coordinator.api.answers.problems import Problem
from coordinator.api.waiting.presence import Client, client_of
from coordinator.goals.idempotency import Asking, Named, key_fault, tenant_fault
from coordinator.keys.caller import current
from infra.records import NOBODY, Json
from infra.settings import TENANT

MAX_WAIT_S = 60.0
_PREFER = re.compile(r"(?:^|[,;\s])wait=(\d{1,6}(?:\.\d{1,3})?)(?=$|[,;\s])")


async def wait_s(
    wait: Annotated[
        float | None, Query(ge=0, description=f"Seconds to wait for the end; at most {MAX_WAIT_S:g} are waited.")
    ] = None,
    prefer: Annotated[str | None, Header(description="`wait=N`: the same as the query's `wait`, by RFC 7240.")] = None,
) -> float:
    preferred = _PREFER.search(prefer or "")
    asked = wait if wait is not None else float(preferred[1]) if preferred else 0.0
    if math.isnan(asked):
        raise Problem(422, "The request is not valid", ["query.wait: must be a number"])
    return min(asked, MAX_WAIT_S)


async def tenant(
    x_tenant: Annotated[
        str | None,
        Header(
            description="The tenant that asks; tenants share the workers by weight. Where keys are on, it counts only "
            "for keys with scope `admin`; the tenant of any other key is its own."
        ),
    ] = None,
) -> str:
    if x_tenant is not None and (fault := tenant_fault(x_tenant)):
        raise Problem(400, "The request is not valid", [fault])
    caller = current()
    return caller.speaks_for(x_tenant) if caller else x_tenant or NOBODY


async def listed_tenant(
    tenant: Annotated[
        str | None,
        Query(
            pattern=f"^{TENANT.pattern}$", description="Only what is this tenant's. Without it, that of all tenants."
        ),
    ] = None,
) -> str | None:
    """The tenant whose goals, jobs and dead letters a list has; None: it has those of all."""
    return tenant


async def key(
    idempotency_key: Annotated[
        str | None,
        Header(description="A name of this request. A request that is sent again with it is not done again."),
    ] = None,
) -> str | None:
    if idempotency_key is not None and (fault := key_fault(idempotency_key)):
        raise Problem(400, "The request is not valid", [fault])
    return idempotency_key


Wait = Annotated[float, Depends(wait_s)]
Asker = Annotated[Client, Depends(client_of)]  #: nobody waits for one that has gone
ListedTenant = Annotated[str | None, Depends(listed_tenant)]
Tenant = Annotated[str, Depends(tenant)]
Key = Annotated[str | None, Depends(key)]


def asking(request: Request, tenant: str, key: str | None, meaning: Callable[[], Json]) -> Asking:
    """`meaning` of the body, so that what is left out and what is said to be as it would be are the same."""
    named = Named.of(tenant, key, request.method, request.url.path, meaning()) if key is not None else None
    return Asking(tenant=tenant, named=named)
