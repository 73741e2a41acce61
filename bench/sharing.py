#!/usr/bin/env python3
"""What sharing masks costs in accuracy: the same seeds with a mask an example, a group of 16, of 64 and a batch, at several widths.

    python3 bench/sharing.py --out bench/results/sharing

trains every combination that OUT/runs.json does not have yet and writes OUT/table.md: differences to the mask an example, seed by seed, at
equal epochs and at equal time. Steps are computed in bfloat16 by default, where sharing saves no time but the masks are the same; equal time
is therefore reckoned with the seconds a step takes in single precision, measured on a part of the rows, the least of three turns. Accuracies do
not depend on the machine, times do: --runs-of takes the trainings of another folder, so that only times are measured.
"""

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
from collections import ChainMap
from pathlib import Path

from harness import data

ROOT = Path(__file__).resolve().parent.parent
SHARING = ["per-example", "16", "64", "batch"]
TURNS = 3
# Two-sided 95 % of Student's t, by degrees of freedom.
T = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262}


def main():
    args = arguments()
    args.data_dir, looked = data.find(args.data_dir)
    if args.data_dir is None:
        sys.exit(f"error: the four Fashion-MNIST files are not in {' or '.join(map(str, looked))}; see furlough data fetch")
    args.out.mkdir(parents=True, exist_ok=True)
    saved = args.out / "runs.json"
    found = json.loads(saved.read_text()) if saved.exists() else {"runs": {}, "step_seconds": {}}
    settings = f"dropout {args.dropout}, lr {args.lr}, {args.init}, {args.precision}"
    if found.setdefault("settings", settings) != settings:
        sys.exit(f"error: {saved} is of another experiment: {found['settings']}; give another --out")

    runs = ChainMap(found["runs"])
    if args.runs_of:
        file = args.runs_of / "runs.json"
        if not file.is_file():
            sys.exit(f"error: there is no {file}; --runs-of wants the --out of an earlier run of this script")
        others = json.loads(file.read_text())
        if others["settings"] != settings:
            sys.exit(f"error: {args.runs_of} is of another experiment: {others['settings']}")
        runs.maps.append(others["runs"])

    def keep():
        saved.write_text(json.dumps(found, separators=(",", ":"), sort_keys=True).replace('],"', '],\n"') + "\n")

    names = {f"{width}, {sharing}": (width, sharing) for width, _ in args.widths for sharing in SHARING}
    seconds = {name: math.inf for name in names if name not in found["step_seconds"]}
    for _ in range(TURNS):
        for name in seconds:
            seconds[name] = min(seconds[name], step_seconds(args, *names[name]))
            print(f"{name}: {seconds[name]:.2f} s an epoch in single precision", file=sys.stderr)
    found["step_seconds"] |= {name: float(f"{value:.6g}") for name, value in seconds.items()}
    keep()
    for width, epochs in args.widths:
        for seed in range(args.seeds):
            for sharing in SHARING:
                name = f"{width}, {sharing}, {seed}"
                if len(runs.get(name, [])) < epochs:
                    records = train(args, width, sharing, seed, epochs, ["--precision", args.precision])
                    runs[name] = [record["test_accuracy"] for record in records]
                    keep()
                    print(f"{name}: {100 * runs[name][-1]:.2f} %", file=sys.stderr)
    text = table(runs, found, args)
    (args.out / "table.md").write_text(text)
    print(text)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="folder of the results, new or to be gone on with")
    parser.add_argument("--runs-of", type=Path, help="folder of results with the same settings, whose trainings are not done again")
    parser.add_argument("--seeds", type=int, default=5, help="paired seeds (5)")
    parser.add_argument("--widths", type=widths, default=widths("256:10,1024:10,4096:3"), help="width:epochs,… (256:10,1024:10,4096:3)")
    parser.add_argument("--dropout", default="0.5", help="drop probability of both hidden layers (0.5)")
    parser.add_argument("--lr", default="0.1", help="learning rate (0.1)")
    parser.add_argument("--init", default="kaiming", help="initialisation (kaiming)")
    parser.add_argument("--precision", default="bf16", help="of the runs whose accuracy counts (bf16)")
    parser.add_argument("--furlough", type=Path, default=ROOT / "target/release/furlough", help="the program")
    parser.add_argument("--data-dir", type=Path, help="folder of the four Fashion-MNIST files, plain or .gz")
    return parser.parse_args()


def widths(text):
    return [tuple(int(number) for number in pair.split(":")) for pair in text.split(",")]


def train(args, width, sharing, seed, epochs, more, folder=None):
    with tempfile.TemporaryDirectory() as parent:
        out = Path(parent, "run")
        where = ["--data", "idx", "--data-dir", folder] if folder else ["--data-dir", args.data_dir]
        words = [args.furlough, "train", "--quiet", "--out", out, "--hidden", f"{width},{width}", "--dropout", args.dropout, "--lr", args.lr,
                 "--init", args.init, "--epochs", epochs, "--seed", seed, "--dropout-sharing", sharing, *where, *more]
        subprocess.run([str(word) for word in words], check=True)
        return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


def step_seconds(args, width, sharing):
    """Seconds of an epoch of 60,000 in single precision, from the least of three epochs on a tenth of them or less."""
    rows = 6144 if width < 2048 else 10_240  # a checkpoint of 80 MB an epoch must not count
    with tempfile.TemporaryDirectory() as scratch:
        folder = data.with_rows(args.data_dir, rows, scratch)
        return min(record["seconds"] for record in train(args, width, sharing, 0, 3, [], folder)) * 60_000 / rows


def table(runs, found, args):
    lines = [
        f"{args.seeds} paired seeds, {found['settings']}. Test accuracy in percent: mean over the seeds, then the difference to a mask an example,",
        "seed by seed, with its 95 % confidence interval (Student's t).", "",
        "| hidden layers | epochs | masks shared by | s an epoch, f32 | test accuracy | difference at equal epochs | at equal time |", "|---|---|---|---|---|---|---|",
    ]
    for width, epochs in args.widths:
        base = [runs[f"{width}, per-example, {seed}"] for seed in range(args.seeds)]
        base_time = found["step_seconds"][f"{width}, per-example"]
        for sharing in SHARING:
            own = [runs[f"{width}, {sharing}, {seed}"] for seed in range(args.seeds)]
            time = found["step_seconds"][f"{width}, {sharing}"]
            last = [100 * run[epochs - 1] for run in own]
            cells = [f"{width}, {width}", str(epochs), {"per-example": "nobody", "batch": "the batch"}.get(sharing, sharing), f"{time:.2f}", f"{statistics.mean(last):.2f}"]
            if sharing == "per-example":
                cells += ["–", "–"]
            else:
                cells.append(interval([a - 100 * b[epochs - 1] for a, b in zip(last, base)]))
                # As many epochs of the other as this one's take.
                others = round(epochs * time / base_time)
                cells.append(f"{interval([a - 100 * b[others - 1] for a, b in zip(last, base)])} ({epochs} against {others} epochs)"
                             if 1 <= others <= epochs else "as at equal epochs")
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def interval(differences):
    half = T[len(differences) - 1] * statistics.stdev(differences) / math.sqrt(len(differences))
    return f"{statistics.mean(differences):+.2f} ± {half:.2f}"


if __name__ == "__main__":
    main()
