#!/usr/bin/env python3
"""How many rows a second `furlough predict` answers, from CSV and NPY with 20 columns of numbers.

    cargo build --release
    python3 bench/predict.py [FURLOUGH]

Needs NumPy and 300 MB for temporary files. Close everything else first.
"""

import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

ROWS, COLUMNS, ROUNDS = 1_000_000, 20, 3


def write_csv(path, names, columns):
    with open(path, "w") as file:
        file.write(",".join(names) + "\n")
        for begin in range(0, len(columns[0]), 50_000):
            part = [column[begin:begin + 50_000] for column in columns]
            for row in zip(*part):
                file.write(",".join(f"{cell:.5g}" if isinstance(cell, np.floating) else cell for cell in row) + "\n")


def main():
    furlough = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "target/release/furlough").resolve()
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, COLUMNS)).astype(np.float32)
    names = [f"x{column}" for column in range(COLUMNS)]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        np.save(folder / "rows.npy", x)
        write_csv(folder / "rows.csv", names, list(x.T))
        few = x[:20_000]
        label = ["yes" if truth else "no" for truth in few[:, 0] + few[:, 1] * few[:, 2] > 0.3]
        write_csv(folder / "train.csv", [*names, "y"], [*few.T, label])

        def run(*words):
            begin = time.perf_counter()
            subprocess.run([furlough, *words, "--quiet"], cwd=folder, check=True)
            return time.perf_counter() - begin

        run("train", "train.csv", "--target", "y", "--hidden", "256,256", "--epochs", "1", "--out", "run")
        print("| from | threads | rows a second | with --proba |\n|---|---|---|---|")
        for kind in ["csv", "npy"]:
            for threads in ["1", "2"]:
                words = ["predict", "run", f"rows.{kind}", "--threads", threads, "--out", "answers.csv"]
                best = [min(run(*words, *more) for _ in range(ROUNDS)) for more in [[], ["--proba"]]]
                plain, proba = [f"{ROWS / seconds:,.0f}" for seconds in best]
                print(f"| {kind.upper()} | {threads} | {plain} | {proba} |", flush=True)


if __name__ == "__main__":
    main()
