"""`python -m benchmarks.structure`: the hops of a goal and of its job, and the sizes of the four packages."""

from __future__ import annotations

import sys

from benchmarks.structure.hops import measure_hops
from benchmarks.structure.sizes import measure_sizes


def main() -> None:
    """Print both measurements, or only that of the argument `hops` or `sizes`."""
    wanted = sys.argv[1:] or ["hops", "sizes"]
    if "hops" in wanted:
        for hops in measure_hops():
            print(hops, end="\n\n")
    if "sizes" in wanted:
        for size in measure_sizes():
            print(size)


if __name__ == "__main__":
    main()
