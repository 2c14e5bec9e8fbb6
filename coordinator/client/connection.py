"""The connection: sends requests to the API and reads its responses. Knows no goal and no job."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import httpx

from coordinator.client.errors import ApiError, ApiUnreachable, error_of, json_of, refusal, unanswered
from coordinator.client.link import link_to
from coordinator.goals.idempotency import key_fault, tenant_fault
from infra.records import Json

#: How often a request with a key is sent at most.
TRIES = 5
#: The longest pause before it is sent again. It is not sent again if the server says to come back later than that.
PATIENCE_S = 30.0


class Connection:
    def __init__(self, url: str, tenant: str | None = None, api_key: str | None = None) -> None:
        """A proxy of the environment (HTTP_PROXY, …) is used for other machines, but never for this one.

        `tenant`: without it, the tenant is that of the key. `api_key`: as `manyhands keys create` has printed it.
        Raises ApiError if `tenant` or `api_key` cannot be one, and ApiUnreachable if the proxy or the address cannot be
        used."""
        if tenant is not None and (fault := tenant_fault(tenant)):
            raise refusal(fault)
        headers = {} if tenant is None else {"X-Tenant": tenant}
        if api_key is not None:
            headers["Authorization"] = f"Bearer {_sound(api_key)}"
        self._link = link_to(url, headers)
        self._http = self._link.http

    def _send(self, path: str, body: Json, key: str | None, wait_s: float | None = None) -> Json:
        """Send a request until it gets through, `TRIES` times at most. Its key makes sure that it is done only once."""
        key = str(uuid.uuid4()) if key is None else key
        if fault := key_fault(key):
            raise refusal(fault)
        headers, tries, waits = {"Idempotency-Key": key}, 0, "" if wait_s is None else f"?wait={wait_s}"
        while True:
            tries += 1
            try:
                return self._ask_one("POST", f"{path}{waits}", body, headers)
            except (ApiError, ApiUnreachable) as error:
                if error.location:
                    return self._ask_one("GET", f"{error.location}{waits}")
                if tries == TRIES or error.retry_after_s is None or error.retry_after_s > PATIENCE_S:
                    raise
                time.sleep(error.retry_after_s)

    def _ask_one(
        self, method: str, path: str, body: Json | None = None, headers: Mapping[str, str] | None = None
    ) -> Json:
        one: Json = self._ask(method, path, body, headers)
        return one

    def _ask(self, method: str, path: str, body: Json | None = None, headers: Mapping[str, str] | None = None) -> Any:
        return json_of(self._respond(method, path, body, headers), self._link.where)

    def _respond(
        self, method: str, path: str, body: Json | None = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        try:
            response = self._http.request(method, path, json=body, headers=headers)
        except httpx.RequestError as error:
            raise unanswered(error, f"nothing answers at {self._link.where}") from error
        if not response.is_success:
            raise error_of(response, self._link.where)
        return response

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _sound(api_key: str) -> str:
    """The key, if it can be sent. An error of a library that cannot send it would quote it. Raises ApiError."""
    if not (api_key.isascii() and api_key.isprintable() and " " not in api_key and api_key):
        raise refusal("the API key is no key: it must be one word, as `manyhands keys create` has printed it")
    return api_key
