"""Monte-Carlo dropout in JAX: the mean of many masked passes' probabilities as one compiled function."""

import time

import job
import jax
import jax.numpy as jnp

ROWS = 1000  # of a part, whose values stay in cache from pass to pass


def monte_carlo(args, params, x, y, samples, key, dot, dropped):
    """Timed after a first call, which compiles. What comes before the first dropout is computed once for all passes."""
    first = next((layer for layer, p in enumerate(args.dropout) if p > 0), len(args.dropout))

    def layer_of(h, layer):
        w, b = params[layer]
        return jax.nn.relu(dot(h, w) + b)

    def mean(x, key):
        shared = x
        for layer in range(first + 1):
            shared = layer_of(shared, layer)

        def sample(total, number):
            h = shared
            for layer, p in enumerate(args.dropout[first:], first):
                h = layer_of(h, layer) if layer > first else h
                h = dropped(h, p, jax.random.fold_in(jax.random.fold_in(key, number), layer), args.bits)
            w, b = params[-1]
            return total + jax.nn.softmax(dot(h, w) + b), None

        total, _ = jax.lax.scan(sample, jnp.zeros((len(x), 10)), jnp.arange(samples))
        return total / samples

    parts = len(x) // ROWS if len(x) % ROWS == 0 else 1
    split = x.reshape(parts, -1, x.shape[1])

    def all_parts(split, key):
        keys = jax.random.split(key, parts)
        return jax.lax.map(lambda part: mean(*part), (split, keys)).reshape(len(x), -1)

    compiled = jax.jit(all_parts)
    compiled(split, key).block_until_ready()
    start = time.perf_counter()
    probabilities = compiled(split, jax.random.fold_in(key, 1)).block_until_ready()
    seconds = time.perf_counter() - start
    accuracy = float((probabilities.argmax(1) == y).mean())
    job.emit("monte-carlo", way="hoisted", samples=samples, seconds=seconds, accuracy=accuracy)
