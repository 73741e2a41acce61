#!/usr/bin/env python3
"""What dropout costs in Furlough: short runs of the tutorial's job with and without it, in turns, and the quotient of each pair.

The cost is a few percent and a shared machine's speed drifts by more than that within a run of ten epochs, so `tutorial.py` cannot
see it well; many short pairs can.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def seconds(arguments, dropout, seed):
    """The epochs' seconds of one run."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        command = [arguments.furlough, "train", "--quiet", "--out", out, "--epochs", "2", "--seed", seed,
                   "--threads", arguments.threads, "--hidden", arguments.hidden, "--dropout", dropout]
        subprocess.run([str(word) for word in command], check=True)
        return [json.loads(line)["seconds"] for line in (out / "metrics.jsonl").read_text().splitlines()]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=24, help="pairs of runs, two epochs each (24)")
    parser.add_argument("--threads", type=int, default=2, help="threads (2)")
    parser.add_argument("--hidden", default="256,256", help="widths of the hidden layers (256,256)")
    parser.add_argument("--dropout", default="0.2,0.5", help="drop probabilities (0.2,0.5)")
    parser.add_argument("--furlough", default=ROOT / "target/release/furlough", help="the program")
    arguments = parser.parse_args()
    plain, dropped = [], []
    for pair in range(arguments.pairs):
        order = [("0", plain), (arguments.dropout, dropped)]
        for dropout, times in order if pair % 2 else reversed(order):
            times.append(seconds(arguments, dropout, pair))
    ratios = [sum(with_it) / sum(without) for with_it, without in zip(dropped, plain)]
    low, middle, high = statistics.quantiles(ratios, n=4)
    least = min(map(min, dropped)) / min(map(min, plain))
    print(f"time with dropout over time without, {arguments.pairs} pairs: median {middle:.3f}, "
          f"quartiles {low:.3f} and {high:.3f}; least over least {least:.3f}")


if __name__ == "__main__":
    main()
