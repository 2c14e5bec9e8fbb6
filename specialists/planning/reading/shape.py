"""The shape of a goal's inputs, as the layer over whole goals is told it. Knows no words."""

from __future__ import annotations

from specialists.planning.offers.request import Request


def shape_of(request: Request) -> list[float]:
    """What the inputs are like, for what a goal wants: no list, several, records, several inputs."""
    lists = [given for given in request.given if given.kind == "array"]
    records = any(given.items == "object" for given in lists)
    return [float(not lists), float(len(lists) > 1), float(records), float(len(request.given) > 1)]
