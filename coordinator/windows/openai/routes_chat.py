"""The route of chat completions, in OpenAI's shape."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Request, Response
from fastapi.responses import JSONResponse

from coordinator.api.asked.bodies import StrictRoute
from coordinator.api.asked.headers import Asker, Key, Tenant, asking
from coordinator.api.document.responses import BODY
from coordinator.api.waiting.places import Places
from coordinator.windows.openai.chat_request import ChatRequest
from coordinator.windows.openai.chats import Accepted, Chats
from coordinator.windows.openai.completion import completion, event_stream
from coordinator.windows.openai.document import errors
from coordinator.windows.openai.document_chat import CHATS, CompletionBody, completed


def chat_routes(chats: Chats, places: Places) -> APIRouter:
    routes = APIRouter(prefix="/v1/chat/completions", tags=["openai"], route_class=StrictRoute)

    async def place(tenant: Tenant) -> AsyncIterator[None]:
        with places.taken(True, tenant):
            yield

    def new(
        asked: Annotated[ChatRequest, Body(openapi_examples=CHATS)], tenant: Tenant, key: Key, request: Request
    ) -> Accepted:
        meaning = asked.model_dump(mode="json", exclude_defaults=True)
        return chats.accept(asked, asking(request, tenant, key, lambda: meaning))

    accepted_chat = Depends(new)

    async def ended(asker: Asker, accepted: Accepted = accepted_chat) -> None:
        await chats.wait(accepted, asker)

    @routes.post(
        "",
        summary="Have a specialist answer the last message of the user",
        response_model=CompletionBody,
        responses=errors(*BODY, 404, 429, 503) | completed(),
        dependencies=[Depends(place, scope="function"), Depends(ended)],
    )
    def complete(accepted: Accepted = accepted_chat) -> Response:
        answer, asked = chats.answer(accepted), accepted.asked
        if asked.stream:
            body = event_stream(accepted.run_id, asked, answer)
            return Response(body, media_type="text/event-stream", headers={"Cache-Control": "no-store"})
        return JSONResponse(completion(accepted.run_id, asked, answer))

    return routes
