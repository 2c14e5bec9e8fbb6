"""The job types of chaos, each from a number to a number, and the answers that the harness itself computes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

QUICK, FLAKY, SLOW, PICKY = "quick", "flaky", "slow", "picky"
SAME, KEPT, LATE, LATER = "same", "kept", "late", "later"
ALL = (QUICK, FLAKY, SLOW, PICKY, SAME, KEPT, LATE, LATER)
ATTEMPTS = 20  #: the most that a manifest allows, since kills must not use up a job's attempts
SLOW_S = 4.5  #: longer than a lease in chaos
EVERY = 7  #: multiples of it fail in type `later` until the harness releases them

MANIFEST = """name = "{name}"
version = "1.0.0"
description = "For chaos."
engine = "function"
function = "work.py:work"
[limits]
attempts = {attempts}
timeout_s = 120
"""
REUSE = {
    SAME: "[reuse]\nunique = true\n",
    KEPT: "[reuse]\ncache_s = 3600\n",
    LATE: "[reuse]\nunique = true\ncache_s = 3600\n",
}
NUMBER = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}
WORK = "import time\n\n\ndef work(input):\n    {lines}\n"
LINES = {
    QUICK: ("time.sleep(0.01)", 'return {"n": input["n"] ** 2 % 10_007}'),
    FLAKY: ("time.sleep(0.01)", 'return {"n": input["n"] + 1}'),
    SLOW: (f"time.sleep({SLOW_S})", 'return {"n": input["n"] + 2}'),
    PICKY: ('1 / (input["n"] % 5)', 'return {"n": input["n"] + 3}'),
    SAME: ("time.sleep(0.05)", 'return {"n": input["n"] + 4}'),
    KEPT: ("time.sleep(0.01)", 'return {"n": input["n"] + 5}'),
    LATE: ("time.sleep(0.2)", 'return {"n": input["n"] + 6}'),
    LATER: ("time.sleep(0.01)", 'return {"n": input["n"] + 7}'),
}

#: The answer that each type must give; None if it must fail.
ANSWERS: dict[str, Callable[[int], int | None]] = {
    QUICK: lambda n: n * n % 10_007,
    FLAKY: lambda n: n + 1,
    SLOW: lambda n: n + 2,
    PICKY: lambda n: n + 3 if n % 5 else None,
    SAME: lambda n: n + 4,
    KEPT: lambda n: n + 5,
    LATE: lambda n: n + 6,
    LATER: lambda n: n + 7,
}


def write_types(folder: Path) -> None:
    for name, lines in LINES.items():
        home = folder / name
        home.mkdir(parents=True)
        (home / "specialist.toml").write_text(MANIFEST.format(name=name, attempts=ATTEMPTS) + REUSE.get(name, ""))
        (home / "work.py").write_text(WORK.format(lines="\n    ".join(lines)))
        for side in ("input", "output"):
            (home / f"{side}.schema.json").write_text(json.dumps(NUMBER))
