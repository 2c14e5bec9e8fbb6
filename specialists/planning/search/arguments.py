"""Arguments: the sources that one parameter's value may come from, and how likely each is meant.

A source is offered only if the schemas and the values in the samples allow it. Knows nothing of other parameters.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from specialists.planning.offers.field import Field
from specialists.planning.offers.given import Given
from specialists.planning.offers.offer import Offer
from specialists.planning.offers.parameter import Parameter
from specialists.planning.parts.beliefs import TYPES_AT_MOST, Beliefs
from specialists.planning.parts.core import ALONE, OF, Argument
from specialists.planning.parts.place import Place
from specialists.planning.search.scope import Scope

FEEDERS = TYPES_AT_MOST + 4  #: how many job types' outputs are tried as sources, the likeliest first
LEAST = 0.02  #: a less likely output is no source

Sources = Iterator[tuple[Argument, float]]


@dataclass(frozen=True)
class Need:
    """A parameter of a job type that is applied in a frame, and the beliefs about its sources."""

    offer: Offer
    parameter: Parameter
    frame: str
    beliefs: Beliefs

    def belief(self, *key: str) -> float:
        return self.beliefs.bind.get((self.offer.name, self.parameter.name, key), 0.0)

    def may_be(self, given: Given, field: Field) -> bool:
        """Whether the schema of an input's field, and the values of it that the sample shows, fit the parameter."""
        return field.sure and self.parameter.takes(field.schema) and self.parameter.holds(given.seen_at(field.path))

    def goes_over_lists_of(self, offer: Offer) -> bool:
        """Whether the frame goes over a list that the job type gives."""
        return self.frame.startswith(f"{offer.name}{OF}")


def arguments_of(scope: Scope, offer: Offer, parameter: Parameter, frame: str) -> Sources:
    """Yield each source of the parameter when `offer` is applied in `frame`: inputs, outputs and literals."""
    need = Need(offer, parameter, frame, scope.beliefs)
    for owner, given in scope.given.items():
        yield from _of_input(need, owner, given)
    for other in scope.offers[:FEEDERS]:
        if other is not offer:
            yield from _of_output(need, other)
            yield from _of_list_element(need, other)
    for value, p in scope.beliefs.literals.get((offer.name, parameter.name), ()):
        yield Argument(literal=value), p


def _of_input(need: Need, owner: str, given: Given) -> Sources:
    if owner == need.frame:
        yield from _of_item(need, owner, given)
    elif need.frame.startswith(f"{owner}."):
        yield from _of_inner_list(need, owner, given, need.frame[len(owner) + 1 :])
    elif given.kind == "array":
        yield from _of_whole_list(need, owner, given)
    else:
        yield from _of_single(need, owner, given)


def _of_item(need: Need, owner: str, given: Given) -> Sources:
    """Yield the element that the frame goes over, and its fields."""
    parameter = need.parameter
    if not given.fields and parameter.takes(given.item_schema) and parameter.holds(given.seen):
        yield Argument(Place(owner)), need.belief("item", given.name)
    for field in given.fields:
        if not field.lists and need.may_be(given, field):
            yield Argument(Place(owner, field.path)), need.belief("field", given.name, field.path)


def _of_inner_list(need: Need, owner: str, given: Given, inner: str) -> Sources:
    """Yield the fields of an element of the list at `inner`, which the frame goes over, or the whole element."""
    for field in given.fields:
        if field.lists == (inner,) and need.may_be(given, field):
            path = field.path[len(inner) + 1 :]
            yield Argument(Place(owner, path)), need.belief("field", given.name, field.path)
    whole = next((field for field in given.fields if field.path == inner), None)
    bare = not any(field.path.startswith(f"{inner}.") for field in given.fields)
    inside = [value for values in given.seen_at(inner) if isinstance(values, list) for value in values]
    if whole and bare and need.parameter.takes(whole.schema.get("items", {})) and need.parameter.holds(inside):
        yield Argument(Place(owner)), need.belief("field", given.name, inner)


def _of_whole_list(need: Need, owner: str, given: Given) -> Sources:
    if need.parameter.takes(given.schema) and need.parameter.holds([given.sample]):
        yield Argument(Place(owner), alone=True), need.belief("list", given.name)


def _of_single(need: Need, owner: str, given: Given) -> Sources:
    """Yield an input that is no list, and its fields; they are the same for all items of any frame."""
    parameter = need.parameter
    if not given.fields and parameter.takes(given.schema) and parameter.holds(given.seen):
        yield Argument(Place(owner), alone=True), need.belief("item", given.name)
    for field in given.fields:
        if not field.lists and need.may_be(given, field):
            yield Argument(Place(owner, field.path), alone=True), need.belief("field", given.name, field.path)


def _of_output(need: Need, other: Offer) -> Sources:
    """Yield the fields of another job type's output."""
    for field in other.fields:
        p = need.belief("out", other.name, field.path)
        if p < LEAST or not need.parameter.takes(field.schema):
            continue
        if place := _place_in_frame(need, other, field):
            # in a list's frame the output belongs to the element; otherwise it comes from a single application
            yield Argument(place, alone=need.frame == ALONE), p


def _place_in_frame(need: Need, other: Offer, field: Field) -> Place | None:
    """The place of the field as the frame sees it; None if the frame sees no single value there."""
    if not need.goes_over_lists_of(other):
        return None if field.lists else Place(other.name, field.path)
    if field.lists and need.frame == f"{other.name}{OF}{field.lists[-1]}":
        return Place(other.name, field.path[len(field.lists[-1]) + 1 :])
    return None


def _of_list_element(need: Need, other: Offer) -> Sources:
    """Yield the whole element of a list that another job type gives, if its elements have no fields."""
    if not need.goes_over_lists_of(other):
        return
    path = need.frame[len(other.name) + 1 :]
    whole = next(field for field in other.fields if field.path == path)
    bare = not any(field.lists and field.lists[-1] == path for field in other.fields)
    if bare and need.parameter.takes(whole.schema.get("items", {})):
        yield Argument(Place(other.name)), need.belief("out", other.name, path)
