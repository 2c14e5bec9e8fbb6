"""Frames in a draft: the rows that each frame of a core has reached, and the steps of single applications.

It knows nothing of ends and of probabilities.
"""

from __future__ import annotations

from collections.abc import Mapping

from specialists.planning.drafts.draft import Draft, reference
from specialists.planning.drafts.rows import Column, Rows, inner_names, names_of, rows_of
from specialists.planning.offers.given import Given
from specialists.planning.offers.request import Request
from specialists.planning.parts.core import AGAIN, ALONE, OF, Application
from specialists.planning.parts.place import Place
from specialists.schemas import Json


class Frames:
    def __init__(self, draft: Draft, request: Request, given: Mapping[str, Given]) -> None:
        """`given`: the inputs by owner name, as `owner_of` writes it."""
        self._draft = draft
        self._request = request
        self._given = given
        self._rows: dict[str, Rows] = {}
        self._alone: dict[str, str] = {}  #: type -> the step that applies it once

    def apply(self, application: Application) -> None:
        """Write the step of an application in its frame."""
        bound, fixed = self._arguments(application)
        if application.frame == ALONE:
            self._alone[application.name] = self._draft.apply(application.offer, fixed)
            return
        before = self.rows(application.frame)
        _, step = self._draft.apply_each(application.offer, before, bound, fixed)
        self._rows[application.frame] = self._with_outputs(before, application, step)

    def apply_to(self, application: Application, selected: Rows) -> Rows:
        """Write the step of an application that goes over the selected rows of its frame only."""
        bound, fixed = self._arguments(application)
        after, step = self._draft.apply_each(application.offer, selected, bound, fixed)
        return self._with_outputs(after, application, step)

    def rows(self, frame: str) -> Rows:
        """Return the columns that the frame has so far."""
        if frame not in self._rows:
            self._rows[frame] = self._rows_of_output(frame) if OF in frame else self._rows_of_input(frame)
        return self._rows[frame]

    def elements(self, owner: str, ref: str, path: str) -> Rows:
        """Return the elements of the list at `path` of a type's output as rows; `ref` refers to that list."""
        offer = self._request.by_name[owner.removesuffix(AGAIN)]
        return Rows([Column(owner, ref, inner_names(offer.fields, path))])

    def elements_alone(self, owner: str, path: str) -> Rows:
        """Return the elements of the list at `path` in the output of a type that is applied once."""
        return self.elements(owner, f"{self._alone[owner]}.{path}", path)

    def elements_of_all(self, owner: str, path: str) -> Rows:
        """Return the elements of a type's lists, one for each item, as one flat list."""
        return self.elements(owner, self._flat(owner, path), path)

    def _arguments(self, application: Application) -> tuple[list[tuple[str, Place]], Json]:
        """Split the arguments into those bound to the items of the frame and those that are the same for all items."""
        fixed: Json = {}
        bound: list[tuple[str, Place]] = []
        for name, argument in application.arguments:
            if argument.place is None:
                fixed[name] = argument.literal
            elif argument.alone or self._is_alone(argument.place.owner, application.frame):
                fixed[name] = reference(self._path_alone(argument.place))
            else:
                bound.append((name, argument.place))
        return bound, fixed

    def _is_alone(self, owner: str, frame: str) -> bool:
        """Whether `owner` is applied once and `frame` does not go over its list."""
        return owner in self._alone and owner != frame.partition(OF)[0]

    def _path_alone(self, place: Place) -> str:
        head = self._alone.get(place.owner, place.owner)  # an input's owner name is its reference
        return f"{head}.{place.path}" if place.path else head

    def _with_outputs(self, rows: Rows, application: Application, step: str) -> Rows:
        return self._draft.with_column(rows, application.name, step, names_of(application.offer.fields))

    def _rows_of_output(self, frame: str) -> Rows:
        """Return the rows of a frame that goes over a list in a type's output."""
        name, _, path = frame.partition(OF)
        ref = f"{self._alone[name]}.{path}" if name in self._alone else self._flat(name, path)
        return Rows([Column(name, ref, inner_names(self._request.by_name[name].fields, path))])

    def _rows_of_input(self, frame: str) -> Rows:
        owner = next(each for each in self._given if frame == each or frame.startswith(f"{each}."))
        return rows_of(self._given[owner], path=frame[len(owner) + 1 :])

    def _flat(self, name: str, path: str) -> str:
        """Return a reference to a type's lists, one for each item, made one flat list."""
        [step] = [column.ref for rows in self._rows.values() for column in rows.columns if column.owner == name][:1]
        return f"{self._draft.add('flatten', {'items': reference(f'{step}[].{path}')})}.items"
