"""The tether: a child process that does not outlive us, however we end. Knows not what it is for."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence

#: Has the kernel end the child when the thread that started it ends, then becomes the child: same pid, and none of our
#: code runs between fork and exec, which is not safe in a process with threads (so no `preexec_fn`).
_TETHER = """
import ctypes, os, sys
PR_SET_PDEATHSIG = 1
ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(sys.argv[2]))
if os.getppid() != int(sys.argv[1]):
    sys.exit("the process that wanted this one is gone")
os.execv(sys.argv[3], sys.argv[3:])
"""


def tethered(command: Sequence[str], end: signal.Signals = signal.SIGTERM) -> list[str]:
    """The command that has `command` get the signal `end` when the thread that starts it ends. Where there is no
    Linux, `command` itself."""
    if sys.platform != "linux":
        return list(command)
    return [sys.executable, "-I", "-S", "-c", _TETHER, str(os.getpid()), str(int(end)), *command]
