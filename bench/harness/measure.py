"""Runs an axis: each round goes through all points and systems once, and through Furlough oftener; every other round in reverse."""

import shutil
import sys
import tempfile
from pathlib import PurePosixPath

from . import data, install, job, special, systems
from .axes import saved

SPECIAL = {"monte-carlo": special.monte_carlo, "kernel": special.kernel, "install": install.install}
BUSY = 0.05  # more of the machine than this for others, and the times are not worth showing


def run(name, axis, chosen, rounds, folder, paths, save):
    """`save` is called after each run with all that has been measured of this axis, so that stopping loses nothing."""
    keys = [key for key in axis.systems if key in chosen]
    rounds = rounds or axis.rounds
    found = {"rounds": rounds, "points": saved(axis), "commands": commands(axis, keys), "matmul": [], "runs": []}
    failed = set()
    scratch = tempfile.mkdtemp(prefix="furlough-data-")
    try:
        for number in range(max([rounds, *(axis.often.get(key, 0) for key in keys)])):
            for point, key in order(axis, keys, number, rounds):
                if (point.name, key) in failed:
                    continue
                if name == "tutorial" and key == "furlough" and all(rate["round"] != number for rate in found["matmul"]):
                    found["matmul"] += (rounded({"round": number} | rate) for rate in special.matmul_rate(point.job.threads, paths))
                runs = one(axis, point, key, number, folder, scratch, paths)
                for result in runs:
                    found["runs"].append(rounded({"point": point.name, "system": key, "round": number} | result))
                    tell(name, point, number, rounds_of(axis, key, rounds), found["runs"][-1], axis)
                if any(result["failure"] for result in runs):
                    failed.add((point.name, key))
                save(found)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return found


def rounded(run):
    """A run as it is kept: eight significant digits are more than any table shows."""
    return {key: float(f"{value:.8g}") if isinstance(value, float) else value for key, value in run.items()}


def rounds_of(axis, key, rounds):
    """How many rounds a system runs."""
    return 1 if key in axis.once else max(rounds, axis.often.get(key, 0))


def order(axis, keys, number, rounds):
    """Points that are divided by each other follow each other; all else alternates between systems."""
    group = 2 if axis.quotient else 1
    points = [axis.points[start : start + group] for start in range(0, len(axis.points), group)]
    keys = [key for key in keys if number < rounds_of(axis, key, rounds)]
    if axis.kind == "train" and not axis.quotient:
        keys = with_furlough_near(keys)
    pairs = [(point, key) for group in points for key in keys for point in (group if number % 2 == 0 else group[::-1])]
    return pairs if number % 2 == 0 else pairs[::-1]


def with_furlough_near(keys):
    """Furlough before and after every two others, so that none is compared with a run from when the machine was faster or slower."""
    others = [key for key in keys if key != "furlough"]
    if "furlough" not in keys or not others:
        return keys
    return [key for start in range(0, len(others), 2) for key in ("furlough", *others[start : start + 2])] + ["furlough"]


def one(axis, point, key, number, folder, scratch, paths):
    if measure := SPECIAL.get(axis.kind):
        return measure(key, point.job, number, folder, paths)
    rows = data.with_rows(folder, point.job.rows, scratch)
    result = job.run(key, point.job, number, rows, paths)
    if not result["failure"]:
        result["value"] *= axis.per / (point.job.rows if axis.per_row else 1)
    return [{"label": systems.SYSTEMS[key].label} | result]


def commands(axis, keys):
    """The command lines at each axis' first point, with what is this machine's alone left out."""
    if axis.kind not in ("train", "monte-carlo"):
        return []
    rust = {key: f"bench/peers/rust/target/release/{systems.SYSTEMS[key].program}" for key in keys if systems.SYSTEMS[key].kind == "rust"}
    rust |= {"tch": f"bench/peers/rust/tch-peer/target/release/{systems.SYSTEMS['tch'].program}"}
    names = {"furlough": "target/release/furlough", "python": "python", "peers": PurePosixPath("bench/peers/python")} | rust
    return [" ".join(job.command(key, axis.points[0].job, "ROUND", "DATA", names, "OUT")) for key in keys]


def tell(name, point, number, rounds, run, axis):
    head = f"{name}, round {number + 1} of {rounds}, {point.name}, {run['label']}"
    if run["failure"]:
        print(f"{head}: FAILED: {run['failure']}", file=sys.stderr, flush=True)
        return
    loss = f", loss {run['train_loss']:.4f}" if "train_loss" in run else ""
    busy = run.get("others_share")
    noisy = f" (other processes took {busy:.0%} of the machine)" if busy is not None and busy > BUSY else ""
    print(f"{head}: {run['value']:.4g} {axis.figure}{loss}{noisy}", file=sys.stderr, flush=True)
