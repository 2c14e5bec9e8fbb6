"""JSON Schemas: which ones a job type may have, and checking values against them. Knows nothing of models."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache, reduce
from typing import Any

from jsonschema import Draft4Validator, Draft7Validator, Draft202012Validator, FormatChecker
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.validators import extend, validator_for

from specialists.patterns import found, pattern_fault

Json = dict[str, Any]

#: A string with this keyword must be a verbatim part of the named input field.
SPAN_OF = "x-span-of"
#: A string with this keyword must be words of the named input field, each run of blanks and line breaks as one space.
WORDS_OF = "x-words-of"
#: Those of strings that are parts of the input.
PARTS = (SPAN_OF, WORDS_OF)
#: A string with this keyword must be the text of the named input field with marks in place of parts of it.
MASK_OF = "x-mask-of"
MASK_WITH = "x-mask-with"  #: the mark, if it is another than usual
#: Those of strings that are copied out of the input. A string has one of them at most.
COPIES = (*PARTS, MASK_OF)
#: The keywords that no draft of JSON Schema has.
OWN = frozenset((*COPIES, MASK_WITH))
#: A keyword outside this set is refused at load: an engine that ignored it would accept what the schema forbids.
KEYWORDS = frozenset(
    (
        *("$schema", "title", "description", "type", "properties", "required", "additionalProperties", "items", "enum"),
        *(
            "const",
            "pattern",
            "minLength",
            "maxLength",
            "minItems",
            "maxItems",
            "minimum",
            "maximum",
            "anyOf",
            "default",
        ),
        *OWN,
    )
)


_LISTS = ("anyOf", "oneOf", "prefixItems")
#: Those that a grammar holds too, or that an answer is checked for.
DECODED = KEYWORDS | {
    *("format", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minProperties", "maxProperties"),
    *("uniqueItems", "dependentRequired", "prefixItems", "patternProperties"),
}
#: Of a value that no model writes: it is checked alone.
CHECKED = DECODED | {"oneOf"}
#: Those of `DECODED` that no grammar holds: what an answer repeats in a list counts once.
ONLY_CHECKED = ("uniqueItems",)
NAMED_TYPES = ("object", "array", "string", "integer", "number", "boolean", "null")
BY_DEFAULT = 'or say bounds = "default" in specialist.toml'


def _pattern(_: Any, pattern: str, value: Any, __: Json) -> Iterator[ValidationError]:
    if isinstance(value, str) and not found(pattern, value):
        yield ValidationError("does not match")


def _pattern_properties(validator: Any, patterns: Json, value: Any, _: Json) -> Iterator[ValidationError]:
    if isinstance(value, dict):
        for pattern, schema in patterns.items():
            for name in (each for each in value if found(pattern, each)):
                yield from validator.descend(value[name], schema, path=name, schema_path=pattern)


def _additional_properties(validator: Any, others: Any, value: Any, schema: Json) -> Iterator[ValidationError]:
    names = _unnamed(value, schema) if isinstance(value, dict) else []
    if isinstance(others, dict):
        for name in names:
            yield from validator.descend(value[name], others, path=name)
    elif not others and names:
        yield ValidationError("has others")


def _unnamed(value: Json, schema: Json) -> list[str]:
    """The names in `value` that the schema names neither by themselves nor by a pattern."""
    named, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    return sorted(name for name in value if name not in named and not any(found(each, name) for each in patterns))


#: jsonschema's own keywords backtrack, for hours over a text that was made for them.
_Validator = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
    },
)


def draft_fault(schema: Any) -> str | None:
    """Why `schema` is a JSON Schema of no draft; where it names none, older ones are tried too:
    draft 7, and 4, which is OpenAPI's."""
    named = schema.get("$schema") if isinstance(schema, dict) else None
    drafts: list[Any] = [Draft202012Validator, Draft7Validator, Draft4Validator]
    if isinstance(named, str):
        drafts = [validator_for(schema, default=Draft202012Validator)]
    first = _fault_under(drafts[0], schema)
    if first is None or any(_fault_under(draft, schema) is None for draft in drafts[1:]):
        return None
    return first


def _fault_under(draft: Any, schema: Any) -> str | None:
    return _fault_of_text(draft, json.dumps(schema))


@lru_cache(maxsize=256)
def _fault_of_text(draft: Any, text: str) -> str | None:
    """Kept: a schema takes about 10 ms, and a folder asks for its own as it is written and as it is taken over."""
    try:
        draft.check_schema(json.loads(text), format_checker=FormatChecker(formats=()))  # patterns are RE2's
    except SchemaError as error:
        return error.message
    return None


