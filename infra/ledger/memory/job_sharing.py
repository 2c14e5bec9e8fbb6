"""Who asks the same: the job that does it, those that wait for its output, and outputs that are kept. In memory."""

from __future__ import annotations

from infra.ledger.memory.job_entry import Entry
from infra.records import JobState, Outcome, Reuse


class Sharing:
    def __init__(self) -> None:
        self._leaders: dict[str, Entry] = {}  # key -> the job that does it for all
        self._followers: dict[str, dict[str, Entry]] = {}  # key -> those that wait for it, in order
        self._kept: dict[str, tuple[int, str]] = {}  # key -> (ms until which, outcome)

    def keep(self, reuse: Reuse, outcome: Outcome, now_ms: int) -> None:
        if reuse.cache_s is not None and answers(reuse, outcome):
            self._kept[reuse.key] = now_ms + 1000 * reuse.cache_s, outcome.model_dump_json()

    def kept(self, reuse: Reuse, now_ms: int) -> Outcome | None:
        until_ms, outcome = self._kept.get(reuse.key, (0, ""))
        return Outcome.model_validate_json(outcome) if until_ms > now_ms else None

    def leads(self, entry: Entry) -> bool:
        """Whether the job is to be done, being unique or the first to ask. Else it waits for the one that is."""
        reuse = entry.job.reuse
        if reuse is None or not reuse.unique:
            return True
        if self._leaders.setdefault(reuse.key, entry) is entry:
            return True
        self._followers.setdefault(reuse.key, {})[entry.id] = entry
        return False

    def end(self, entry: Entry) -> list[Entry]:
        """Forget a job that has ended; those that waited for it, if any, in order."""
        key = entry.job.reuse.key if entry.job.reuse else ""
        followers = self._followers.get(key, {})
        followers.pop(entry.id, None)
        if self._leaders.get(key) is not entry:
            return []
        del self._leaders[key]
        return list(self._followers.pop(key, {}).values())


def answers(reuse: Reuse, outcome: Outcome) -> bool:
    """An output of another specialist than was asked, as during an upgrade, is nobody else's."""
    made_by = outcome.provenance.digest if outcome.provenance else None
    return outcome.state is JobState.SUCCEEDED and made_by == reuse.digest
