"""Jobs that ask the same: the one that is done, those that wait for its output, and outputs that are kept."""

from __future__ import annotations

from infra.ledger.memory.job_entry import Entry
from infra.records import JobState, Outcome, Reuse


class Sharing:
    def __init__(self) -> None:
        self._leaders: dict[str, Entry] = {}  # key -> the job that does it for all
        self._followers: dict[str, dict[str, Entry]] = {}  # key -> the jobs that wait for it, in order
        self._kept: dict[str, tuple[int, str]] = {}  # key -> (ms until which it is kept, outcome)

    def keep(self, reuse: Reuse, outcome: Outcome, now_ms: int) -> None:
        if reuse.cache_s is not None and answers(reuse, outcome):
            self._kept[reuse.key] = now_ms + 1000 * reuse.cache_s, outcome.model_dump_json()

    def kept(self, reuse: Reuse, now_ms: int) -> Outcome | None:
        until_ms, outcome = self._kept.get(reuse.key, (0, ""))
        return Outcome.model_validate_json(outcome) if until_ms > now_ms else None

    def leads(self, entry: Entry) -> bool:
        """Whether the job is done: it is not unique, or it is the first to ask. Otherwise it waits for the first."""
        reuse = entry.job.reuse
        if reuse is None or not reuse.unique:
            return True
        if self._leaders.setdefault(reuse.key, entry) is entry:
            return True
        self._followers.setdefault(reuse.key, {})[entry.id] = entry
        return False

    def end(self, entry: Entry) -> list[Entry]:
        """Forget a job that has ended. Returns the jobs that waited for it, in order."""
        key = entry.job.reuse.key if entry.job.reuse else ""
        followers = self._followers.get(key, {})
        followers.pop(entry.id, None)
        if self._leaders.get(key) is not entry:
            return []
        del self._leaders[key]
        return list(self._followers.pop(key, {}).values())


def answers(reuse: Reuse, outcome: Outcome) -> bool:
    """Whether the output answers others. One of another specialist than they ask, as during an upgrade, does not."""
    made_by = outcome.provenance.digest if outcome.provenance else None
    return outcome.state is JobState.SUCCEEDED and made_by == reuse.digest