def schema_faults(schema: Any, where: str, decoded: bool = True) -> list[str]:
    """Everything wrong with `schema` as a job type's input or output: all faults at once, each with its path.

    `decoded`: a grammar has to hold its values.
    """
    if fault := _fault_under(Draft202012Validator, schema):
        return [f"{where}: not a JSON Schema: {fault}"]
    if not isinstance(schema, dict) or schema.get("type") != "object":
        return [f"{where}: the top level must be an object schema"]
    return _faults(schema, where, DECODED if decoded else CHECKED)


def are_known(schema: Json) -> bool:
    """Whether a value can be checked under `schema`: each of its keywords is known, and each pattern can be matched."""
    return not _faults(schema, "", CHECKED, bounded=False)


def _faults(schema: Json, where: str, known: frozenset[str], bounded: bool = True) -> list[str]:
    faults = [*_keyword_faults(schema, where, known), *(_bound_faults(schema, where) if bounded else ())]
    for name, child in schema.get("properties", {}).items():
        if isinstance(child, dict):
            faults += _faults(child, f"{where}.{name}", known, bounded)
        else:
            faults.append(f"{where}.{name}: must be a schema of its own, so that it is bounded; it is {child!r}")
    inner = [("items", schema.get("items")), ("*", schema.get("additionalProperties"))]
    inner += [("*", each) for each in schema.get("patternProperties", {}).values()]
    for name, child in [*inner, *((key, each) for key in _LISTS for each in schema.get(key, []))]:
        if isinstance(child, dict):
            faults += _faults(child, f"{where}.{name}", known, bounded)
    return faults


def _keyword_faults(schema: Json, where: str, known: frozenset[str]) -> Iterator[str]:
    for key in schema:
        if key == "oneOf" and key not in known:
            yield (
                f"{where}: keyword 'oneOf' is not supported where two members may hold the same value; say 'anyOf', "
                "or give each member a 'const' of its own in a required property"
            )
        elif key not in known:
            yield f"{where}: keyword {key!r} is not supported; known: {', '.join(sorted(known))}"
    if known == DECODED:
        yield from _unheld(schema, where)
    if "pattern" in schema and (fault := pattern_fault(schema["pattern"])):
        yield f"{where}: {fault}"
    for pattern in schema.get("patternProperties", {}):
        if fault := pattern_fault(pattern):
            yield f"{where}: {fault}"
    if schema.get("enum") == []:
        yield f"{where}: an enum needs at least one value"
    if not isinstance(schema.get("multipleOf", 1), int):
        yield f"{where}: keyword 'multipleOf' is held for whole numbers only; it is {schema['multipleOf']}"


def _unheld(schema: Json, where: str) -> Iterator[str]:
    """Why a model could write an answer that breaks the schema, and that nothing mends."""
    if schema.get("uniqueItems") and ("prefixItems" in schema or schema.get("minItems", 0) > 1):
        yield f"{where}: 'uniqueItems' is held where 'minItems' is 1 at most and there are no 'prefixItems'"
    if "dependentRequired" in schema:
        yield (
            f"{where}: 'dependentRequired' is held in an object that is closed, for four properties at most, and "
            "without 'anyOf' and 'patternProperties' beside it"
        )


def _bound_faults(schema: Json, where: str) -> Iterator[str]:
    kinds = kinds_of(schema)
    if "string" in kinds and not schema.keys() & {"enum", "const", "maxLength"}:
        yield f"{where}: a string needs 'maxLength' or 'enum', so that an answer is bounded; {BY_DEFAULT}"
    if "array" in kinds and not schema.keys() & {"maxItems", "enum", "const"}:
        yield f"{where}: an array needs 'maxItems', so that an answer is bounded; {BY_DEFAULT}"
    if (
        "object" in kinds
        and not schema.keys() & {"additionalProperties", "enum", "const"}
        and not _is_of_members(schema)
    ):
        yield (
            f"{where}: say 'additionalProperties': false (closed) or a schema (a map of names to values); {BY_DEFAULT}"
        )


def _is_of_members(schema: Json) -> bool:
    """Whether each of its values is one of a member that says its type, and so its bounds."""
    members = schema.get("anyOf", [])
    return bool(members) and all(isinstance(each, dict) and kinds_of(each) for each in members)


def value_faults(value: Any, schema: Json, where: str) -> list[str]:
    """Everything wrong with `value` under `schema`, sorted by path; no fault quotes the value itself."""
    errors = sorted(_Validator(schema).iter_errors(value), key=lambda e: [str(p) for p in e.absolute_path])
    # One error a missing property, but one sentence for all of them.
    return list(dict.fromkeys(_sentence(error, where) for error in errors))


