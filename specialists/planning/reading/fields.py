"""The fields that a plan may select by and count: those of likely job types and of inputs. Knows no words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from specialists.planning.offers.field import Field
from specialists.planning.offers.given import Given
from specialists.planning.offers.offer import Offer
from specialists.planning.offers.request import Request
from specialists.planning.parts.beliefs import owner_of

LEAST = 1e-3  #: the least probability of a job type whose logarithm is taken


class Fields:
    def __init__(self, request: Request, likely: Sequence[Offer], types: Mapping[str, float]) -> None:
        """`likely`: the likeliest job types, in order; `types`: how likely each is."""
        self._request = request
        self._likely = likely
        self._types = types

    def by_owner(self, most: int) -> list[tuple[str, Sequence[Field]]]:
        """The fields of the first `most` job types, and of every input that is a list of records."""
        owners = [(offer.name, offer.leaves) for offer in self._likely[:most]]
        lists = [given for given in self._request.given if given.items == "object"]
        return [*owners, *((owner_of(given), _leaves(given)) for given in lists)]

    def owner_number(self, owner: str) -> float:
        """The logarithm of the probability of the job type that owns a field; it is 0 for an input."""
        return math.log(max(self._types.get(owner, 1.0), LEAST))


def _leaves(given: Given) -> list[Field]:
    return [field for field in given.fields if field.kind not in ("array", "object") and not field.lists]
