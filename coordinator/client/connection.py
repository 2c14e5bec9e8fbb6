"""The connection: sends requests to the API and reads its responses. Knows no goal and no job."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import httpx

from coordinator.client.addresses import certificates, is_loopback, proxy_of
from coordinator.client.errors import ApiError, ApiUnreachable, error_of, refusal, unanswered
from coordinator.client.waits import STEP_S
from coordinator.goals.idempotency import key_fault, tenant_fault
from infra.records import NOBODY, Json

#: How often a request with a key is sent at most.
TRIES = 5
#: The longest pause before it is sent again. It is not sent again if the server says to come back later than that.
PATIENCE_S = 30.0


class Connection:
    def __init__(self, url: str, tenant: str = NOBODY) -> None:
        """A proxy of the environment (HTTP_PROXY, …) is used for other machines, but never for this one.

        Raises ApiError if `tenant` is no valid name, and ApiUnreachable if the proxy or the address cannot be used."""
        if fault := tenant_fault(tenant):
            raise refusal(fault)
        timeout = httpx.Timeout(10.0, read=STEP_S + 30.0)
        self._proxy: str | None = None
        try:
            here = is_loopback(url)
            self._proxy = None if here else proxy_of(url)
            # `trust_env=False` would drop the environment's certificates together with its proxies.
            verify = certificates(url)
            self._http = httpx.Client(
                base_url=url, timeout=timeout, headers={"X-Tenant": tenant}, trust_env=not here, verify=verify
            )
        except (ImportError, ValueError, httpx.InvalidURL) as error:
            about = f"the proxy {self._proxy}" if self._proxy else f"the address {url!r} or the environment's proxy"
            raise ApiUnreachable(f"{about} cannot be used: {error}") from error

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
        return self._respond(method, path, body, headers).json()

    def _respond(
        self, method: str, path: str, body: Json | None = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        try:
            response = self._http.request(method, path, json=body, headers=headers)
        except httpx.TransportError as error:
            by = f" by the proxy {self._proxy}" if self._proxy else ""
            raise unanswered(error, f"nothing answers at {self._http.base_url}{by}") from error
        if not response.is_success:
            raise error_of(response)
        return response

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
