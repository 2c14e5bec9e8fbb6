"""How many threads a training uses: as many as turn out to be fastest in its first steps."""

from __future__ import annotations

import pytest

from specialists.training.threads import STEPS, ThreadChoice


class Machine:
    """Steps of 1,000 tokens, as fast as `speeds` says for each number of threads; the first with a number is slow."""

    def __init__(self, speeds: dict[int, float]) -> None:
        self.speeds = speeds
        self.used: list[int] = []
        self.said: list[str] = []
        self.choice = ThreadChoice(self.used.append, self.said.append, cores=max(speeds))

    def steps(self, count: int) -> None:
        for step in range(count):
            seconds = 1000 / self.speeds[self.used[-1]] if self.used else 1.0
            self.choice.saw(1000, seconds * (10 if step % STEPS == 0 else 1))


@pytest.mark.parametrize(
    ("speeds", "best"),
    [
        ({2: 17.0, 1: 150.0}, 1),
        ({2: 340.0, 1: 180.0}, 2),
        ({8: 900.0, 7: 1100.0, 4: 800.0}, 7),
        ({4: 500.0, 3: 500.0, 2: 400.0}, 4),
    ],
)
def test_the_fastest_number_is_kept_and_said(speeds: dict[int, float], best: int) -> None:
    machine = Machine(speeds)
    machine.steps(STEPS * len(speeds) + 5)
    assert machine.used == [*sorted(speeds, reverse=True), best]
    (said,) = machine.said
    assert said.startswith(f"trains with {best} thread")
    assert f"{best}: {speeds[best]:.0f} tokens/s" in said


def test_on_one_core_there_is_nothing_to_choose() -> None:
    machine = Machine({1: 100.0})
    machine.steps(9)
    assert (machine.used, machine.said) == ([], [])
