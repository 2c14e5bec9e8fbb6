"""The page of the HTTP API: every route, from the OpenAPI document of the application. Serves nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from coordinator.api.build import create_api
from docs.generator.markdown import code, page, section, table
from infra.ledger.memory.ledger import MemoryLedger
from infra.settings import Settings
from specialists.catalog import Catalog

Json = dict[str, Any]

INTRODUCTION = """\
The API speaks JSON over HTTP. `/docs` on the API's own address shows the same routes and lets you try them, and
`/openapi.json` is the document that this page was made from. The answer to a refused request is of the type
`application/problem+json`. [Delivery](../delivery.md) says what each status means, when a caller should come back, and
what the API promises to its callers."""

NAMES = "#/components/schemas/"
PATHS = {"run_id": "The goal's id.", "job_id": "The job's id.", "name": "Its name."}


def http_page() -> str:
    openapi = document()
    return page("HTTP API", INTRODUCTION, *_routes(openapi), "## Bodies and values", *_schemas(openapi))


def document() -> Json:
    return create_api(MemoryLedger(), Catalog([]), Settings(_env_file=None)).openapi()


def operations(openapi: Json) -> list[tuple[str, str, Json]]:
    """Method, path and operation of each route."""
    return [(method.upper(), path, said) for path, item in openapi["paths"].items() for method, said in item.items()]


def _routes(openapi: Json) -> Iterator[str]:
    known = operations(openapi)
    for tag in dict.fromkeys(said["tags"][0] for _, _, said in known):
        yield f"## {tag.capitalize()}"
        yield from (_route(*each) for each in known if each[2]["tags"][0] == tag)


def _route(method: str, path: str, said: Json) -> str:
    body = (said.get("requestBody") or {}).get("content", {}).get("application/json")
    status = next(iter(said["responses"]))
    return section(
        f"### {code(f'{method} {path}')}",
        f"{said.get('description') or said['summary']}. The answer is `{status}`.",
        f"The body is {_kind(body['schema'])}." if body else "",
        _needs(said),
        table(["takes", "in", "values", "meaning"], map(_parameter, said.get("parameters", []))),
    )


def _needs(said: Json) -> str:
    scopes = [scope for each in said["security"] for needed in each.values() for scope in needed]
    return f"Where keys are on, the key needs the scope {code(scopes[0])}." if scopes else "It needs no key."


def _parameter(given: Json) -> list[str]:
    needed = ", needed" if given.get("required") else ""
    meaning = given.get("description") or PATHS.get(given["name"], "")
    return [code(given["name"]), given["in"] + needed, _kind(given["schema"]), meaning]


def _schemas(openapi: Json) -> Iterator[str]:
    for name, schema in openapi["components"]["schemas"].items():
        yield f"### {name}"
        yield schema.get("description", "")
        yield _values(schema["enum"]) if "enum" in schema else _fields(schema)


def _fields(schema: Json) -> str:
    needed = schema.get("required", [])
    rows = [
        [code(name), _kind(field), _default(field, name in needed), field.get("description", "")]
        for name, field in schema["properties"].items()
    ]
    return table(["field", "values", "default", "meaning"], rows)


def _default(field: Json, needed: bool) -> str:
    if needed:
        return "needed"
    return code(json.dumps(field["default"])) if "default" in field else ""


def _kind(schema: Json) -> str:
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(NAMES)
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_kind(each) for each in schema["anyOf"] if each.get("type") != "null")
    if "enum" in schema:
        return _values(schema["enum"])
    bounds = [f"{words} {schema[key]:g}" for key, words in BOUNDS.items() if key in schema]
    return " ".join([schema.get("type", "any value"), ", ".join(bounds)]).strip()


BOUNDS = {"exclusiveMinimum": "above", "minimum": "at least", "exclusiveMaximum": "below", "maximum": "at most"}


def _values(values: Iterable[str]) -> str:
    return ", ".join(map(code, values))
