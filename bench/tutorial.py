#!/usr/bin/env python3
"""The tutorial's job in Furlough and in PyTorch, in turns: seconds an epoch, memory, losses, and what dropout costs.

    python bench/tutorial.py

needs Rust, Python 3.9 or later, and an interpreter with bench/requirements.txt installed (--python). bench/README.md says how it
measures. The exit code is 0 if every run ended and learnt what it should, 1 if not, 2 if it could not begin.
"""

import argparse
import datetime
import json
import os
import subprocess
import sys
from pathlib import Path

from harness import job, machine, report

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
CACHE = os.environ.get("FURLOUGH_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "furlough")
DATA = [Path(CACHE, "fashion-mnist"), Path("/usr/share/datasets/fashion-mnist")]
FILES = [f"{part}-{kind}" for part in ("train", "t10k") for kind in ("images-idx3-ubyte", "labels-idx1-ubyte")]


class CannotBegin(Exception):
    """Nothing was measured, and why."""


def main():
    args = arguments()
    systems = args.systems.split(",")
    unknown = set(systems) - set(report.NAMES)
    if unknown:
        raise CannotBegin(f"there is no system {', '.join(sorted(unknown))}; there are {', '.join(report.NAMES)}")
    paths = {"data": data_folder(args.data_dir), "peer": HERE / "peers/pytorch_tuned.py", "python": args.python}
    versions = {}
    if "furlough" in systems:
        paths["furlough"] = args.furlough or build()
        versions["furlough"] = machine.said(str(paths["furlough"]), "--version").removeprefix("furlough ") or "unknown"
    if "pytorch" in systems:
        versions |= peer_versions(args.python)

    about = machine.describe(ROOT)
    settings = {"rounds": args.rounds, "epochs": args.epochs, "threads": args.threads}
    runs = measure(systems, settings, paths)

    rows = report.summarise(runs, args.epochs)
    now = datetime.datetime.now(datetime.timezone.utc)
    results = {
        "date": now.date().isoformat(),
        "finished": now.isoformat(timespec="seconds"),
        "machine": about,
        "others_share": report.others_share(runs),
        "versions": versions,
        "settings": settings,
        "commands": commands(systems, settings),
        "rows": list(rows.values()),
        "ratios": report.ratios(runs),
        "runs": runs,
    }
    out = args.out or HERE / "results" / f"{results['date']}-{machine.slug(about['cpu'])}"
    out.mkdir(parents=True, exist_ok=True)
    (out / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    text = report.table(results)
    (out / "table.md").write_text(text)
    print(text)
    tell(f"written to {out}")
    bad = [row for row in rows.values() if row["failure"] or row["validity"] == "INVALID"]
    for row in bad:
        tell(f"{report.NAMES[row['system']]}: {row['failure'] or 'the final train loss is not what the job gives'}")
    return 1 if bad else 0


def measure(systems, settings, paths):
    """Each round runs everything once, every other round in reverse; what has failed once is not run again."""
    jobs = [(system, dropout) for dropout in (True, False) for system in systems]
    runs, failed = [], set()
    for number in range(settings["rounds"]):
        for system, dropout in jobs if number % 2 == 0 else jobs[::-1]:
            if (system, dropout) in failed:
                continue
            run = job.run(system, dropout, number, settings, paths)
            runs.append(run)
            head = f"round {number + 1} of {settings['rounds']}: {report.NAMES[system]}, {'with' if dropout else 'no'} dropout"
            if run["failure"]:
                failed.add((system, dropout))
                tell(f"{head}: FAILED: {run['failure']}")
            else:
                peak = run["peak_bytes"] / 1e6
                tell(f"{head}: {run['epoch_seconds']:.3f} s an epoch, loss {run['train_loss']:.4f}, {peak:.0f} MB")
                if report.too_busy(run["others_share"]):
                    tell(f"warning: other processes took {run['others_share']:.0%} of the machine; this time means little")
    return runs


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=positive, default=5, help="how often each system runs (5)")
    parser.add_argument("--epochs", type=positive, default=job.EPOCHS, help="epochs a run; other than 10 is not the job (10)")
    parser.add_argument("--threads", type=positive, default=2, help="threads of each system (2)")
    parser.add_argument("--systems", default="furlough,pytorch", help="which to run (furlough,pytorch)")
    parser.add_argument("--data-dir", type=Path, help="folder of the four Fashion-MNIST files, plain or .gz")
    own = HERE / ".venv/bin/python"
    parser.add_argument("--python", default=str(own if own.exists() else sys.executable), help="interpreter that has PyTorch")
    parser.add_argument("--furlough", type=Path, help="a furlough program to measure, instead of building this one")
    parser.add_argument("--out", type=Path, help="folder for results.json and table.md (bench/results/DATE-CPU)")
    return parser.parse_args()


def positive(text):
    if (number := int(text)) < 1:
        raise ValueError
    return number


def data_folder(given):
    for folder in [given] if given else DATA:
        if all((folder / name).exists() or (folder / f"{name}.gz").exists() for name in FILES):
            return folder.resolve()
    looked = "\n  ".join(str(folder) for folder in ([given] if given else DATA))
    raise CannotBegin(f"no folder has the four Fashion-MNIST files; looked in\n  {looked}\nRun `furlough data fetch fashion-mnist`, or give --data-dir.")


def build():
    tell("building furlough")
    if subprocess.run(["cargo", "build", "--release", "--locked", "-p", "furlough-cli"], cwd=ROOT).returncode != 0:
        raise CannotBegin("the build failed")
    about = subprocess.run(["cargo", "metadata", "--format-version", "1", "--no-deps"], cwd=ROOT, capture_output=True, check=True)
    return Path(json.loads(about.stdout)["target_directory"], "release", "furlough")


def peer_versions(python):
    versions = machine.said(python, "-c", "import torch, numpy; print(torch.__version__, numpy.__version__)").split()
    if len(versions) != 2:
        raise CannotBegin(f"{python} has no PyTorch. In a virtual environment: pip install -r bench/requirements.txt; then give --python")
    return {"Python": machine.said(python, "--version").removeprefix("Python "), "torch": versions[0], "numpy": versions[1]}


def commands(systems, settings):
    """The command lines, with what is this machine's alone left out."""
    names = {"furlough": "target/release/furlough", "python": "python", "peer": "bench/peers/pytorch_tuned.py", "data": "DATA"}
    return [
        " ".join(job.command(system, dropout, "ROUND", settings, names, "OUT"))
        for system in systems
        for dropout in (True, False)
    ]


def tell(text):
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except CannotBegin as error:
        tell(f"error: {error}")
        sys.exit(2)
