#!/usr/bin/env python3
"""The job in JAX: an epoch is one compiled scan over data that already lies on the device, and the parameters are donated to it.

The first step cannot be seen from outside, so the step event comes after the first epoch. --generator and --bits choose how masks are
drawn, --precision what is multiplied; the weights are float32 always. bench/README.md says what was fastest.
"""

import time

import job
import jax
import jax.numpy as jnp
from monte_carlo_jax import monte_carlo

WORD = {8: jnp.uint8, 16: jnp.uint16, 32: jnp.uint32}


def init(key, widths):
    keys = jax.random.split(key, len(widths))
    return [(0.01 * jax.random.normal(k, (m, n)), jnp.zeros(n)) for k, m, n in zip(keys, widths, widths[1:])]


def dropped(h, p, key, bits):
    """`bits` random bits a unit; p is rounded to them."""
    if p == 0:
        return h
    kept = jax.random.bits(key, h.shape, WORD[bits]) >= WORD[bits](round(p * 2**bits))
    return jnp.where(kept, h * (1 / (1 - p)), 0)


def product(precision):
    if precision == "f32":
        return jnp.dot
    return lambda a, b: jnp.dot(a.astype(jnp.bfloat16), b.astype(jnp.bfloat16), preferred_element_type=jnp.float32)


def network(args):
    """The logits as a function of parameters, images and a key; without a key, of the whole network."""
    dot = product(args.precision)

    def logits(params, x, key=None):
        for layer, ((w, b), p) in enumerate(zip(params, args.dropout)):
            x = jax.nn.relu(dot(x, w) + b)
            if key is not None:
                x = dropped(x, p, jax.random.fold_in(key, layer), args.bits)
        w, b = params[-1]
        return dot(x, w) + b

    return logits


def cross_entropy(logits, y):
    return jnp.mean(jax.nn.logsumexp(logits, 1) - jnp.take_along_axis(logits, y[:, None], 1)[:, 0])


def functions(args, logits):
    def step(params, key, x, y):
        def loss_of(params):
            out = logits(params, x, key)
            return cross_entropy(out, y), (out.argmax(1) == y).sum()

        (loss, right), gradients = jax.value_and_grad(loss_of, has_aux=True)(params)
        return jax.tree.map(lambda p, g: p - args.lr * g, params, gradients), loss, right

    def epoch(params, key, x, y):
        order_key, mask_key = jax.random.split(key)
        order = jax.random.permutation(order_key, len(x))
        whole = len(x) // args.batch_size

        def scanned(params, batch):
            number, examples = batch
            params, loss, right = step(params, jax.random.fold_in(mask_key, number), x[examples], y[examples])
            return params, (loss * len(examples), right)

        batches = (jnp.arange(whole), order[: whole * args.batch_size].reshape(whole, -1))
        params, (losses, rights) = jax.lax.scan(scanned, params, batches, unroll=args.unroll)
        loss, right = losses.sum(), rights.sum()
        if len(x) % args.batch_size:
            params, (last_loss, last_right) = scanned(params, (whole, order[whole * args.batch_size :]))
            loss, right = loss + last_loss, right + last_right
        return params, loss / len(x), right / len(x)

    def evaluate(params, x, y):
        out = logits(params, x)
        return cross_entropy(out, y), (out.argmax(1) == y).mean()

    return jax.jit(epoch, donate_argnums=0), jax.jit(evaluate)


def arguments():
    flags = job.parser()
    flags.add_argument("--precision", choices=["f32", "bf16"], default="f32")
    flags.add_argument("--generator", choices=["threefry2x32", "rbg", "unsafe_rbg"], default="unsafe_rbg")
    flags.add_argument("--bits", type=int, choices=list(WORD), default=16)
    flags.add_argument("--unroll", type=int, default=1)
    flags.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    flags.add_argument("--monte-carlo", type=int, default=0, help="after training, so many masked passes over the test images")
    return job.parse(flags)


def main():
    args = arguments()
    jax.config.update("jax_platforms", args.device)
    jax.config.update("jax_default_prng_impl", args.generator)
    train = [jnp.asarray(part) for part in job.images_and_labels(args.data_dir, "train")]
    test = [jnp.asarray(part) for part in job.images_and_labels(args.data_dir, "t10k")]
    key = jax.random.key(args.seed)
    params = init(jax.random.fold_in(key, 0), [train[0].shape[1], *args.hidden, 10])
    logits = network(args)
    epoch_of, evaluate = functions(args, logits)
    job.emit("start", jax=jax.__version__, generator=args.generator, precision=args.precision, device=jax.devices()[0].device_kind)
    for epoch in range(1, args.epochs + 1):
        start = time.perf_counter()
        params, loss, accuracy = epoch_of(params, jax.random.fold_in(key, epoch), *train)
        loss, accuracy = float(loss), float(accuracy)
        if epoch == 1:
            job.emit("step", epoch=1, step=1, loss=loss)
        test_loss, test_accuracy = map(float, evaluate(params, *test))
        job.emit("epoch", epoch=epoch, train_loss=loss, train_accuracy=accuracy, test_loss=test_loss,
                 test_accuracy=test_accuracy, seconds=time.perf_counter() - start)
    if args.monte_carlo:
        monte_carlo(args, params, *test, args.monte_carlo, key, product(args.precision), dropped)
    job.emit("stop", reason="finished")


if __name__ == "__main__":
    main()
