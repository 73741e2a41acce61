#!/usr/bin/env python3
"""Trains small dropout networks in PyTorch on Furlough's own masks, batches and initial weights.

Needs numpy, torch and scikit-learn (for its copy of the digits). From the repository's root:

    python scripts/pytorch_fixture.py

writes crates/furlough/tests/fixtures/pytorch/CASE.safetensors, one file a case: the loss of each of the first
200 steps and the weights before and after. `tests/pytorch.rs` repeats the runs in Rust and compares. The random
numbers are computed here from their definitions (docs/masks.md); the forward pass, the derivatives and the optimiser
are PyTorch's own. Each case also runs in float64, to show how much of a difference is float32's rounding.
"""

import json
import platform
import struct
from pathlib import Path

import numpy as np
import sklearn
import torch
from sklearn.datasets import load_digits

OUT = Path(__file__).resolve().parent.parent / "crates/furlough/tests/fixtures/pytorch"
TRAIN = 1437  # the first rows of the digits; the other 360 are the test set
WIDTHS = [64, 48, 32, 10]
BATCH = 64  # 1437 = 22 * 64 + 29: the last batch of an epoch is smaller
STEPS = 200
INIT, ORDER, DROPOUT = 0, 1, 2  # the streams

# `dropout` is of the inputs and after each hidden layer; `init` is as a recipe spells it.
PLAIN = dict(seed=0, dropout=[0.0, 0.2, 0.5], lr=0.5, momentum=0.0, nesterov=False, weight_decay=0.0, max_norm=None)
CASES = {
    "hidden-dropout": PLAIN | dict(init="normal:0.1"),
    "input-dropout": PLAIN | dict(init="xavier", seed=0x0123456789ABCDEF, dropout=[0.1, 0.2, 0.5]),
    "momentum": PLAIN | dict(init="kaiming", seed=7, lr=0.05, momentum=0.9, nesterov=True, weight_decay=1e-3, max_norm=1.5),
}


def philox4x32(c0, c1, c2, c3, k0, k1):
    """Philox4x32-10: four uint32 arrays, for counter words that broadcast against each other and a key."""
    low = np.uint64(0xFFFFFFFF)
    c0, c1, c2, c3 = np.broadcast_arrays(*(np.asarray(c, np.uint64) for c in (c0, c1, c2, c3)))
    for turn in range(10):
        a, b = c0 * np.uint64(0xD2511F53), c2 * np.uint64(0xCD9E8D57)
        key0 = np.uint64((k0 + turn * 0x9E3779B9) & 0xFFFFFFFF)
        key1 = np.uint64((k1 + turn * 0xBB67AE85) & 0xFFFFFFFF)
        c0, c1, c2, c3 = (b >> np.uint64(32)) ^ c1 ^ key0, b & low, (a >> np.uint64(32)) ^ c3 ^ key1, a & low
    return [word.astype(np.uint32) for word in (c0, c1, c2, c3)]


def draw(seed, stream, layer, c0, c1, c2):
    return philox4x32(c0, c1, c2, stream << 24 | layer, seed & 0xFFFFFFFF, seed >> 32)


