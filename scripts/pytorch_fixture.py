#!/usr/bin/env python3
"""Trains small dropout networks in PyTorch on Furlough's own masks, batches and initial weights.

Needs numpy, torch and scikit-learn (for its copy of the digits). From the repository's root:

    python scripts/pytorch_fixture.py [CASE…]

writes crates/furlough/tests/fixtures/pytorch/CASE.safetensors, one file a case: the loss of each of the first
200 steps and the weights after, and once for each initialization those before. `tests/it/pytorch.rs` repeats the runs in Rust and compares. The random
numbers are those of scripts/masks.py, which knows docs/reference/masks.md and no Rust; the forward pass, the derivatives and the optimizer
are PyTorch's own. Each case also runs in float64, to show how much of a difference is float32's rounding.
"""

import json
import math
import platform
import struct
import sys
from pathlib import Path

import masks  # scripts/masks.py, beside this file
import numpy as np
import sklearn
import torch
from sklearn.datasets import load_digits

OUT = Path(__file__).resolve().parent.parent / "crates/furlough/tests/fixtures/pytorch"
TRAIN = 1437  # the first rows of the digits; the other 360 are the test set
WIDTHS = [64, 48, 32, 10]
SMALL = [64, 24, 16, 10]  # what one part alone is shown by
BATCH = 64  # 1437 = 22 * 64 + 29: the last batch of an epoch is smaller
STEPS = 200
TOTAL = 9 * 23  # the steps of the whole training, by which schedules go

# `dropout` is of the inputs and after each hidden layer; `init` is as a recipe spells it.
PLAIN = dict(seed=0, dropout=[0.0, 0.2, 0.5], lr=0.5, momentum=0.0, nesterov=False, weight_decay=0.0, max_norm=None)
PLAIN |= dict(widths=WIDTHS, label_smoothing=0.0, class_weights=None, example_weights=None, sharing="per-example")
EXAMPLE_WEIGHTS = [1.0, 0.3, 2.7, 0.0, 4.0, 0.01, 1.5]  # of example i: the one at i mod 7
CLASS_WEIGHTS = [0.25, 1.0, 1.75, 2.5, 0.75, 1.5, 2.25, 0.5, 1.25, 0.1]
WEIGHTED = PLAIN | dict(widths=SMALL, init="kaiming", seed=11, lr=0.2)
# An epsilon of 1e-8 would make steps of full size out of gradients that are nothing but rounding.
ADAM = dict(widths=SMALL, optimizer="adam", init="kaiming", lr=0.01, betas=[0.9, 0.999], epsilon=1e-4)
CASES = {
    "hidden-dropout": PLAIN | dict(init="normal:0.1"),
    "input-dropout": PLAIN | dict(init="xavier", seed=0x0123456789ABCDEF, dropout=[0.1, 0.2, 0.5]),
    "momentum": PLAIN | dict(init="kaiming", seed=7, lr=0.05, momentum=0.9, nesterov=True, weight_decay=1e-3, max_norm=1.5),
    "label-smoothing": WEIGHTED | dict(label_smoothing=0.1),
    "class-weights": WEIGHTED | dict(class_weights=CLASS_WEIGHTS),
    "example-weights": WEIGHTED | dict(example_weights=EXAMPLE_WEIGHTS, sharing="batch"),
    "all-weights": WEIGHTED
    | ADAM
    | dict(optimizer="adamw", weight_decay=0.1, lr_schedule="onecycle", label_smoothing=0.2)
    | dict(class_weights=CLASS_WEIGHTS, example_weights=EXAMPLE_WEIGHTS),
    "adam": PLAIN | ADAM | dict(seed=8, weight_decay=1e-3),
    "adamw": PLAIN | ADAM | dict(optimizer="adamw", betas=[0.9, 0.95], weight_decay=0.1, lr_schedule="onecycle"),
    "clipping": PLAIN | dict(widths=SMALL, init="kaiming", seed=3, lr=0.2, momentum=0.9, clip_norm=0.5, lr_schedule="warmup:0.2+cosine"),
    "shared-adam": PLAIN | ADAM | dict(seed=5, dropout=[0.1, 0.2, 0.5], sharing="batch", clip_norm=1.0),
    "shared-adamw": PLAIN
    | ADAM
    | dict(optimizer="adamw", seed=6, sharing="batch", weight_decay=0.1, lr_schedule="warmup:0.1+linear", weight_decay_schedule="flat_cos"),
}


def schedule(name, optimizer, lr):
    """A scheduler that is PyTorch's own, where it has one, or its multiplication by a formula."""
    torch_lr = torch.optim.lr_scheduler
    if name == "onecycle":
        return torch_lr.OneCycleLR(optimizer, max_lr=lr, total_steps=TOTAL, cycle_momentum=False)
    warm, _, after = name.partition("+")
    warm = float(warm.removeprefix("warmup:")) * TOTAL
    after = {
        "linear": lambda done: 1 - done,
        "cosine": lambda done: (1 + math.cos(math.pi * done)) / 2,
    }[after]
    return torch_lr.LambdaLR(optimizer, lambda step: step / warm if step < warm else after((step - warm) / (TOTAL - warm)))


def flat_cos(step):
    """RealMLP's schedule."""
    done = step / TOTAL
    return 1.0 if done < 0.5 else (1 + math.cos(math.pi * (2 * done - 1))) / 2


def optimizer_of(case, layers):
    """PyTorch's optimizer, with the decay of weights and none of biases."""
    groups = [
        {"params": [layer.weight for layer in layers], "weight_decay": case["weight_decay"]},
        {"params": [layer.bias for layer in layers], "weight_decay": 0.0},
    ]
    match case.get("optimizer", "sgd"):
        case "sgd":
            return torch.optim.SGD(groups, lr=case["lr"], momentum=case["momentum"], nesterov=case["nesterov"])
        case name:
            kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[name]
            return kind(groups, lr=case["lr"], betas=case["betas"], eps=case["epsilon"])


