"""Sources: every value that may be given to a parameter, as far as the schemas say. Knows no scorer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from specialists.planning.offers.field import Field
from specialists.planning.offers.given import Given
from specialists.planning.offers.offer import Offer
from specialists.planning.offers.parameter import Parameter
from specialists.planning.offers.request import Request
from specialists.planning.words import texts


class Told(NamedTuple):
    """A source, and the text that describes it to the scorer."""

    key: tuple[str, ...]  #: ("list", input), ("item", input), ("field", input, path) or ("out", job type, path)
    text: str
    name: str  #: the name of the input or the field


def sources_of(request: Request, offer: Offer, parameter: Parameter) -> Iterator[Told]:
    for given in request.given:
        yield from _of_input(given, parameter)
    for other in request.chosen_from:
        if other.name != offer.name:
            for field in other.fields:
                if _fits(field, parameter):
                    yield Told(("out", other.name, field.path), texts.source_of_output(other, field), field.path)


def _of_input(given: Given, parameter: Parameter) -> Iterator[Told]:
    if given.kind == "array" and parameter.takes(given.schema):
        yield Told(("list", given.name), texts.source_of_list(given), given.name)
    if not given.fields and parameter.takes(given.item_schema):
        yield Told(("item", given.name), texts.source_of_item(given), given.name)
    for field in given.fields:
        if _fits(field, parameter):
            yield Told(("field", given.name, field.path), texts.source_of_field(given, field), field.path)


def _fits(field: Field, parameter: Parameter) -> bool:
    """Whether the field, or each element of it if it is a list, fits the parameter."""
    if parameter.takes(field.schema):
        return True
    return field.kind == "array" and parameter.takes(field.schema.get("items", {}))
