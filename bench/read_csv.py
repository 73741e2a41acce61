#!/usr/bin/env python3
"""Reading a CSV file beside pandas and polars, in turns, in one run: megabytes a second, the best and the median.

    python3 bench/read_csv.py                  writes 200 MB to a temporary folder; builds the benchmark first
    python3 bench/read_csv.py --program FILE   takes a benchmark that is built, target/release/deps/csv-…

The table: 18 columns of numbers with gaps, one quoted text, one label (crates/furlough-tables/benches/csv.rs).
All parse the numbers. pandas and polars run in an interpreter that has them (--python). pandas' C engine has one thread.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
PEER = """
import importlib, sys, time
name, path = sys.argv[1:]
peer = importlib.import_module(name)
read = {"pandas": lambda: peer.read_csv(path, engine="c"), "polars": lambda: peer.read_csv(path)}[name]
read()
begin = time.perf_counter()
table = read()
print(time.perf_counter() - begin, peer.__version__, *table.shape)
"""


def built():
    command = ["cargo", "bench", "-p", "furlough-tables", "--bench", "csv", "--no-run", "--message-format", "json"]
    lines = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True).stdout.splitlines()
    return [found["executable"] for found in map(json.loads, lines) if found.get("executable")][-1]


def ours(program, path):
    """Seconds with one thread and with two: the benchmark's own lines."""
    out = subprocess.run([program, path], stdout=subprocess.PIPE, check=True, text=True).stdout
    return [float(seconds) for seconds in re.findall(r"threads?: .* ([\d.]+) s", out)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--program", help="the benchmark, when it is built already")
    parser.add_argument("--python", default=sys.executable, help="an interpreter with pandas and polars (this one)")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    program = args.program or built()
    seconds = {}
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "table.csv")
        subprocess.run([program, "--write", path], check=True)
        megabytes = Path(path).stat().st_size / 1e6
        for _ in range(args.rounds):
            for name, found in zip(("furlough, 1 thread", "furlough, 2 threads"), ours(program, path)):
                seconds.setdefault(name, []).append(found)
            for name in ("pandas", "polars"):
                command = [args.python, "-c", PEER, name, path]
                found = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout.split()
                seconds.setdefault(f"{name} {found[1]}", []).append(float(found[0]))
    print(f"{megabytes:.0f} MB\n\n| reader | MB/s, best | MB/s, median |\n|---|---|---|")
    for name, found in seconds.items():
        print(f"| {name} | {megabytes / min(found):.0f} | {megabytes / median(found):.0f} |")


if __name__ == "__main__":
    main()