def initial_weights(init, seed, layer, inputs, outputs):
    """Weights as inputs x outputs, float32: Box and Muller's normals or uniforms, four a counter."""
    words = np.stack(draw(seed, INIT, layer, np.arange(-(-inputs * outputs // 4)), 0, 0), axis=1)
    u = (words.astype(np.float64) + 0.5) / 2.0**32
    if init == "xavier":
        values = (2 * u - 1) * np.sqrt(6 / (inputs + outputs))
    else:
        deviation = np.sqrt(2 / inputs) if init == "kaiming" else float(init.removeprefix("normal:"))
        radius, angle = np.sqrt(-2 * np.log(u[:, 0::2])), 2 * np.pi * u[:, 1::2]
        values = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=2) * deviation
    return values.reshape(-1)[: inputs * outputs].reshape(inputs, outputs).astype(np.float32)


def epoch_order(seed, epoch, n):
    """Fisher-Yates from the last place down, each partner from 64 bits."""
    words = [word.tolist() for word in draw(seed, ORDER, 0, np.arange(n // 2 + 1), 0, epoch)]
    order = list(range(n))
    for i in range(n - 1, 0, -1):
        half = 2 * (i % 2)
        bits = words[half][i // 2] | words[half + 1][i // 2] << 32
        partner = bits * (i + 1) >> 64
        order[i], order[partner] = order[partner], order[i]
    return np.array(order)


def mask(p, seed, step, layer, examples, units):
    """What each unit of each example is multiplied by: 0 or 1/(1-p)."""
    unit = np.arange(units)
    words = np.stack(draw(seed, DROPOUT, layer, 16 * (unit // 64) + unit % 16, examples[:, None], step))
    word = np.take_along_axis(words, (unit // 16 % 4)[None, None, :], axis=0)[0]
    return np.where(word < round(p * 2**32), np.float32(0), np.float32(1 / (1 - p)))


def train(case, x, y, initial, dtype):
    """Losses, final layers, and how often the max-norm bound was reached."""
    layers = [torch.nn.Linear(i, o).to(dtype) for i, o in zip(WIDTHS, WIDTHS[1:])]
    with torch.no_grad():
        for layer, weights in zip(layers, initial):
            layer.weight.copy_(torch.from_numpy(weights.T))  # PyTorch has outputs x inputs
            layer.bias.zero_()
    sgd = torch.optim.SGD(
        [
            {"params": [layer.weight for layer in layers], "weight_decay": case["weight_decay"]},
            {"params": [layer.bias for layer in layers], "weight_decay": 0.0},
        ],
        lr=case["lr"],
        momentum=case["momentum"],
        nesterov=case["nesterov"],
    )
    x, y = torch.from_numpy(x).to(dtype), torch.from_numpy(y)
    losses, bounded = [], 0
    per_epoch = -(-len(x) // BATCH)
    for step in range(STEPS):
        epoch, place = divmod(step, per_epoch)
        if place == 0:
            order = epoch_order(case["seed"], epoch, len(x))
        examples = order[place * BATCH : (place + 1) * BATCH]
        h = x[examples]
        for number, layer in enumerate(layers):
            if (p := case["dropout"][number]) > 0:
                h = h * torch.from_numpy(mask(p, case["seed"], step, number, examples, h.shape[1])).to(dtype)
            h = layer(h)
            if number < len(layers) - 1:
                h = torch.relu(h)
        loss = torch.nn.functional.cross_entropy(h, y[examples])
        sgd.zero_grad()
        loss.backward()
        sgd.step()
        losses.append(loss.item())
        if case["max_norm"] is not None:
            with torch.no_grad():
                for layer in layers[:-1]:
                    bounded += int((layer.weight.norm(dim=1) > case["max_norm"]).sum())
                    layer.weight.copy_(torch.renorm(layer.weight, 2, 0, case["max_norm"]))
    return np.array(losses), layers, bounded


def save_safetensors(path, tensors, metadata):
    header, blob = {"__metadata__": metadata}, b""
    for name, array in tensors.items():
        kind = {"float32": "F32", "float64": "F64"}[str(array.dtype)]
        data = np.ascontiguousarray(array).tobytes()
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [len(blob), len(blob) + len(data)]}
        blob += data
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + blob)


def main():
    torch.set_num_threads(1)
    OUT.mkdir(parents=True, exist_ok=True)
    digits = load_digits()
    x = digits.data[:TRAIN].astype(np.float32) * np.float32(1 / 16)
    y = digits.target[:TRAIN].astype(np.int64)
    versions = {"torch": torch.__version__, "numpy": np.__version__, "scikit-learn": sklearn.__version__}
    print(f"Python {platform.python_version()}, {versions}")
    for name, case in CASES.items():
        shapes = list(zip(WIDTHS, WIDTHS[1:]))
        initial = [initial_weights(case["init"], case["seed"], i, *shape) for i, shape in enumerate(shapes)]
        losses, layers, bounded = train(case, x, y, initial, torch.float32)
        exact, exact_layers, _ = train(case, x, y, initial, torch.float64)
        if case["max_norm"] is not None and bounded == 0:
            raise SystemExit(f"{name}: no unit ever reached the max-norm bound, so the case does not test it")
        tensors = {"losses": losses}
        off = 0.0
        for i, (layer, reference) in enumerate(zip(layers, exact_layers)):
            tensors[f"initial.{i}.weight"] = initial[i]
            tensors[f"final.{i}.weight"] = layer.weight.detach().numpy().T
            tensors[f"final.{i}.bias"] = layer.bias.detach().numpy()
            off = max(off, float((layer.weight - reference.weight).detach().abs().max()))
        settings = {"widths": WIDTHS, "batch_size": BATCH, "steps": STEPS, "rows": TRAIN, "activation": "relu"} | case
        metadata = {"settings": json.dumps(settings), "written_by": "scripts/pytorch_fixture.py"} | versions
        save_safetensors(OUT / f"{name}.safetensors", tensors, metadata)
        print(
            f"{name}: loss {losses[0]:.4f} -> {losses[-20:].mean():.4f} (last 20), max-norm reached {bounded} times; "
            f"float64 differs by at most {np.abs(losses - exact).max():.1e} in a loss, {off:.1e} in a weight"
        )


if __name__ == "__main__":
    main()
