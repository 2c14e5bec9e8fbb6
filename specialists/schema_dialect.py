"""The dialect: a JSON Schema as people write it, taken over into the closed, bounded one that engines use.

References are written out, `allOf` is merged, `oneOf` becomes `anyOf` where its members exclude each other, annotations
are left out, and bounds that are missing are added where the folder asks for it. What cannot be taken over stays as it
is, to be refused by name. A schema that is in the dialect already comes out as it went in. Knows no folder.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from infra.json_values import DEEPEST
from specialists.schema_merge import MergeError, exclude_each_other, merged
from specialists.schemas import Json, kinds_of

#: Formats of strings that the grammar holds; to JSON Schema every other is an annotation.
HELD_FORMATS = frozenset(["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid", "uri"])
#: They say nothing of a value.
_ANNOTATIONS = frozenset(
    (
        *("$id", "id", "$comment", "$anchor", "$defs", "definitions", "examples", "example", "deprecated", "readOnly"),
        *("writeOnly", "contentMediaType", "contentEncoding", "externalDocs", "xml", "discriminator"),
        *("markdownDescription", "enumDescriptions", "markdownEnumDescriptions", "defaultSnippets", "errorMessage"),
        *("deprecationMessage", "tsType"),
    )
)
_TOLD = ("$schema", "title", "description", "default")
_ANY_NAME = ("", ".*", "^.*$", ".+", "^.+$", "^")  #: patterns of a map whose names may be anything
MOST_SCHEMAS = 5_000  #: written out: a few references to each other can stand for more than a machine holds
_WHOLE = 2**53 - 1  #: beyond it, not every reader of JSON keeps a whole number
_NUMBER = 10**15


@dataclass(frozen=True)
class _Bounds:
    characters: int
    items: int
    names: int


_OF_ANSWERS = _Bounds(characters=200, items=16, names=16)
_OF_INPUTS = _Bounds(characters=100_000, items=10_000, names=10_000)


@dataclass
class Dialect:
    """What came of a schema."""

    schema: Any
    faults: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)  #: what a reader of the schema would not expect


def taken_over(written: Any, where: str, bounds: bool, decoded: bool) -> Dialect:
    """`written`, a JSON Schema of some draft, in the dialect.

    `bounds`: those that are missing are added. `decoded`: a model writes its values, held by a grammar.
    """
    found = Dialect(None)
    found.schema = _Reader(written, bounds, decoded, found).read(written, where, (), 0)
    found.faults = list(dict.fromkeys(found.faults))
    return found


class _Reader:
    def __init__(self, root: Any, bounds: bool, decoded: bool, found: Dialect) -> None:
        self._root = root
        self._bounds = (_OF_ANSWERS if decoded else _OF_INPUTS) if bounds else None
        self._decoded = decoded
        self._found = found
        self._read = 0

    def read(self, schema: Any, where: str, refs: tuple[str, ...], deep: int) -> Any:
        """`refs`: those that are being written out here; to meet one of them again is to never end."""
        if schema is True and self._bounds:
            schema = {}
        if not isinstance(schema, dict):
            return schema
        self._read += 1
        if self._read > MOST_SCHEMAS or deep > DEEPEST:
            if self._read <= MOST_SCHEMAS + 1:
                self._fault(where, f"its references, written out, are more than {MOST_SCHEMAS} schemas or "
                            f"{DEEPEST} levels; use fewer")  # fmt: skip
            self._read = MOST_SCHEMAS + 1
            return {}
        try:
            flat, refs = self._flat(schema, where, refs)
        except MergeError as error:
            self._fault(where, str(error))
            return {}
        plain = self._plain(flat)
        if isinstance(plain.get("items"), list):
            self._fault(
                where, "'items' is a list of schemas, which cannot be held; use an object with named properties"
            )
            return {}
        if self._bounds and self._decoded:
            plain = _distributed(plain)
        read = self._one_of(self._children(plain, where, refs, deep))
        return self._bounded(read, where) if self._bounds else read

    def _fault(self, where: str, fault: str) -> None:
        self._found.faults.append(f"{where}: {fault}")

    def _flat(self, schema: Json, where: str, refs: tuple[str, ...]) -> tuple[Json, tuple[str, ...]]:
        """Without a reference and `allOf` at its top. Raises MergeError."""
        if "$ref" not in schema and "allOf" not in schema:
            return schema, refs
        flat: Json = {key: value for key, value in schema.items() if key not in ("$ref", "allOf")}
        met = refs
        for part, within in self._parts(schema, refs):
            if not isinstance(part, dict):
                raise MergeError(f"'allOf' or '$ref': {part!r} is no schema of its own")
            flat_part, seen = self._flat(part, where, within)
            met = tuple(dict.fromkeys([*met, *seen]))
            flat = merged(flat, flat_part)
        return flat, met

    def _parts(self, schema: Json, refs: tuple[str, ...]) -> Iterator[tuple[Any, tuple[str, ...]]]:
        """What `$ref` and `allOf` stand for, each with the references that it is written out of."""
        if "$ref" in schema:
            ref = schema["$ref"]
            if ref in refs:
                raise MergeError(f"'$ref': {ref!r} refers to itself, so that no value is bounded; write its levels out")
            yield self._target(ref), (*refs, ref)
        for part in schema.get("allOf", []):
            yield part, refs

    def _target(self, ref: Any) -> Any:
        if not isinstance(ref, str) or not ref.startswith("#"):
            raise MergeError(f"'$ref': {ref!r} is in another file; copy what it says into '$defs'")
        target = self._root
        for part in ref.removeprefix("#").split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~").replace("%25", "%").replace("%24", "$")
            target = target.get(name) if isinstance(target, dict) else None
        if not isinstance(target, dict) or (ref != "#" and not ref.startswith("#/")):
            raise MergeError(f"'$ref': {ref!r} is not in this file")
        return target

    def _plain(self, schema: Json) -> Json:
        """Without annotations, and with what other drafts and OpenAPI write in the words of draft 2020-12."""
        plain = {key: value for key, value in schema.items() if key not in _ANNOTATIONS and not _is_vendors(key)}
        if plain.pop("nullable", False) is True:
            _or_null(plain)
        for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
            if isinstance(plain.get(exclusive), bool) and plain.pop(exclusive) and bound in plain:
                plain[exclusive] = plain.pop(bound)
        if "format" in plain and not (self._decoded and plain["format"] in HELD_FORMATS):
            del plain["format"]
        if not isinstance(plain.get("items"), list):
            plain.pop("additionalItems", None)  # it is of what follows such a list
        if plain.get("uniqueItems") is False:
            del plain["uniqueItems"]
        names = plain.get("patternProperties")
        if names == {}:
            del plain["patternProperties"]
        elif isinstance(names, dict) and set(names) <= set(_ANY_NAME) and len(names) == 1 and "properties" not in plain:
            plain["additionalProperties"] = next(iter(plain.pop("patternProperties").values()))
        return plain

    def _children(self, schema: Json, where: str, refs: tuple[str, ...], deep: int) -> Json:
        read = dict(schema)
        if isinstance(schema.get("properties"), dict):
            read["properties"] = {name: self.read(each, f"{where}.{name}", refs, deep + 1)
                                  for name, each in schema["properties"].items()}  # fmt: skip
        for key, place in (("items", "items"), ("additionalProperties", "*")):
            if isinstance(schema.get(key), dict):
                read[key] = self.read(schema[key], f"{where}.{place}", refs, deep + 1)
        for key in ("anyOf", "oneOf"):
            if isinstance(schema.get(key), list):
                read[key] = [self.read(each, f"{where}.{key}", refs, deep + 1) for each in schema[key]]
        return read

    def _one_of(self, schema: Json) -> Json:
        members = schema.get("oneOf")
        if not isinstance(members, list) or "anyOf" in schema:
            return schema
        several = [each for each in members if isinstance(each, dict)]
        if len(several) != len(members) or not all(map(exclude_each_other, *_pairs(several))) or {} in several:
            return schema
        rest = {key: value for key, value in schema.items() if key != "oneOf"}
        return {**rest, "anyOf": members}

    def _bounded(self, schema: Json, where: str) -> Json:
        assert self._bounds
        added = dict(_missing(schema, self._bounds, self._decoded))
        if not added:
            return schema
        told = ", ".join(f"{key} {_told(value)}" for key, value in added.items())
        self._found.notices.append(f"{where}: by default {told}")
        return {**schema, **added}


def _distributed(schema: Json) -> Json:
    """With what stands beside `anyOf` or `oneOf` put into each member: each is bounded by itself."""
    for key in ("anyOf", "oneOf"):
        if isinstance(schema.get(key), list):
            rest = {name: value for name, value in schema.items() if name not in (key, *_TOLD)}
            kept = {name: value for name, value in schema.items() if name in _TOLD}
            if rest:
                kind = {"type": "object"} if schema.get("type") == "object" else {}
                return {**kept, **kind, key: [{"allOf": [rest, member]} for member in schema[key]]}
    return schema


def _missing(schema: Json, bounds: _Bounds, decoded: bool) -> Iterator[tuple[str, Any]]:
    """The bounds that a schema lacks, and its type where it says one without naming it."""
    if "enum" in schema or "const" in schema:
        return
    if ("anyOf" in schema or "oneOf" in schema) and (decoded or "type" not in schema):
        return  # each of its members has its own
    kinds = kinds_of(schema)
    if not kinds and (kind := _implied(schema)):
        kinds = [kind]
        yield "type", kind
    if not kinds and decoded:
        text = {"type": "string", "maxLength": bounds.characters}
        number = {"type": "number", "minimum": -_NUMBER, "maximum": _NUMBER}
        yield "anyOf", [text, number, {"type": "boolean"}, {"type": "null"}]
    if "string" in kinds and "maxLength" not in schema:
        yield "maxLength", max(bounds.characters, int(schema.get("minLength", 0)))
    if "array" in kinds:
        if "maxItems" not in schema:
            yield "maxItems", max(bounds.items, int(schema.get("minItems", 0)))
        if decoded and schema.get("items", True) is True:
            yield "items", dict(_missing({}, bounds, decoded))
    if "object" in kinds:
        yield from _missing_names(schema, bounds, decoded)
    if decoded:
        yield from _missing_numbers(schema, kinds)


def _missing_names(schema: Json, bounds: _Bounds, decoded: bool) -> Iterator[tuple[str, Any]]:
    others = schema.get("additionalProperties", True)
    if others is True and schema.get("properties"):
        yield "additionalProperties", False
    elif others is True:
        yield "additionalProperties", dict(_missing({}, bounds, decoded))
    if others is not False and not (others is True and schema.get("properties")) and "maxProperties" not in schema:
        yield "maxProperties", max(bounds.names, int(schema.get("minProperties", 0)))


def _missing_numbers(schema: Json, kinds: list[str]) -> Iterator[tuple[str, Any]]:
    if "integer" not in kinds and "number" not in kinds:
        return
    most = _NUMBER if "number" in kinds else _WHOLE
    if "minimum" not in schema and "exclusiveMinimum" not in schema:
        yield "minimum", min(-most, schema.get("maximum", 0), schema.get("exclusiveMaximum", 0) - 1)
    if "maximum" not in schema and "exclusiveMaximum" not in schema:
        yield "maximum", max(most, schema.get("minimum", 0), schema.get("exclusiveMinimum", 0) + 1)


def _implied(schema: Json) -> str | None:
    for kind, keys in (
        ("object", ("properties", "required", "additionalProperties", "maxProperties", "minProperties")),
        ("array", ("items", "maxItems", "minItems", "uniqueItems")),
        ("string", ("pattern", "maxLength", "minLength", "format")),
        ("number", ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")),
    ):
        if any(key in schema for key in keys):
            return kind
    return None


def _told(value: Any) -> str:
    return (
        "bounded" if isinstance(value, dict | list) else str(value).lower() if isinstance(value, bool) else str(value)
    )


def _pairs(members: list[Json]) -> tuple[list[Json], list[Json]]:
    pairs = list(combinations(members, 2))
    return [one for one, _ in pairs], [other for _, other in pairs]


def _or_null(schema: Json) -> None:
    """As OpenAPI's `nullable` says: of a type that is named; an enum has to name null itself."""
    if "type" in schema:
        kinds = kinds_of(schema)
        schema["type"] = [*kinds, *(["null"] if "null" not in kinds else [])]
    else:
        for key in ("anyOf", "oneOf"):
            if isinstance(schema.get(key), list):
                schema[key] = [*schema[key], {"type": "null"}]


def _is_vendors(key: str) -> bool:
    return key.startswith("x-") and key != "x-span-of"
