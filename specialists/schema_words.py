"""Words: one schema in those of draft 2020-12 that this project knows, whichever draft it was written in.

Annotations are left out; what other drafts and OpenAPI say in words of their own is said in today's; a keyword that
says nothing that another does not say as well is written as that other. Knows no references.
"""

from __future__ import annotations

from difflib import get_close_matches
from functools import lru_cache

from specialists.patterns import found, pattern_fault
from specialists.schemas import CHECKED, NAMED_TYPES, OWN, Json, kinds_of, same, value_faults

#: Formats of strings that the grammar holds; to JSON Schema every other is an annotation.
HELD_FORMATS = frozenset(["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid", "uri"])
#: They say nothing of a value.
ANNOTATIONS = frozenset(
    (
        *("$id", "id", "$comment", "$anchor", "$defs", "definitions", "examples", "example", "deprecated", "readOnly"),
        *("writeOnly", "contentMediaType", "contentEncoding", "externalDocs", "xml", "discriminator"),
        *("markdownDescription", "enumDescriptions", "markdownEnumDescriptions", "defaultSnippets", "errorMessage"),
        *("deprecationMessage", "tsType", "allowComments", "allowTrailingCommas", "doNotSuggest", "suggestSortText"),
    )
)
_OLD = frozenset(["extends", "disallow", "divisibleBy"])  #: of draft 3
#: Words of some draft that say something of a value, and that nothing here holds.
_OTHERS = frozenset(
    (
        *("not", "if", "then", "else", "contains", "minContains", "maxContains", "propertyNames", "dependentSchemas"),
        *("dependencies", "unevaluatedItems", "unevaluatedProperties", "contentSchema", "$ref", "allOf", "nullable"),
        *("additionalItems", "$dynamicRef", "$recursiveRef", "$dynamicAnchor", "$recursiveAnchor", *_OLD),
    )
)
_ANY_NAME = ("", ".*", "^", "^.*")  #: patterns of a map whose names may be anything, a line's end too


def in_our_words(schema: Json, decoded: bool, closes: bool = False) -> Json:
    """`schema` itself, not those that stand in it.

    `decoded`: a model writes its values. `closes`: an object that is open will be closed.
    """
    plain = {key: value for key, value in schema.items() if key not in ANNOTATIONS and not _is_vendors(key)}
    if plain.pop("nullable", False) is True:
        _or_null(plain)
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(plain.get(exclusive), bool) and plain.pop(exclusive) and bound in plain:
            plain[exclusive] = plain.pop(bound)
    if "format" in plain and not (decoded and plain["format"] in HELD_FORMATS):
        del plain["format"]
    if plain.get("uniqueItems") is False:
        del plain["uniqueItems"]
    _tuple(plain)
    _dependencies(plain)
    settle_unevaluated(plain)
    _names(plain)
    _patterns(plain)
    _not(plain, closes)
    return plain


@lru_cache(maxsize=1024)
def says_nothing(keyword: str) -> bool:
    """Whether no draft knows the keyword, so that it is an annotation, and it looks like none that is written wrong."""
    known = CHECKED | _OTHERS | ANNOTATIONS
    return (
        keyword not in known
        and not keyword.startswith("x-")
        and (keyword[:1] in "_$" or not get_close_matches(keyword, known - _OLD - ANNOTATIONS, 1, 0.75))
    )


def _or_null(schema: Json) -> None:
    """As OpenAPI's `nullable` says: of a type that is named; an enum has to name null itself."""
    if "type" in schema:
        kinds = kinds_of(schema)
        schema["type"] = [*kinds, *(["null"] if "null" not in kinds else [])]
    else:
        for key in ("anyOf", "oneOf"):
            if isinstance(schema.get(key), list):
                schema[key] = [*schema[key], {"type": "null"}]


def _tuple(schema: Json) -> None:
    """Drafts before 2020-12 list the first items in `items`, and say in `additionalItems` what follows them."""
    if isinstance(schema.get("items"), list):
        first = schema.pop("items")
        if first:
            schema["prefixItems"] = first
        if "additionalItems" in schema:
            schema["items"] = schema["additionalItems"]
    schema.pop("additionalItems", None)


def _dependencies(schema: Json) -> None:
    """Drafts before 2019-09 have one word for two things; the other one, of schemas, is held by nothing."""
    said = schema.get("dependencies")
    if isinstance(said, dict) and "dependentRequired" not in schema and all(isinstance(v, list) for v in said.values()):
        schema["dependentRequired"] = schema.pop("dependencies")


