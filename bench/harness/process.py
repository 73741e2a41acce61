"""Runs one process to its end and notes when each line of it came, how much memory it took, and who else was busy."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass

from . import machine


@dataclass
class Outcome:
    """Seconds count from just before the process was started."""

    exit_code: int
    wall_seconds: float
    peak_bytes: int  # the largest resident size of the whole process
    events: list  # (seconds, event) for each line that is a JSON object with an "event"
    stray: list  # lines that are not
    stderr_tail: str
    timed_out: bool
    others_share: object  # what other processes took meanwhile of the machine's processor time; None where unknown


def gist(stderr):
    """The line of an error output that says what is wrong: the first with "error:" in it, or else the last."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    return next((line for line in lines if line.startswith("error")), lines[-1] if lines else "")


def run(command, timeout, env=None, threads=None):
    """Runs it on the first `threads` cores, where the system can bind a process to cores (Linux).

    Peak memory is the kernel's own figure for this one process (wait4). A child begins as a copy of its parent, so the
    figure is never below this driver's own size, some 20 MB: the driver imports nothing big."""
    events, stray = [], []
    timed_out = threading.Event()
    with tempfile.TemporaryFile() as stderr:
        busy = machine.busy_seconds()
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, stdin=subprocess.DEVNULL,
                                   env=env, preexec_fn=machine.binding(threads))

        def stop():
            timed_out.set()
            process.send_signal(signal.SIGKILL)

        timer = threading.Timer(timeout, stop)
        timer.start()
        try:
            for line in process.stdout:
                seconds = time.perf_counter() - start
                try:
                    event = json.loads(line)
                    event["event"]
                    events.append((seconds, event))
                except (ValueError, KeyError, TypeError):
                    stray.append(line.decode(errors="replace").rstrip())
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.perf_counter() - start
            process.returncode = os.waitstatus_to_exitcode(status)
        except BaseException:
            process.kill()
            raise
        finally:
            timer.cancel()
            process.stdout.close()
        stderr.seek(0)
        tail = stderr.read().decode(errors="replace")[-2000:].strip()
    others = None
    if busy is not None:
        own = usage.ru_utime + usage.ru_stime
        others = max(0.0, machine.busy_seconds() - busy - own) / (wall * os.cpu_count())
    unit = 1 if sys.platform == "darwin" else 1024
    return Outcome(process.returncode, wall, usage.ru_maxrss * unit, events, stray, tail, timed_out.is_set(), others)
