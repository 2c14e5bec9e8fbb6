"""The command line as a whole: what it says of settings that cannot be read."""

from __future__ import annotations

import os
import subprocess
import sys


def test_a_bad_setting_ends_any_command_with_one_sentence() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from infra.cli import main; main()", "weights", "smollm2-135m"],
        env=os.environ | {"MANYHANDS_SPECIALISTS": "/a/path"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == 'error: MANYHANDS_SPECIALISTS: must be JSON: a list of folders, such as ["/srv/mood"]\n'