def settle_unevaluated(schema: Json) -> None:
    """Once references and `allOf` are written out, no property is evaluated elsewhere."""
    elsewhere = schema.keys() & {"anyOf", "oneOf", "if", "then", "else", "dependentSchemas"}
    if isinstance(schema.get("unevaluatedProperties"), bool | dict) and not elsewhere:
        rest = schema.pop("unevaluatedProperties")
        schema.setdefault("additionalProperties", rest)


def _names(schema: Json) -> None:
    """`propertyNames` of a map, as the names or the pattern of its properties."""
    names, others = schema.get("propertyNames"), schema.get("additionalProperties", True)
    kinds = kinds_of(schema)
    if not isinstance(names, dict) or names.get("type", "string") != "string" or (kinds and "object" not in kinds):
        return
    if "patternProperties" in schema:
        return
    named, said = schema.get("properties", {}), set(names) - ANNOTATIONS - {"type", "title", "description"}
    if not isinstance(named, dict) or any(value_faults(name, names, "") for name in named if said <= {"enum"}):
        return
    if said == {"enum"} and all(isinstance(name, str) for name in names["enum"]):
        if others is not False:
            schema["properties"] = {**dict.fromkeys(names["enum"], others), **named}
        schema["additionalProperties"] = False
    elif said == {"pattern"} and not named and not pattern_fault(names["pattern"]):
        if others is not False:
            schema["patternProperties"] = {names["pattern"]: others}
        schema["additionalProperties"] = False
    elif said and said <= {"minLength", "maxLength"} and not named:
        length = f"{int(names.get('minLength', 0))},{int(names['maxLength']) if 'maxLength' in names else ''}"
        schema["patternProperties"] = {f"^(?s:.{{{length}}})$": others} if others is not False else {}
        schema["additionalProperties"] = False
    elif said:
        return
    del schema["propertyNames"]


def _patterns(schema: Json) -> None:
    """What a pattern says of a property that is named, it says of that property."""
    patterns, named = schema.get("patternProperties"), schema.get("properties", {})
    if not isinstance(patterns, dict) or not isinstance(named, dict):
        return
    if any(pattern_fault(pattern) for pattern in patterns):
        return
    for name in named:
        said = [each for pattern, each in patterns.items() if found(pattern, name) and each not in (True, {})]
        if said:
            schema["properties"] = {**schema["properties"], name: {"allOf": [named[name], *said]}}
    if not patterns:
        del schema["patternProperties"]
    elif set(patterns) <= set(_ANY_NAME) and len(patterns) == 1:
        schema["additionalProperties"] = next(iter(schema.pop("patternProperties").values()))


def _not(schema: Json, closes: bool) -> None:
    """What is not of some types is of the others; what has not a property that may be left out lacks it."""
    no = schema.get("not")
    if not isinstance(no, dict):
        return
    without: Json | None = schema
    for each in no["anyOf"] if set(no) == {"anyOf"} else [no]:
        is_plain = isinstance(each, dict) and len(each) == 1
        without = _without(without, each, closes) if is_plain and without is not None else None
    if without is not None:
        schema.clear()
        schema.update({key: each for key, each in without.items() if key != "not"})


def _without(schema: Json, no: Json, closes: bool) -> Json | None:
    """`schema` without the values that `no`, of one keyword, allows; None where it cannot be said."""
    rest = schema.get("additionalProperties", True)
    if "type" in no:
        kinds = kinds_of(schema) or [kind for kind in NAMED_TYPES if kind != "integer"]
        kept = [kind for kind in kinds if kind not in kinds_of(no)]
        if kept and not ("number" in kept and "integer" in kinds_of(no)):
            return {**schema, "type": kept if len(kept) > 1 else kept[0]}
    elif "enum" in no and isinstance(schema.get("enum"), list):
        values = [value for value in schema["enum"] if not any(same(value, each) for each in no["enum"])]
        return {**schema, "enum": values} if values else None
    elif len(no.get("required", [])) == 1 and (rest is False or (closes and rest is True)):
        (name,) = no["required"]
        if name not in schema.get("required", []) and "patternProperties" not in schema:
            named = {key: each for key, each in schema.get("properties", {}).items() if key != name}
            return {**schema, "properties": named, "additionalProperties": False}
    return None


def _is_vendors(key: str) -> bool:
    return key.startswith("x-") and key not in OWN
