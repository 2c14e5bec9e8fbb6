"""The tether: a child process that does not outlive us, however we end. Does not know what the child is for."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence

#: A program that asks the kernel to end it when the thread that started it ends, and then becomes the child. The pid
#: stays the same, and none of our code runs between fork and exec, where it would not be safe in a process with threads
#: (so there is no `preexec_fn`).
_TETHER = """
import ctypes, os, sys
PR_SET_PDEATHSIG = 1
ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(sys.argv[2]))
if os.getppid() != int(sys.argv[1]):
    sys.exit("the process that wanted this one is gone")
os.execv(sys.argv[3], sys.argv[3:])
"""


def tethered(command: Sequence[str], end: signal.Signals = signal.SIGTERM) -> list[str]:
    """A command that runs `command`, which gets the signal `end` when the thread that starts it ends. On systems other
    than Linux it is `command` itself."""
    if sys.platform != "linux":
        return list(command)
    return [sys.executable, "-I", "-S", "-c", _TETHER, str(os.getpid()), str(int(end)), *command]
