"""The ledger's scripts as the harness runs them: with an audit of their decisions, and with a planted fault if asked.

Each edit names the text that it changes, and fails if that text is not found exactly once: after a rewrite of a script
the audit must not miss decisions silently. The audit is a stream, `<prefix>:audit`, written by the same script that
decides, so that an entry exists if and only if the decision does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from infra.ledger.redis import scripts

STREAM = "audit"


class EditFailed(Exception):
    """A script does not have the text that the harness edits."""


@dataclass(frozen=True)
class Edit:
    script: str
    after: str  #: a regular expression; its match is kept unless `instead` is set
    text: str
    instead: bool = False

    def apply(self, lua: str) -> str:
        changed, found = re.subn(self.after, self._replacement, lua)
        if found != 1:
            raise EditFailed(
                f"script {self.script!r}: the text to edit is there {found} times, not once: {self.after!r}; "
                "the script was rewritten: mend benchmarks/chaos/processes/scripts.py"
            )
        return changed

    def _replacement(self, match: re.Match[str]) -> str:
        return self.text if self.instead else match[0] + self.text


def _entry(what: str, *fields: str) -> str:
    """Lua code that appends to the audit; each field is `name=expression`."""
    pairs = (field.split("=", 1) for field in (f"what='{what}'", "job=job.id", *fields))
    flat = ", ".join(f"'{name}', tostring({value} or '')" for name, value in pairs)
    return f"redis.call('XADD', key('{STREAM}'), '*', {flat})\n"


#: The one function that ends a job, whichever script calls it.
FINISH = r"local function finish\(job, state, outcome, announced, cause\)\n"
ENDS = _entry("end", "token=job.token", "state=state", "attempt=job.attempt", "round=job.round")

#: Scripts that are known to end jobs; any other script that has `finish` is audited too.
ENDING = ("cancel", "claim", "close_run", "commit", "settle", "sweep", "take_ready")

#: The edits for the other entries of the audit.
AUDIT = (
    Edit(
        "claim",
        r"(?=return granted\(job, job\.attempt \+ 1\b)",
        _entry("claim", "token=token", "worker=worker", "attempt=job.attempt + 1", "lease=lease_ms"),
    ),
    Edit(
        "commit",
        r"redis\.call\('HSET', key\('state', job\.id\), 'committed', token\)\n",
        _entry("commit", "token=token"),
    ),
    Edit(
        "hand_back",
        r"\nput_back\(job, NOW_MS\)\n",
        _entry("back", "token=job.token"),
    ),
    # Bundles fifty times as large as the product's, because a machine whose processes are killed is slow.
    Edit("take_ready", r"local BUNDLE_S = .*\n", "local BUNDLE_S = 5\n", instead=True),
)

#: A sweep that loads all jobs before it ends the first one, although ending one moves others elsewhere.
STALE = """local function each_overdue(index, before_ms, mend, counted)
  local jobs = {}
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', index, '-inf', before_ms, 'LIMIT', 0, limit - looked)) do
    looked = looked + 1
    jobs[#jobs + 1] = load_from(index, id, counted)
  end
  for _, job in ipairs(jobs) do mend(job) end
end
"""

#: Planted faults: each takes away what prevents one kind of violation.
PLANTS = {
    "no-fence": (
        Edit("commit", r"job\.state ~= 'running' or job\.token ~= token", "false", instead=True),
        Edit("renew", r"job\.state == 'running' and job\.token == ARGV\[i \+ 1\]", "true", instead=True),
    ),
    "no-renewal": (Edit("renew", r"local lease_ms, lost = .*\n", "do return {} end\n"),),
    "stale-sweep": (
        Edit("sweep", r"local function each_overdue\([\s\S]*?\nend\n", STALE, instead=True),
        Edit(
            "take_ready", r"if job and not ENDED\[job\.state\] then return job end", "if job then return job end", True
        ),
    ),
    "no-sweep": (Edit("sweep", r"local looked, sent = 0, \{0\}\n", "do return sent end\n"),),
}

#: The kinds of violations that show each fault.
GIVES_AWAY = {
    "no-fence": ("twice", "stale"),
    "no-renewal": ("lease",),
    "no-sweep": ("hanging",),
    "stale-sweep": ("twice", "hanging"),
}


def gives_away(plant: str, kinds: Mapping[str, int]) -> bool:
    """Whether violations of these kinds (with their counts) are those that the fault causes."""
    return any(kinds.get(kind) for kind in GIVES_AWAY[plant])


def put_in(plant: str | None) -> None:
    """Give every ledger that this process makes from now on these scripts. It raises EditFailed."""
    texts = audited(plant)
    scripts.load = texts.__getitem__  # type: ignore[assignment]  # the ledger asks it when it is made


@contextmanager
def watched(plant: str | None) -> Iterator[None]:
    """Give the ledgers that are made within the context these scripts."""
    load = scripts.load
    put_in(plant)
    try:
        yield
    finally:
        scripts.load = load


def audited(plant: str | None) -> dict[str, str]:
    """Return all scripts by name, edited. It raises EditFailed."""
    texts = {name: scripts.load(name) for name in scripts.SCRIPTS}
    for edit in (*AUDIT, *(PLANTS[plant] if plant else ())):
        texts[edit.script] = edit.apply(texts[edit.script])
    ending = [name for name, text in texts.items() if name in ENDING or "function finish(" in text]
    return texts | {name: Edit(name, FINISH, ENDS).apply(texts[name]) for name in ending}
