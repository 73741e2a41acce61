#!/usr/bin/env python3
"""Furlough beside the systems that a user would pick instead, on the same jobs, in turns: bench/README.md says how it measures.

    python3 bench/compare.py --setup      installs the peers into bench/.venv
    python3 bench/compare.py              measures everything but what peers take on disk, some 90 minutes on two cores

The exit code is 0 if every run ended and learned what it should, 1 if not, 2 if it could not begin, 130 if it was stopped: what had been
measured by then is written. SIGTERM stops it as Ctrl-C does.
"""

import argparse
import datetime
import gzip
import json
import signal
import sys
from pathlib import Path

from harness import builds, data, machine, measure, pictures, summary, tables
from harness.axes import AXES, BY_DEFAULT, quick, restored
from harness.systems import SYSTEMS

HERE = Path(__file__).resolve().parent
RESULTS = "results.json.gz"  # in each folder


class CannotBegin(Exception):
    """Nothing was measured, and why."""


def main():
    args = arguments()
    if args.setup:
        builds.set_up()
        return 0
    python = builds.python(args.python)
    about, now = machine.describe(builds.ROOT), datetime.datetime.now(datetime.timezone.utc)
    out = args.out or HERE / "results" / f"{now.date().isoformat()}-{machine.slug(about['cpu'])}"
    out.mkdir(parents=True, exist_ok=True)
    results = before(out)
    if args.render:
        return render(results, out, python)
    axes, chosen = names(args.axes or ",".join(BY_DEFAULT), AXES, "axis"), names(args.systems, SYSTEMS, "system")
    folder, looked = data.find(args.data_dir)
    if folder is None:
        raise CannotBegin("no folder has the four Fashion-MNIST files; looked in " + ", ".join(map(str, looked))
                          + ". Run `furlough data fetch fashion-mnist`, or give --data-dir.")
    wanted = {key for name in axes for key in AXES[name].systems if key in chosen}
    paths = {"python": python, "peers": HERE / "peers/python"} | builds.rust_peers(wanted)
    paths["furlough"] = builds.furlough(args.furlough)
    if not paths["furlough"]:
        raise CannotBegin("Furlough does not build")
    common = {
        "date": now.date().isoformat(),
        "command": "python3 bench/compare.py" + "".join(f" --{flag} {getattr(args, flag)}" for flag in ("axes", "systems", "rounds")
                                                        if getattr(args, flag)) + (" --quick" if args.quick else ""),
        "machine": about,
        "versions": builds.versions(wanted, paths),
    }
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        for name in axes:
            axis = quick(AXES[name]) if args.quick else AXES[name]

            def save(found, whole=False):
                results["axes"][name] = common | {"whole": whole} | found
                store(results, out)

            complete = not (args.quick or args.systems or args.rounds)
            save(measure.run(name, axis, chosen, args.rounds, folder, paths, save), complete)
    except KeyboardInterrupt:
        tell("stopped")
        render(results, out, python)
        return 130
    return render(results, out, python, axes)


def before(out):
    """What the folder has already; nothing if it is new, or from the time before there were axes."""
    file = out / RESULTS
    results = json.loads(gzip.decompress(file.read_bytes())) if file.exists() else {}
    return results if "axes" in results else {"axes": {}}


def render(results, out, python, judged=()):
    text = tables.document(results)
    (out / "table.md").write_text(text)
    if problem := pictures.write(results, out, python, HERE / "harness/draw.py"):
        tell(f"no charts: {problem.splitlines()[-1]}")
    print(text)
    tell(f"written to {out}")
    bad = 0
    for name in judged:
        for row in summary.rows(restored(name, results["axes"][name]), results["axes"][name]["runs"]):
            if row["failure"] or row["validity"] == "INVALID":
                bad += 1
                tell(f"{name}, {row['point']}, {row['label']}: {row['failure'] or 'its final train loss is not what the job gives'}")
    return 1 if bad else 0


def store(results, out):
    """Writes the results whole or not at all, one run a line, without spaces."""
    file = out / f"{RESULTS}.part"
    lines = []
    for name, axis in results["axes"].items():
        runs = ",\n".join(compact(run) for run in axis["runs"])
        head = compact({key: value for key, value in axis.items() if key != "runs"})[1:-1]
        lines.append(f'"{name}":{{{head},"runs":[\n{runs}\n]}}')
    text = '{"axes":{\n' + ",\n".join(lines) + "\n}}\n"
    file.write_bytes(gzip.compress(text.encode(), mtime=0))
    file.replace(out / RESULTS)


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def names(given, known, kind):
    asked = given.split(",") if given else list(known)
    if unknown := [name for name in asked if name not in known]:
        raise CannotBegin(f"there is no {kind} {', '.join(unknown)}; there are {', '.join(known)}")
    return asked


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--axes", help=f"which to measure, by commas: {', '.join(AXES)} (all but install)")
    parser.add_argument("--systems", help=f"which to run: {', '.join(SYSTEMS)} (all)")
    parser.add_argument("--rounds", type=positive, help="how often each system runs, instead of each axis' own number")
    parser.add_argument("--quick", action="store_true", help="little work, to see that all runs: its figures mean little")
    parser.add_argument("--out", type=Path, help="folder of the results, new or to be added to (bench/results/DATE-CPU)")
    parser.add_argument("--furlough", type=Path, help="a furlough program to measure, instead of building this one")
    parser.add_argument("--python", help="an interpreter with bench/requirements.txt (bench/.venv's, if that is there)")
    parser.add_argument("--data-dir", type=Path, help="folder of the four Fashion-MNIST files, plain or .gz")
    parser.add_argument("--setup", action="store_true", help="install the Python peers into bench/.venv, and PyTorch for tch, and do nothing else")
    parser.add_argument("--render", action="store_true", help="make tables and charts again from the results, and do nothing else")
    return parser.parse_args()


def positive(text):
    if (number := int(text)) < 1:
        raise ValueError
    return number


def tell(text):
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except CannotBegin as error:
        tell(f"error: {error}")
        sys.exit(2)
