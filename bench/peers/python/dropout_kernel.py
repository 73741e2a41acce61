#!/usr/bin/env python3
"""Dropout alone, p = 0.5, 256×4096 float32, forward: nanoseconds an element, the best of many repeats. Prints one JSON object."""

import argparse
import json
import time

ROWS, COLUMNS, P = 256, 4096, 0.5


def torch_way(name):
    import torch
    from masks import DROPOUTS

    torch.set_num_threads(1)
    layer = DROPOUTS[name](P)
    x = torch.rand(ROWS, COLUMNS)

    def once():
        with torch.no_grad():
            layer(x)

    return once


def jax_way(generator):
    import jax
    from jax_tuned import dropped

    jax.config.update("jax_default_prng_impl", generator)
    x = jax.random.uniform(jax.random.key(0), (ROWS, COLUMNS))
    compiled = jax.jit(lambda x, key: dropped(x, P, key, 16))
    key = jax.random.key(1)
    return lambda: compiled(x, key).block_until_ready()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--way", required=True, help="torch: module, rand, bernoulli, words; jax: threefry2x32, rbg, unsafe_rbg")
    way = parser.parse_args().way
    once = jax_way(way) if way in ("threefry2x32", "rbg", "unsafe_rbg") else torch_way(way)
    for _ in range(5):
        once()
    best, until = float("inf"), time.perf_counter() + 1.5
    while time.perf_counter() < until:
        start = time.perf_counter()
        once()
        best = min(best, time.perf_counter() - start)
    print(json.dumps({"way": way, "ns_per_element": best / (ROWS * COLUMNS) * 1e9}))


if __name__ == "__main__":
    main()
