"""The API's answers held against its OpenAPI document: status, media type, headers and body."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import takewhile
from typing import Any

import httpx2  # what starlette's TestClient answers with
from jsonschema import Draft202012Validator
from starlette.testclient import TestClient

Json = dict[str, Any]
Operation = tuple[str, str]  #: method, and path as the document has it

#: Headers of every answer, which say nothing of the API.
COMMON = {"content-type", "content-length"}
DONE = "[DONE]"  #: the end of a stream in OpenAI's shape, which is no JSON
OBJECT_ID = {"run_id": "0" * 32, "job_id": "0" * 32 + ".s1.0", "name": "nothing"}


class Wire:
    """Sends requests, and asserts that each answer is as the document says."""

    def __init__(self, api: TestClient) -> None:
        self.api = api
        self.document: Json = api.get("/openapi.json").json()
        self.seen: set[tuple[str, str, int]] = set()

    def operations(self, status: int | None = None) -> Iterator[tuple[Operation, Json]]:
        """Those that may answer with `status`."""
        for path, methods in self.document["paths"].items():
            for method, operation in methods.items():
                if status is None or str(status) in operation["responses"]:
                    yield (method, path), operation

    def documented(self) -> set[tuple[str, str, int]]:
        return {(*name, int(status)) for name, operation in self.operations() for status in operation["responses"]}

    def send(
        self,
        method: str,
        path: str,
        status: int,
        *,
        api: TestClient | None = None,
        names: Json | None = None,
        **rest: Any,
    ) -> httpx2.Response:
        """`names`: those in the path. `rest`: as httpx takes it."""
        response: httpx2.Response = (api or self.api).request(method, path.format(**names or {}), **rest)
        assert response.status_code == status, (method, path, response.status_code, response.text[:2000])
        described = self.document["paths"][path][method]["responses"][str(status)]
        faults = self.faults(response, described)
        assert faults == [], (method, path, status, faults)
        self.seen.add((method, path, status))
        return response

    def get(self, path: str, **names: str) -> Any:
        return self.send("get", path, 200, names=names).json()

    def faults(self, response: httpx2.Response, described: Json) -> list[str]:
        media, schema = self._media(response, described)
        if schema is None:
            return [f"{media} is not described"]
        found = [*_header_faults(response.headers, described.get("headers", {}))]
        if media == "text/event-stream":
            return found + self.body_faults(list(events_of(response.text)), schema["contentSchema"])
        return found + self.body_faults(response.json(), schema)

    def body_faults(self, body: Any, schema: Json) -> list[str]:
        validator = Draft202012Validator({**schema, "components": self.document["components"]})
        return [f"{error.json_path}: {error.message[:300]}" for error in validator.iter_errors(body)]

    def example(self, operation: Json) -> Json:
        """A request that reads: the first example of its body, if it has one, and the query that it must have."""
        body = operation.get("requestBody")
        if body is None:
            return {}
        examples = body["content"]["application/json"]["examples"]
        return {"json": next(iter(examples.values()))["value"]}

    @staticmethod
    def _media(response: httpx2.Response, described: Json) -> tuple[str, Json | None]:
        media = response.headers["content-type"].partition(";")[0]
        return media, described["content"].get(media, {}).get("schema")


def _header_faults(sent: httpx2.Headers, described: Json) -> Iterator[str]:
    known = {name.lower(): header for name, header in described.items()}
    yield from (f"header {name} is not described" for name in sent if name not in known.keys() | COMMON)
    yield from (f"header {name} is missing" for name, each in known.items() if each["required"] and name not in sent)
    for name in known.keys() & sent.keys():
        if known[name]["schema"]["type"] == "integer" and not sent[name].isdecimal():
            yield f"header {name} is no integer: {sent[name]}"


def events_of(text: str) -> Iterator[Json]:
    """The events of a stream, without its comments."""
    lines = iter(text.splitlines())
    while block := list(takewhile(bool, lines)):
        fields = dict(line.split(": ", 1) for line in block)
        if "" not in fields:
            yield fields | {"data": fields["data"] if fields["data"] == DONE else json.loads(fields["data"])}
