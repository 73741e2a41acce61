"""How many threads compute."""

from __future__ import annotations

import os
import sys


def threads(asked: int | None) -> int:
    """Returns as many as asked for; otherwise as many as there are cores for this process.

    One, or what is left of the cores, where joblib runs several jobs side by side: its workers are told by
    environment variables, and its threads by the backend that is active.
    """
    if asked is not None:
        if asked < 1:
            raise ValueError(f"threads = {asked}: must be at least 1")
        return int(asked)
    count = _cores()
    for name in ("FURLOUGH_THREADS", "OMP_NUM_THREADS"):
        told = os.environ.get(name, "")
        if told.isdigit() and int(told) >= 1:
            count = min(count, int(told))
    parallel = sys.modules.get("joblib.parallel")
    if parallel is not None:
        backend, _ = parallel.get_active_backend()
        if getattr(backend, "nesting_level", 0):
            return 1
    return count


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1
