"""The guard: says who asks in each request, before any route, and refuses whoever may not ask it. Knows no route.

Nothing passes it without a caller. So a new route is guarded too, and needs the scope that `scopes` says.
"""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coordinator.api import scopes
from coordinator.api.answers.problems import problem_response, refusal_of
from coordinator.keys.caller import Caller, anybody, asking_as
from coordinator.keys.check import KeyCheck, KeyRefused
from infra import access
from infra.ledger.protocol import LedgerUnavailable

_REALM = 'Bearer realm="manyhands"'
#: Longer ones are not looked at: a key has 63 characters.
_LONGEST = 200
#: The statuses of answers that say what is left of a quota.
_TOLD = frozenset({202, 422, 429})


class Guard:
    """Pure ASGI: it lets a stream pass as it comes."""

    def __init__(self, app: ASGIApp, keys: KeyCheck | None) -> None:
        """`keys`: None where keys are off: everybody may do everything, and names a tenant by X-Tenant."""
        self._app = app
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        caller = await self._caller(scope)
        if isinstance(caller, Response):
            await caller(scope, receive, send)
            return
        with asking_as(caller):
            await self._app(scope, receive, _telling(caller, send))

    async def _caller(self, scope: Scope) -> Caller | Response:
        """Who asks, or why it may not."""
        if self._keys is None:
            return anybody()
        needed = scopes.scope_of(scope["method"], scope["path"])
        if needed is None:
            return Caller("", frozenset())
        try:
            caller = await self._known(self._keys, Headers(scope=scope).getlist("authorization"))
        except KeyRefused as refused:
            return _unknown(str(refused))
        except LedgerUnavailable as error:
            return problem_response(*refusal_of(error))
        if caller is None:
            return _no_key()
        return caller if caller.may(needed) else _too_narrow(caller, needed)

    async def _known(self, keys: KeyCheck, sent: list[str]) -> Caller | None:
        """The caller by its key; None if it sent none. Raises KeyRefused, LedgerUnavailable."""
        if not sent:
            return None
        kind, _, secret = sent[0].strip().partition(" ")
        secret = secret.strip()
        if len(sent) > 1 or kind.lower() != "bearer" or not secret or len(secret) > _LONGEST:
            raise KeyRefused("it must be one header `Authorization: Bearer mh_…`")
        return keys.known(secret) or await run_in_threadpool(keys.look_up, secret)


def _telling(caller: Caller, send: Send) -> Send:
    """Send with what the request took of its tenant's quota, if that has bounds."""

    async def tell(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] in _TOLD and caller.usage and caller.policy:
            headers = MutableHeaders(scope=message)
            headers["RateLimit-Policy"], headers["RateLimit"] = caller.policy, caller.usage
        await send(message)

    return tell


def _no_key() -> Response:
    faults = ["header Authorization: is missing; send `Authorization: Bearer mh_…`"]
    return problem_response(401, "A key is needed", faults, {"WWW-Authenticate": _REALM})


def _unknown(why: str) -> Response:
    header = f'{_REALM}, error="invalid_token"'
    return problem_response(401, "The key is not valid", [f"header Authorization: {why}"], {"WWW-Authenticate": header})


def _too_narrow(caller: Caller, needed: access.Scope) -> Response:
    header = f'{_REALM}, error="insufficient_scope", scope="{needed}"'
    fault = f"the key {caller.key_id} has not the scope '{needed}', which this needs"
    return problem_response(403, "The key has too narrow a scope", [fault], {"WWW-Authenticate": header})
