"""What a regression is to find for each text: the answers of all fields beside each other. Knows no text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from specialists.heads.head import Head
from specialists.heads.linear.files import answers_of, readers_of
from specialists.heads.readers.label import LabelReader
from specialists.training.heads.lessons import Lesson
from specialists.training.linear.regression import Part


def parts_of(head: Head) -> list[Part]:
    return [
        Part(start, start + len(reader.rule.values), isinstance(reader, LabelReader))
        for start, reader in readers_of(head)
    ]


def aims_of(head: Head, lessons: Sequence[Lesson]) -> NDArray[np.float32]:
    """(N, answers): 0 where an answer does not hold, and of one label how much its text counts."""
    aims = np.zeros((len(lessons), answers_of(head.rules)), np.float32)
    for (start, reader), column in zip(
        readers_of(head), zip(*(each.aims for each in lessons), strict=True), strict=True
    ):
        for row, aim in enumerate(column):
            if isinstance(reader, LabelReader):
                assert reader.balance is not None
                aims[row, start + int(aim)] = reader.balance[int(aim)]
            else:
                aims[row, start : start + len(aim)] = aim.numpy()
    return aims
