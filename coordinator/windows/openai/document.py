"""OpenAI's bodies, and the statuses of its routes, for the OpenAPI document alone. Checks nothing."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from coordinator.api.document.responses import RATE_LIMIT, RETRY_AFTER, header
from coordinator.api.document.shape import Described, Shape
from coordinator.windows.openai.document_chat import with_streams
from coordinator.windows.openai.error_shape import REQUEST_ID
from coordinator.windows.openai.errors import is_openais
from infra.records import Json


class OpenAIError(Shape):
    """Why a request was not done."""

    message: str
    """All faults, and what to do."""
    type: str
    param: str | None
    """The parameter that has the first fault."""
    code: str | None


class OpenAIErrorBody(Shape):
    """The body of a refusal, as OpenAI's clients read it."""

    error: OpenAIError


class OpenAIModel(Shape):
    """A model that a chat may name."""

    id: str
    object: Literal["model"]
    created: int
    """Unix time in seconds since which the process that answers has run."""
    owned_by: str


class OpenAIModels(Shape):
    """All models."""

    object: Literal["list"]
    data: list[OpenAIModel]


ModelBody = Annotated[Json, Described(OpenAIModel)]
ModelsBody = Annotated[Json, Described(OpenAIModels)]
ErrorBody = Annotated[Json, Described(OpenAIErrorBody)]

_SHOULD_RETRY = {"x-should-retry": header("`false`: sending the request again would give the same answer.")}
_HEADERS = {
    400: RATE_LIMIT | _SHOULD_RETRY,
    429: RETRY_AFTER | RATE_LIMIT,
    500: _SHOULD_RETRY,
    501: _SHOULD_RETRY,
    503: RETRY_AFTER | _SHOULD_RETRY,
}
_MEANINGS = {
    400: "The request is not valid, or asks for what cannot be done; the message names all faults.",
    404: "There is no such model.",
    413: "The body is too large.",
    415: "The body does not say that it is JSON.",
    429: "Too many jobs of the tenant wait, or its quota is used up.",
    500: "The job or goal failed, or the server has a fault.",
    501: "This deployment does not do that; the message says what does.",
    503: "The ledger does not answer, too many requests wait, or the answer did not come in time.",
}
_REQUEST_ID = {REQUEST_ID: header("A name of this request, for questions about it.", required=True)}


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The refusals that a route sends: those of `statuses`, and the two that every route may send, 400 and 500."""
    # FastAPI describes 422 in its own way where a route does not; `in_openais_shape` takes it away.
    said: dict[int | str, dict[str, Any]] = {422: {"model": OpenAIErrorBody}}
    return said | {each: _error(each) for each in sorted({*statuses, 400, 500})}


def _error(status: int) -> dict[str, Any]:
    headers = _HEADERS.get(status)
    described = {"model": OpenAIErrorBody, "description": _MEANINGS[status]}
    return described | ({"headers": headers} if headers else {})


def in_openais_shape(document: Json) -> Json:
    """The document, in which all answers of OpenAI's paths are described as `ErrorShape` sends them."""
    body = {"application/json": {"schema": {"$ref": f"#/components/schemas/{OpenAIErrorBody.__name__}"}}}
    for path in filter(is_openais, document["paths"]):
        for operation in document["paths"][path].values():
            operation["responses"].pop("422", None)
            for status, response in operation["responses"].items():
                response["headers"] = _REQUEST_ID | response.get("headers", {})
                if int(status) >= 400:
                    response["content"] = body
    return with_streams(document)
