#!/usr/bin/env python3
"""Ways to write a peer, in turns on the tutorial's job: which is its best? bench/README.md has what this told.

    python3 bench/variants.py jax --rounds 5

prints a table of seconds an epoch and final losses, the fastest first. Needs the peers' environment and the data, as compare.py does.
"""

import argparse
import os
import sys
from pathlib import Path
from statistics import median

from harness import builds, data, job
from harness.systems import SYSTEMS, python

XLA = ("--xla_cpu_use_onednn=true", "--xla_cpu_enable_fast_math=true", "--xla_cpu_prefer_vector_width=512",
       "--xla_cpu_experimental_ynn_fusion_type=LIBRARY_FUSION_TYPE_DOT")
WAYS = {
    "pytorch": ("pytorch_tuned", [
        f"--precision {precision} --masks {masks}" for precision in ("f32", "autocast", "medium") for masks in ("module", "rand", "bernoulli", "words")
    ] + [f"--compile --precision {precision} --masks {masks}" for precision in ("f32", "autocast", "medium") for masks in ("module", "words")]),
    "jax": ("jax_tuned", [
        f"--generator {generator} --bits {bits}" for generator in ("threefry2x32", "rbg", "unsafe_rbg") for bits in (8, 16, 32)
    ] + ["--precision bf16", "--unroll 4"] + [f"{flag}{precision}" for flag in XLA for precision in ("", " --precision bf16")]),
    "keras": ("keras_fit", [
        f"--backend {backend} --steps-per-execution {steps}{jit}"
        for backend in ("jax", "tensorflow") for steps in (1, 32, 235) for jit in ("", " --no-jit")
    ]),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("peer", choices=list(WAYS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=4, help="a run; the first is not counted (4)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--python", help="an interpreter with bench/requirements.txt (bench/.venv's, if that is there)")
    parser.add_argument("--data-dir", type=Path, help="folder of the four Fashion-MNIST files, plain or .gz")
    args = parser.parse_args()
    folder, _ = data.find(args.data_dir)
    if folder is None:
        sys.exit("error: no folder has the four Fashion-MNIST files; give --data-dir")
    paths = {"python": builds.python(args.python), "peers": builds.BENCH / "peers/python"}
    program, ways = WAYS[args.peer]
    runs = {way: [] for way in ways}
    for number in range(args.rounds):
        for way in ways if number % 2 == 0 else ways[::-1]:
            words = way.split()
            os.environ["XLA_FLAGS"] = " ".join(word for word in words if word.startswith("--xla"))
            SYSTEMS[way] = python(way, program, *(word for word in words if not word.startswith("--xla")))
            runs[way].append(job.run(way, job.Job(epochs=args.epochs, threads=args.threads), number, folder, paths))
            print(f"round {number + 1}, {way}: {runs[way][-1]['failure'] or runs[way][-1]['value']}", file=sys.stderr, flush=True)
    print(table(runs))


def table(runs):
    lines = {}
    for way, of_way in runs.items():
        if failure := next((run["failure"] for run in of_way if run["failure"]), None):
            lines[float("inf"), way] = f"| `{way}` | **failed**: {failure} | | |"
            continue
        times = [run["value"] for run in of_way]
        lines[min(times), way] = f"| `{way}` | {min(times):.3f} | {median(times):.3f} | {of_way[0]['train_loss']:.4f} |"
    return "\n".join(["| variant | least s an epoch | median | train loss |", "|---|---|---|---|", *(lines[key] for key in sorted(lines))])


if __name__ == "__main__":
    main()
