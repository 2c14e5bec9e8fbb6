"""Refusals: errors for requests that are not accepted, and for unknown ids. Knows neither the ledger nor HTTP."""

from __future__ import annotations


class GoalRefused(Exception):
    """The goal or job cannot be accepted. `faults` says everything that is wrong with it."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        super().__init__("; ".join(faults))


class Unknown(KeyError):
    """There is no such thing; the message says which."""

    def __str__(self) -> str:
        return str(self.args[0])


class UnknownRun(Unknown):
    def __init__(self, run_id: str) -> None:
        super().__init__(f"no goal {run_id[:200]!r}: never accepted, or forgotten since")


class UnknownJob(Unknown):
    def __init__(self, job_id: str) -> None:
        super().__init__(f"no job {job_id[:200]!r}: never released, or forgotten since")