def _sentence(error: Any, where: str) -> str:
    path = ".".join([where, *(str(part) for part in error.absolute_path)])
    expected = error.validator_value
    match error.validator:
        case "required":
            missing = [name for name in expected if name not in error.instance]
            return f"{path}: missing {', '.join(repr(name) for name in missing)}"
        case "additionalProperties":
            known = list(error.schema.get("properties", {}))
            known += [f"what matches {pattern!r}" for pattern in error.schema.get("patternProperties", {})]
            extra = ", ".join(map(repr, _unnamed(error.instance, error.schema)))
            return f"{path}: unknown {extra}; known: {', '.join(known) or 'nothing'}"
        case "type":
            return f"{path}: must be {expected}, is {type_of(error.instance)}"
        case "enum":
            shown = ", ".join(map(str, expected[:12])) + (", …" if len(expected) > 12 else "")
            return f"{path}: must be one of {shown}"
        case "maxLength" | "minLength":
            return f"{path}: {len(error.instance)} characters, {error.validator} is {expected}"
        case "maxItems" | "minItems":
            return f"{path}: {len(error.instance)} items, {error.validator} is {expected}"
    return f"{path}: breaks {error.validator} {expected!r}"


def type_of(value: Any) -> str:
    names = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "number"}
    return "null" if value is None else names.get(type(value), type(value).__name__)


def schema_at(schema: Json, n: int) -> Json:
    """Of the element `n` of a list; {} where nothing is said of it."""
    first = schema.get("prefixItems", [])
    found = first[n] if n < len(first) else schema.get("items")
    return found if isinstance(found, dict) else {}


def same(one: Any, other: Any) -> bool:
    """Whether two values are one in JSON. Python calls true and 1 equal."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def kinds_of(schema: Json) -> list[str]:
    """The types that the schema names; none where it names none."""
    kind = schema.get("type", [])
    return kind if isinstance(kind, list) else [kind]


def schema_of(value: Any) -> Json:
    """The narrowest schema of the kind used here that `value` has."""
    if isinstance(value, list):
        return {"type": "array", "items": reduce(either, map(schema_of, value)) if value else {}}
    if isinstance(value, dict):
        properties = {name: schema_of(child) for name, child in value.items()}
        return {"type": "object", "properties": properties, "required": list(value), "additionalProperties": False}
    return {"type": type_of(value)}


def either(one: Json, other: Json) -> Json:
    """A schema of values that have one of the two; it says no more than both do. {}: nothing can be said."""
    if one == other:
        return one
    kind, theirs = kind_of(one), kind_of(other)
    if {kind, theirs} == {"integer", "number"}:
        return {"type": "number"}
    if kind is None or kind != theirs:
        return {}
    if "enum" in one and "enum" in other:
        return {"enum": [*one["enum"], *(value for value in other["enum"] if value not in one["enum"])]}
    if kind == "array":
        return {"type": "array", "items": either(one.get("items", {}), other.get("items", {}))}
    return _either_object(one, other) if kind == "object" else {"type": kind}


def _either_object(one: Json, other: Json) -> Json:
    """A field that one alone has may be missing."""
    mine, theirs = one.get("properties", {}), other.get("properties", {})
    shared = {name: either(mine[name], theirs[name]) for name in mine if name in theirs}
    required = [name for name in one.get("required", []) if name in other.get("required", [])]
    # A field that only one names may hold anything in the other, where that is open.
    is_open = any(each.get("additionalProperties", True) is not False for each in (one, other))
    properties = shared if is_open else {**mine, **theirs, **shared}
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": is_open}


def kind_of(schema: Json) -> str | None:
    """The one type that the schema's values have, if it says so."""
    kind = schema.get("type")
    if kind is None and "enum" in schema:
        kinds = {type_of(value) for value in schema["enum"]}
        return kinds.pop() if len(kinds) == 1 else None
    return kind if isinstance(kind, str) else None


def misfit(source: Json, target: Json) -> str | None:
    """Why values of `source` cannot be where `target` is asked for; None if they can, or if it cannot be said."""
    given, wanted = kind_of(source), kind_of(target)
    if given is None or wanted is None:
        return None
    if given != wanted and (given, wanted) != ("integer", "number"):
        return f"must be {wanted}, is {given}"
    if wanted == "array":
        inner = misfit(source.get("items", {}), target.get("items", {}))
        return f"its elements: {inner}" if inner else None
    if wanted == "object":
        return _object_misfit(source, target)
    if "enum" in source and "enum" in target and not any(v in target["enum"] for v in source["enum"]):
        return f"must be one of {', '.join(map(str, target['enum'][:12]))}"
    return None


def _object_misfit(source: Json, target: Json) -> str | None:
    properties = source.get("properties", {})
    for name in target.get("required", []):
        if name not in properties and source.get("additionalProperties") is False:
            return f"has no {name!r}"
    for name, schema in target.get("properties", {}).items():
        if name in properties and (inner := misfit(properties[name], schema)):
            return f"its {name!r}: {inner}"
    return None
