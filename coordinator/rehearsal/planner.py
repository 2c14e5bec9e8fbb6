"""Loads the planner and the specialists that it asks into this process. Knows no goal.

The package that hosts models registers both by entry points.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib.metadata import entry_points

from infra.records import Json
from infra.settings import Settings
from specialists.catalog import Catalog
from specialists.offers import PLANNER
from specialists.schemas import value_faults
from specialists.specialist import Specialist, load_specialist

#: The planner's input -> its output.
Planner = Callable[[Json], Json]

#: A job type and an input -> the output, or None if there is none, and its confidence.
Answer = Callable[[str, Json], tuple[Json | None, float | None]]
OwnAnswer = Callable[[Json], tuple[Json | None, float | None]]  #: the same for one job type

#: Planners for `plan` and `rehearse`: `load(specialist, settings)` returns a function from the planner's input to its
#: output. It is an entry point because the coordinator imports nothing of the workers.
GROUP = "manyhands.planners"
#: Models for `plan` and `rehearse`: `load(specialist, settings)` returns a function from a job's input to its output
#: and its confidence. The output is None where there is none.
ANSWERS = "manyhands.answers"


class PlannerMissing(Exception):
    """No planner can be asked here. The message says why in one sentence."""


class PlannerFailed(Exception):
    """The input does not fit the planner, or its output is not valid. The message says what is wrong."""


def nobody(*_: object) -> tuple[None, None]:
    """The answer if no owner of labels can be asked, because there are no models here."""
    return None, None


def load_planner(catalog: Catalog, settings: Settings) -> Planner:
    """Load the planner and its models, which takes seconds. Raises PlannerMissing."""
    if PLANNER not in catalog:
        raise PlannerMissing(f"there is no specialist {PLANNER!r} here to plan a goal in words")
    found = list(entry_points(group=GROUP, name=PLANNER))
    if not found:
        raise PlannerMissing(
            "nothing here plans goals in words: install manyhands with what a worker needs (manyhands[worker])"
        )
    try:
        specialist = load_specialist(catalog.get(PLANNER).folder)  # it is loaded again to check its adapter
        planner: Planner = found[0].load()(specialist, settings)
    except Exception as error:  # anybody's code runs here, and each library fails in its own way
        why = str(error).strip().splitlines() or [type(error).__name__]
        raise PlannerMissing(f"the planner cannot be loaded: {why[0]}") from error
    return partial(_ask, planner, specialist)


def load_answer(catalog: Catalog, settings: Settings, say: Callable[[str], None]) -> Answer:
    """A function that asks job types what words mean, for the planner. It loads a job type's model on its first use.

    If a job type cannot be asked, `say` is told so once, and plans are made without its answers, as in a cluster
    without a worker for it.
    """
    found = list(entry_points(group=ANSWERS))
    if not found:
        return nobody
    load, silent = found[0].load(), set[str]()
    answers: dict[str, OwnAnswer] = {}

    def asked(job_type: str, input: Json) -> tuple[Json | None, float | None]:
        if job_type in silent:
            return nobody()
        try:
            if job_type not in answers:
                answers[job_type] = load(load_specialist(catalog.get(job_type).folder), settings)
            return answers[job_type](input)
        except Exception as error:  # noqa: BLE001 - anybody's engine runs here, and each library fails in its own way
            why = str(error).strip().splitlines() or [type(error).__name__]
            silent.add(job_type)
            say(f"{job_type} could not be asked what words of the goal mean: {why[0]}")
            return nobody()

    return asked


def _ask(planner: Planner, specialist: Specialist, input: Json) -> Json:
    """Ask the planner, and check input and output as a worker does. Raises PlannerFailed and the planner's errors."""
    if faults := specialist.input_faults(input):
        raise PlannerFailed("; ".join(faults))
    output = planner(input)
    if faults := value_faults(output, specialist.output_schema, f"{PLANNER}.output"):
        raise PlannerFailed("; ".join(faults))
    return output
