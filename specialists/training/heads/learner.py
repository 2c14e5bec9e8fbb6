"""What a course trains to make a head: the trunk's change and the readers. Knows no file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from specialists.heads.files import put_state, state_of
from specialists.heads.head import Head, seen_of
from specialists.heads.trunks.trunk import Text, Trunk, View
from specialists.training.course import Look, State, parts
from specialists.training.heads.lessons import Lesson

#: Padded tokens in one pass: activations of more leave the caches.
PART_TOKENS = 1024

PASSED = 32  #: texts of a pass that learns nothing


class HeadLearner:
    def __init__(self, name: str, trunk: Trunk, head: Head, view: View, dev: Sequence[Lesson]) -> None:
        """The trunk has the change `name` already."""
        self._name, self._trunk, self._head, self._views, self._dev = name, trunk, head, {name: view}, dev
        self.look_tokens = sum(map(len, dev))
        self.parameters = [*(p for _, p in trunk.learnt(name)), *(p for p in head.parameters() if p.requires_grad)]

    def learn(self, batch: Sequence[Lesson]) -> float:
        total = 0.0
        for part in parts(batch, PART_TOKENS):
            loss = self._loss(part) / len(batch)
            loss.backward()  # type: ignore[no-untyped-call]  # torch ships it untyped
            total += loss.item()
        return total

    def look(self) -> Look:
        return self.look_at(self._dev)

    @torch.no_grad()
    def look_at(self, lessons: Sequence[Lesson]) -> Look:
        loss, right = 0.0, 0
        for part in parts(lessons, PART_TOKENS):
            seen = seen_of([each.asked for each in part], self._states(part))
            loss += self._head.loss(seen, [each.aims for each in part]).item()
            right += sum(read.values == lesson.output for read, lesson in zip(self._head.read(seen), part, strict=True))
        return Look(loss / len(lessons), 100 * right / len(lessons))

    def passes(self, lessons: Sequence[Lesson]) -> Iterator[tuple[list[Lesson], list[torch.Tensor]]]:
        """The lessons in their order, some at a time, with their hidden states."""
        for start in range(0, len(lessons), PASSED):
            some = list(lessons[start : start + PASSED])
            yield some, self._states(some)

    def state(self) -> State:
        return state_of(self._name, self._trunk, self._head)

    def load(self, state: State) -> None:
        put_state(state, self._name, self._trunk, self._head)

    def _loss(self, part: Sequence[Lesson]) -> torch.Tensor:
        seen = seen_of([each.asked for each in part], self._states(part))
        return self._head.loss(seen, [each.aims for each in part])

    def _states(self, part: Sequence[Lesson]) -> list[torch.Tensor]:
        texts = [Text(self._name, each.asked.reading.ids, each.asked.reading.text) for each in part]
        states: list[torch.Tensor] = self._trunk(texts, self._views)
        return states
