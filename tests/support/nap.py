"""The job type `nap`, a function that takes as long as its input says."""

from __future__ import annotations

import json
from pathlib import Path

MANIFEST = 'name = "nap"\nversion = "1.0.0"\ndescription = "Naps."\nengine = "function"\nfunction = "nap.py:nap"\n'
NAP = """
import time
def nap(input):
    time.sleep(input["seconds"])
    return {"slept": input["seconds"]}
"""


def nap_in(folder: Path, source: str = NAP) -> Path:
    """Writes the specialist's folder into `folder`, and returns it. `source` has a function `nap`."""
    nap = folder / "nap"
    nap.mkdir()
    (nap / "specialist.toml").write_text(MANIFEST)
    (nap / "nap.py").write_text(source)
    for side, name in (("input", "seconds"), ("output", "slept")):
        schema = {
            "type": "object",
            "properties": {name: {"type": "number"}},
            "required": [name],
            "additionalProperties": False,
        }
        (nap / f"{side}.schema.json").write_text(json.dumps(schema))
    return nap
