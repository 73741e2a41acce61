#!/usr/bin/env python3
"""How fast this machine multiplies: PyTorch's product of two 2048×2048 float32 matrices, the best of many. Prints one JSON object."""

import argparse
import json
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
        best, until = float("inf"), time.perf_counter() + 3
        while time.perf_counter() < until:
            start = time.perf_counter()
            torch.mm(a, b, out=out)
            best = min(best, time.perf_counter() - start)
        rates[name] = 2 * N**3 / best / 1e9
    print(json.dumps({"threads": threads, "gflops": rates["f32"], "gflops_bf16": rates["bf16"]}))


if __name__ == "__main__":
    main()
