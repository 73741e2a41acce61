#!/usr/bin/env python3
"""How fast this machine multiplies two 2048×2048 matrices: the median and the best of three seconds of products, in the faster of PyTorch (MKL) and NumPy
(OpenBLAS), of which the first is ahead on some processors and the second on others. Prints one JSON object."""

import argparse
import json
import statistics
import time

import numpy as np
import torch

N = 2048


def rates(product):
    times, until = [], time.perf_counter() + 3
    while time.perf_counter() < until:
        start = time.perf_counter()
        product()
        times.append(time.perf_counter() - start)
    return [2 * N**3 / time / 1e9 for time in (statistics.median(times), min(times))]


def in_torch(kind):
    a, b, out = torch.rand(N, N).to(kind), torch.rand(N, N).to(kind), torch.empty(N, N, dtype=kind)
    return rates(lambda: torch.mm(a, b, out=out))


def in_numpy():
    a, b, out = np.random.rand(N, N).astype(np.float32), np.random.rand(N, N).astype(np.float32), np.empty((N, N), np.float32)
    return rates(lambda: np.matmul(a, b, out=out))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=1)  # for PyTorch; NumPy's library goes by the environment
    threads = parser.parse_args().threads
    torch.set_num_threads(threads)
    libraries = {"PyTorch": in_torch(torch.float32), "NumPy": in_numpy()}
    library = max(libraries, key=libraries.get)
    f32, bf16 = libraries[library], in_torch(torch.bfloat16)
    print(json.dumps({"threads": threads, "library": library, "f32": f32[0], "best_f32": f32[1], "bf16": bf16[0], "best_bf16": bf16[1]}))


if __name__ == "__main__":
    main()
