"""The shape of a goal's inputs, as the layer over whole goals receives it. Knows no words."""

from __future__ import annotations

from specialists.planning.offers.request import Request


def shape_of(request: Request) -> list[float]:
    """Four flags about the inputs: no list, several lists, a list of records, several inputs."""
    lists = [given for given in request.given if given.kind == "array"]
    records = any(given.items == "object" for given in lists)
    return [float(not lists), float(len(lists) > 1), float(records), float(len(request.given) > 1)]
