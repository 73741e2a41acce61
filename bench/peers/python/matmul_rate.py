#!/usr/bin/env python3
"""How fast this machine multiplies: PyTorch's product of two 2048×2048 matrices, the median and the best of three seconds of them. Prints one JSON object."""

import argparse
import json
import statistics
import time

import torch

N = 2048


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=1)
    threads = parser.parse_args().threads
    torch.set_num_threads(threads)
    rates = {}
    for name, kind in (("f32", torch.float32), ("bf16", torch.bfloat16)):
        a, b = torch.rand(N, N).to(kind), torch.rand(N, N).to(kind)
        out = torch.empty(N, N, dtype=kind)
        times, until = [], time.perf_counter() + 3
        while time.perf_counter() < until:
            start = time.perf_counter()
            torch.mm(a, b, out=out)
            times.append(time.perf_counter() - start)
        rates[name], rates[f"best_{name}"] = (2 * N**3 / time / 1e9 for time in (statistics.median(times), min(times)))
    print(json.dumps({"threads": threads} | rates))


if __name__ == "__main__":
    main()