def factors(p, case, step, layer, examples, units):
    """What each unit of each example is multiplied by: 0 or 1/(1-p)."""
    seed = case["seed"]
    examples = masks.owners(masks.STREAMS["dropout"], range(len(examples)), examples, case["sharing"])
    kept = masks.mask(seed, masks.STREAMS["dropout"], step, layer, examples, np.arange(units), p)
    return masks.dropout(np.ones(kept.shape), kept, p)


def batch_loss(case, logits, labels, examples):
    """PyTorch's cross entropy, its mean weighted by example."""
    dtype, smoothing = logits.dtype, case["label_smoothing"]
    of_classes = None if case["class_weights"] is None else torch.tensor(case["class_weights"], dtype=dtype)
    if case["example_weights"] is None:
        return torch.nn.functional.cross_entropy(logits, labels, weight=of_classes, label_smoothing=smoothing)
    weights = torch.from_numpy(np.array(case["example_weights"])[examples % len(case["example_weights"])]).to(dtype)
    losses = torch.nn.functional.cross_entropy(
        logits, labels, weight=of_classes, label_smoothing=smoothing, reduction="none"
    )
    parts = weights if of_classes is None else weights * of_classes[labels]
    return (weights * losses).sum() / parts.sum()


def train(case, x, y, initial, dtype):
    """Losses, final layers, and how often the max-norm bound was reached."""
    layers = [torch.nn.Linear(i, o).to(dtype) for i, o in zip(case["widths"], case["widths"][1:])]
    with torch.no_grad():
        for layer, weights in zip(layers, initial):
            layer.weight.copy_(torch.from_numpy(weights.T))  # PyTorch has outputs x inputs
            layer.bias.zero_()
    optimizer = optimizer_of(case, layers)
    scheduler = schedule(case["lr_schedule"], optimizer, case["lr"]) if "lr_schedule" in case else None
    x, y = torch.from_numpy(x).to(dtype), torch.from_numpy(y)
    losses, bounded, clipped = [], 0, 0
    per_epoch = -(-len(x) // BATCH)
    for step in range(STEPS):
        epoch, place = divmod(step, per_epoch)
        if place == 0:
            order = masks.epoch_order(case["seed"], epoch, len(x))
        examples = order[place * BATCH : (place + 1) * BATCH]
        h = x[examples]
        for number, layer in enumerate(layers):
            if (p := case["dropout"][number]) > 0:
                h = h * torch.from_numpy(factors(p, case, step, number, examples, h.shape[1])).to(dtype)
            h = layer(h)
            if number < len(layers) - 1:
                h = torch.relu(h)
        loss = batch_loss(case, h, y[examples], examples)
        optimizer.zero_grad()
        loss.backward()
        if "clip_norm" in case:
            parameters = [p for layer in layers for p in (layer.weight, layer.bias)]
            clipped += int(torch.nn.utils.clip_grad_norm_(parameters, case["clip_norm"]) > case["clip_norm"])
        if "weight_decay_schedule" in case:
            optimizer.param_groups[0]["weight_decay"] = case["weight_decay"] * flat_cos(step)
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        losses.append(loss.item())
        if case["max_norm"] is not None:
            with torch.no_grad():
                for layer in layers[:-1]:
                    bounded += int((layer.weight.norm(dim=1) > case["max_norm"]).sum())
                    layer.weight.copy_(torch.renorm(layer.weight, 2, 0, case["max_norm"]))
    if "clip_norm" in case and not 0 < clipped < STEPS:
        raise SystemExit(f"the gradient was clipped in {clipped} of {STEPS} steps, so the case does not test both")
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
    begun = set()  # initializations that a file has already
    for name, case in CASES.items():
        if sys.argv[1:] and name not in sys.argv[1:]:
            begun.add(case["init"])
            continue
        shapes = list(zip(case["widths"], case["widths"][1:]))
        initial = [
            masks.initial_weights(case["seed"], i, case["init"], *shape).reshape(shape) for i, shape in enumerate(shapes)
        ]
        losses, layers, bounded = train(case, x, y, initial, torch.float32)
        exact, exact_layers, _ = train(case, x, y, initial, torch.float64)
        if case["max_norm"] is not None and bounded == 0:
            raise SystemExit(f"{name}: no unit ever reached the max-norm bound, so the case does not test it")
        tensors = {"losses": losses}
        off = 0.0
        for i, (layer, reference) in enumerate(zip(layers, exact_layers)):
            if case["init"] not in begun:
                tensors[f"initial.{i}.weight"] = initial[i]
            tensors[f"final.{i}.weight"] = layer.weight.detach().numpy().T
            tensors[f"final.{i}.bias"] = layer.bias.detach().numpy()
            off = max(off, float((layer.weight - reference.weight).detach().abs().max()))
        begun.add(case["init"])
        settings = {"batch_size": BATCH, "steps": STEPS, "rows": TRAIN, "activation": "relu"} | case
        metadata = {"settings": json.dumps(settings), "written_by": "scripts/pytorch_fixture.py"} | versions
        save_safetensors(OUT / f"{name}.safetensors", tensors, metadata)
        print(
            f"{name}: loss {losses[0]:.4f} -> {losses[-20:].mean():.4f} (last 20), max-norm reached {bounded} times; "
            f"float64 differs by at most {np.abs(losses - exact).max():.1e} in a loss, {off:.1e} in a weight"
        )


if __name__ == "__main__":
    main()
