"""The bodies of requests: they are bounded while they are read, and are strict JSON. Knows nothing of what they ask."""

from __future__ import annotations

import math
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from coordinator.api.answers.notices import notices, warning
from coordinator.api.answers.problems import Problem
from infra.json_lines import NotJson, parsed

#: Deeper values would exhaust the stack of whoever walks them; no plan or input of ours is near.
MAX_DEPTH = 64


class StrictRequest(Request):
    """A request that raises Problem if its body is too large, no JSON, or JSON that others would read otherwise."""

    notices: Sequence[str] = ()  #: of the body, once it was read

    async def body(self) -> bytes:
        if not hasattr(self, "_body"):
            limit, chunks, size = self.app.state.body_bytes, [], 0
            async for chunk in self.stream():
                size += len(chunk)
                if size > limit:
                    raise Problem(413, "The body is too large", [f"body: more than {limit} bytes"])
                chunks.append(chunk)
            self._body = b"".join(chunks)
            self._check_type()
        return self._body

    def _check_type(self) -> None:
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if self._body and kind != "application/json" and not kind.endswith("+json"):
            said = f"is {kind[:80]!r}" if kind else "is missing"
            raise Problem(415, "The body must be JSON", [f"header Content-Type: {said}; send application/json"])

    async def json(self) -> Any:
        value = body_value(await self.body())
        self.notices = notices(value)
        return value


class StrictRoute(APIRoute):
    """A route that refuses unknown query parameters, because a typo in a filter would widen the request."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        inner, known = super().get_route_handler(), sorted(_query_names(self.dependant))

        async def strict(request: Request) -> Response:
            if faults := [_unknown(name, known) for name in request.query_params if name not in known]:
                raise Problem(422, "The request is not valid", faults)
            asked = StrictRequest(request.scope, request.receive)
            response = await inner(asked)
            if asked.notices:
                response.headers["Warning"] = warning(asked.notices)
            return response

        return strict


def _query_names(asks: Dependant) -> set[str]:
    names = {field.alias for field in asks.query_params}
    return names.union(*map(_query_names, asks.dependencies))


def _unknown(name: str, known: list[str]) -> str:
    return f"query.{name[:64]}: is not known here; " + (f"known: {', '.join(known)}" if known else "leave it out")


def body_value(body: bytes) -> Any:
    """The value of a body in UTF-8. Raises Problem (400)."""
    try:
        value = parsed(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Problem(400, "The body is not UTF-8", [f"body: byte {error.start} is not UTF-8"]) from None
    except NotJson as error:
        raise Problem(400, "The body is not JSON", [f"body: {error}"]) from None
    if faults := value_faults(value, "body"):
        raise Problem(400, "The body has values that are not allowed", faults)
    return value


def value_faults(value: Any, where: str) -> list[str]:
    """The first faults of a value that JSON could write, but that we do not take."""
    return _faults(value, where, 0)[:20]


def _faults(value: Any, where: str, depth: int) -> list[str]:
    if depth > MAX_DEPTH:
        return [f"{where[:80]}…: more than {MAX_DEPTH} levels"]
    if isinstance(value, str):
        return _text_faults(value, where)
    if isinstance(value, float) and not math.isfinite(value):
        return [f"{where}: the number is too large"]
    if isinstance(value, dict):
        names = [fault for name in value for fault in _text_faults(name, f"{where}: a name in it")]
        return names + [f for name, child in value.items() for f in _faults(child, f"{where}.{name[:64]}", depth + 1)]
    if isinstance(value, list):
        return [f for number, child in enumerate(value) for f in _faults(child, f"{where}.{number}", depth + 1)]
    return []


def _text_faults(text: str, where: str) -> list[str]:
    if "\0" in text:
        return [f"{where}: a NUL character"]
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return [f"{where}: half a surrogate pair at character {error.start}"]
    return []
