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
from urllib.parse import unquote

from infra.json_values import DEEPEST
from specialists.schema_bounds import OF_ANSWERS, OF_INPUTS, missing
from specialists.schema_dependencies import with_members
from specialists.schema_merge import MergeError, NothingError, apart, exclude_each_other, merged
from specialists.schema_possible import possible
from specialists.schema_words import ANNOTATIONS, in_our_words, says_nothing, settle_unevaluated
from specialists.schemas import Json, draft_fault

_TOLD = ("$schema", "title", "description", "default")
MOST_SCHEMAS = 5_000  #: written out: a few references to each other can stand for more than a machine holds


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
    levels = (OF_ANSWERS if decoded else OF_INPUTS).levels if bounds else 0
    while True:
        found = Dialect(None)
        reader = _Reader(written, bounds, decoded, levels, found)
        found.schema = _object(reader.read(written, where, ("#",) if bounds else (), 0), bounds)
        if not (reader.is_too_large and levels):
            break
        levels -= 1
    if found.schema is False and reader.nothing:
        found.faults.append(reader.nothing)
    found.faults = list(dict.fromkeys(found.faults))
    return found


def _object(schema: Any, bounds: bool) -> Any:
    """At the top, of its values the objects alone, where the folder asks for bounds: no other is an input or output."""
    if not bounds or not isinstance(schema, dict):
        return schema
    if isinstance(schema.get("type"), list) and "object" in schema["type"]:
        return {**schema, "type": "object"}
    members = [each for each in schema.get("anyOf", []) if isinstance(each, dict) and each.get("type") == "object"]
    return {"type": "object", **schema, "anyOf": members} if members and "type" not in schema else schema


class _Reader:
    def __init__(self, root: Any, bounds: bool, decoded: bool, levels: int, found: Dialect) -> None:
        self._root = root
        self._bounds = (OF_ANSWERS if decoded else OF_INPUTS) if bounds else None
        self._decoded = decoded
        self._levels = levels  #: how often a reference may stand within what it stands for
        self._found = found
        self._read = 0
        self._named: dict[str, str | None] = {}  #: what is wrong with what each reference names
        self.nothing: str | None = None  #: why the first schema that no value keeps is kept by none

    @property
    def is_too_large(self) -> bool:
        return self._read > MOST_SCHEMAS

    def read(self, schema: Any, where: str, refs: tuple[str, ...], deep: int) -> Any:
        """`refs`: those that are being written out here. False: no value keeps it, and it may be left out."""
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
        schema = self._said(schema, where)
        try:
            flat, refs = self._flat(schema, where, refs)
        except NothingError as error:
            return self._left_out(where, str(error))
        except MergeError as error:
            self._fault(where, str(error))
            return {}
        plain = in_our_words(flat, self._decoded, closes=self._bounds is not None and self._decoded)
        if self._bounds:
            plain = _with_required(plain)
        if self._decoded:
            plain = with_members(plain, closes=self._bounds is not None)
        if self._bounds and self._decoded:
            plain = _distributed(plain)
        read = self._children(plain, where, refs, deep)
        found: Json | bool = possible(read) if self._bounds else read
        if isinstance(found, bool):
            self.nothing = self.nothing or f"{where}: no value keeps it: it asks for what it does not allow"
            return False
        read = self._one_of(found, where)
        return self._bounded(read, where) if self._bounds else read

    def _said(self, schema: Json, where: str) -> Json:
        strange = [key for key in schema if says_nothing(key)] if self._bounds else []
        if strange:
            self._found.notices.append(f"{where}: left out: {', '.join(map(repr, strange))}: no JSON Schema knows it")
        return {key: value for key, value in schema.items() if key not in strange}

    def _fault(self, where: str, fault: str) -> None:
        self._found.faults.append(f"{where}: {fault}")

    def _left_out(self, where: str, why: str) -> Any:
        if not self._bounds:
            self._fault(where, why)
            return {}
        self.nothing = self.nothing or f"{where}: {why}"
        self._found.notices.append(f"{where}: left out: {why}")
        return False

    def _flat(self, schema: Json, where: str, refs: tuple[str, ...]) -> tuple[Json, tuple[str, ...]]:
        """Without a reference and `allOf` at its top. Raises MergeError."""
        if not schema.keys() & {"$ref", "allOf", "propertyNames"}:
            return schema, refs
        flat = {key: value for key, value in schema.items() if key not in ("$ref", "allOf", *ANNOTATIONS)}
        met = refs
        if isinstance(names := flat.get("propertyNames"), dict):
            flat["propertyNames"] = self._flat(names, where, refs)[0]
        for part, within in self._parts(schema, refs):
            if part is True:
                continue
            if not isinstance(part, dict):
                raise NothingError(f"'allOf' or '$ref': {part!r} is no schema of its own")
            flat_part, seen = self._flat(self._said(part, where), where, within)
            met = (*met, *seen[len(refs) :])
            flat_part = {key: value for key, value in flat_part.items() if key not in ANNOTATIONS}
            settle_unevaluated(flat_part)
            flat = merged(flat, flat_part)
        return flat, met

    def _parts(self, schema: Json, refs: tuple[str, ...]) -> Iterator[tuple[Any, tuple[str, ...]]]:
        """What `$ref` and `allOf` stand for, each with the references that it is written out of."""
        if "$ref" in schema:
            ref = schema["$ref"]
            target = self._target(ref)
            if refs.count(ref) > self._levels:
                raise NothingError(
                    f"'$ref': {ref!r} refers to itself, so that no value is bounded; write its levels out"
                )
            yield target, (*refs, ref)
        for part in schema.get("allOf", []):
            yield part, refs

    def _target(self, ref: Any) -> Any:
        whole = self._root.get("$id", self._root.get("id")) if isinstance(self._root, dict) else None
        inner = ref.removeprefix(whole.removesuffix("#")) if isinstance(ref, str) and isinstance(whole, str) else ref
        inner = "#" if inner == "" and ref else inner
        if not isinstance(inner, str) or not inner.startswith("#"):
            raise MergeError(f"'$ref': {ref!r} is in another file; copy what it says into '$defs'")
        target = self._root
        if inner != "#" and not inner.startswith("#/"):
            target = _anchored(self._root, inner)
        for part in inner.split("/")[1:]:
            target = _step(target, unquote(part).replace("~1", "/").replace("~0", "~"))
        if not isinstance(target, dict | bool):
            raise MergeError(f"'$ref': {ref!r} is not in this file")
        if ref not in self._named:
            self._named[ref] = draft_fault(target)
        if fault := self._named[ref]:
            raise MergeError(f"'$ref': {ref!r} is not a JSON Schema: {fault}")
        return target

    def _children(self, schema: Json, where: str, refs: tuple[str, ...], deep: int) -> Json:
        read = dict(schema)
        if isinstance(schema.get("properties"), dict):
            read["properties"] = {name: self.read(each, f"{where}.{name}", refs, deep + 1)
                                  for name, each in schema["properties"].items()}  # fmt: skip
        if isinstance(schema.get("patternProperties"), dict):
            read["patternProperties"] = {name: self.read(each, f"{where}.*", refs, deep + 1)
                                         for name, each in schema["patternProperties"].items()}  # fmt: skip
        for key, place in (("items", "items"), ("additionalProperties", "*")):
            if isinstance(schema.get(key), dict):
                read[key] = self.read(schema[key], f"{where}.{place}", refs, deep + 1)
        for key in ("anyOf", "oneOf", "prefixItems"):
            if isinstance(schema.get(key), list):
                read[key] = [self.read(each, f"{where}.{key}", refs, deep + 1) for each in schema[key]]
        return read

    def _one_of(self, schema: Json, where: str) -> Json:
        members = schema.get("oneOf")
        if not isinstance(members, list) or "anyOf" in schema:
            return schema
        several: list[Json] | None = [each for each in members if isinstance(each, dict)]
        if several is None or len(several) != len(members) or {} in several:
            return schema
        if not all(exclude_each_other(one, other) for one, other in combinations(several, 2)):
            several = _parted(several) if self._bounds and self._decoded else None
            if several is None:
                return schema
            self._found.notices.append(f"{where}: 'oneOf' is held by leaving out what several of its members allow")
        rest = {key: value for key, value in schema.items() if key != "oneOf"}
        return {**rest, "anyOf": several}

    def _bounded(self, schema: Json, where: str) -> Json:
        assert self._bounds
        added = dict(missing(schema, self._bounds, self._decoded))
        if not added:
            return schema
        told = ", ".join(f"{key} {_told(value)}" for key, value in added.items())
        self._found.notices.append(f"{where}: by default {told}")
        return {**schema, **added}


def _parted(members: list[Json]) -> list[Json] | None:
    """Members of which no two hold the same value, each without what others of them as they were allow."""
    parted = []
    for one in members:
        narrow: Json | None = one
        for other in members:
            if other is not one and narrow is not None and not exclude_each_other(narrow, other):
                narrow = apart(narrow, other)
        if narrow is None:
            return None
        parted.append(narrow)
    return parted


def _step(target: Any, name: str) -> Any:
    if isinstance(target, list) and name.isdecimal() and int(name) < len(target):
        return target[int(name)]
    return target.get(name) if isinstance(target, dict) else None


def _anchored(root: Any, ref: str) -> Any:
    """What is called `ref` by its `$anchor`, or by its `$id` as drafts before 2019-09 have it."""
    left = [root]
    while left:
        each = left.pop()
        if isinstance(each, dict):
            if ref in (each.get("$id"), each.get("id")) or each.get("$anchor") == ref[1:]:
                return each
            left += each.values()
        elif isinstance(each, list):
            left += each
    return None


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


def _with_required(schema: Json) -> Json:
    """With a property for each name that is required and not among the properties, of what is said of other names."""
    named, others = schema.get("properties", {}), schema.get("additionalProperties", True)
    lacking = [name for name in schema.get("required", []) if name not in named]
    if others is False or not lacking or "anyOf" in schema or "oneOf" in schema or "patternProperties" in schema:
        return schema
    return {**schema, "properties": {**named, **dict.fromkeys(lacking, others)}}


def _told(value: Any) -> str:
    if isinstance(value, dict | list):
        return "bounded" if value else "none"
    return str(value).lower() if isinstance(value, bool) else str(value)
