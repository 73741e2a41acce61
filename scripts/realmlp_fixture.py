#!/usr/bin/env python3
"""RealMLP-TD a second time, in numpy, from a table to the trained network: what `--preset realmlp` is checked against.

Needs numpy. From the repository's root:

    python scripts/realmlp_fixture.py

writes crates/furlough-tables/tests/fixtures/realmlp.json: a small table, its features, and for both tasks the first
parameters, the loss of each epoch and the last parameters. `tests/it/realmlp.rs` repeats that in Rust and compares.

Everything is in float64 and by the description of the published program: weights of size 1 that are divided by the
root of their inputs in the forward pass, and a decay to which the factors of a parameter are applied twice. Random
numbers, masks and the order of rows are Furlough's (scripts/masks.py), since results could not be compared otherwise.
"""

import json
import math
from pathlib import Path

import masks  # scripts/masks.py, beside this file
import numpy as np

OUT = Path(__file__).resolve().parent.parent / "crates/furlough-tables/tests/fixtures/realmlp.json"
ROWS, BATCH, EPOCHS, SEED = 90, 32, 8, 5
HIDDEN = [12, 8, 8]
INPUT_STAGE, DATA_DRIVEN = 10, 11  # streams
FREQUENCIES, OUTPUTS, DEVIATION = 16, 3, 0.1
LARGEST_ONE_HOT, EMBEDDING = 8, 8
TASKS = {
    "classification": {"rate": 0.04, "activation": "selu", "smoothing": 0.1},
    "regression": {"rate": 0.2, "activation": "mish", "smoothing": 0.0},
}


# ---- The table --------------------------------------------------------------------------------------------------

def table():
    """Two numbers, one of them with missing values; categories of 2, 3 and 12 levels, two with missing values."""
    word = lambda column: masks.draw(1, 9, column, np.arange(ROWS), 0, 0)[0] / 2.0**32
    level = lambda column, names: [names[int(share * len(names))] for share in word(column)]
    size = [None if share < 0.1 else round(8 * math.tan(1.5 * (share - 0.5)), 3) for share in word(0)]
    ratio = [round(share**3, 4) for share in word(1)]
    age = level(2, ["new", "old"])
    kind = [None if share < 0.1 else name for share, name in zip(word(3), level(4, ["flat", "house", "room"]))]
    street = [None if share < 0.05 else name for share, name in zip(word(5), level(6, [f"street {i:02}" for i in range(12)]))]
    price = [round(10 * r + (s or 0) / 4 + (a == "new") + len(k or "") + 0.3 * int((t or "street 00")[-2:]), 4)
             for r, s, a, k, t in zip(ratio, size, age, kind, street)]
    bought = ["yes, at once" if p > 9 else "perhaps" if p > 5 else "never" for p in price]
    return {"size": size, "ratio": ratio, "age": age, "kind": kind, "street": street}, price, bought


def scaled(column):
    """Median, quartiles (or half the range), smooth clip."""
    low, median, high = np.quantile(column, [0.25, 0.5, 0.75])
    width = high - low if high > low else (column.max() - column.min()) / 2
    x = (column - median) / width if width > 0 else 0 * column
    return x / np.sqrt(1 + (x / 3) ** 2)


def features(columns):
    """Each column as (kind, values): numbers, one-hot columns, or codes with their number of levels."""
    made = []
    for values in columns.values():
        if isinstance(next(v for v in values if v is not None), float):
            known = np.array([v for v in values if v is not None])
            filled = np.array([np.median(known) if v is None else v for v in values])
            # The scale is that of the known values.
            low, median, high = np.quantile(known, [0.25, 0.5, 0.75])
            x = (filled - median) / (high - low)
            made.append(("number", x / np.sqrt(1 + (x / 3) ** 2)))
            continue
        levels = sorted({v for v in values if v is not None})
        if len(levels) > LARGEST_ONE_HOT:
            # Missing ones share a code with what training has never seen, the last.
            codes = np.array([len(levels) if v is None else levels.index(v) for v in values], dtype=float)
            made.append((len(levels) + 1, codes))
        elif len(levels) == 2:
            made.append(("indicator", scaled(np.array([0.0 if v is None else 2.0 * levels.index(v) - 1 for v in values]))))
        else:
            made += [("indicator", scaled(np.array([float(v == level) for v in values]))) for level in levels]
    return made


# ---- The network ------------------------------------------------------------------------------------------------

def activation(name, z):
    """Values and derivatives."""
    if name == "selu":
        scale, alpha = 1.0507009873554805, 1.6732632423543772
        low = scale * alpha * np.expm1(np.minimum(z, 0))
        return np.where(z > 0, scale * z, low), np.where(z > 0, scale, low + scale * alpha)
    softplus = np.logaddexp(0, z)
    t = np.tanh(softplus)
    return z * t, t + z * (1 - t * t) / (1 + np.exp(-z))


def stage_words(number, count):
    block = np.arange((count + 3) // 4)
    return np.stack(masks.draw(SEED, INPUT_STAGE, number, block, 0, 0), axis=1).ravel()[:count]


class Network:
    def __init__(self, columns, outputs, name):
        self.columns, self.name = columns, name
        self.p, self.factors = {}, {}  # parameters, and what rate and decay are multiplied by
        tensor = 0

        def normal(key, shape, deviation, factor):
            self.add(key, deviation * masks.normal(stage_words(tensor, math.prod(shape))).astype(float).reshape(shape), factor)

        def uniform(key, shape, bound, factor):
            share = (stage_words(tensor, math.prod(shape)).astype(float) + 0.5) / 2.0**32
            self.add(key, ((2 * share - 1) * bound).reshape(shape), factor)

        width = 0
        for place, (kind, _) in enumerate(columns):
            if kind == "number":
                root = 1 / math.sqrt(FREQUENCIES)
                normal(f"input.periodic.{place}.frequency", [FREQUENCIES], DEVIATION, 0.1)
                tensor += 1
                uniform(f"input.periodic.{place}.phase", [FREQUENCIES], math.pi, 0.1)
                tensor += 1
                uniform(f"input.periodic.{place}.weight", [OUTPUTS, FREQUENCIES], root, 0.1)
                tensor += 1
                uniform(f"input.periodic.{place}.bias", [OUTPUTS], root, 0.1)
                tensor += 1
                width += OUTPUTS + 1
            elif kind == "indicator":
                width += 1
            else:
                normal(f"input.embedding.{place}", [kind, EMBEDDING], 1.0, 1.0)
                tensor += 1
                width += EMBEDDING
        self.add("input.scale", np.ones(width), 6.0)
        self.widths = [width, *HIDDEN, outputs]
        rows = np.arange(ROWS)
        for layer in range(len(self.widths) - 1):
            inputs, units = self.widths[layer : layer + 2]
            weights = masks.initial_weights(SEED, layer, "lecun", inputs, units).astype(float).reshape(inputs, units)
            self.add(f"linear{layer + 1}.weight", weights * math.sqrt(inputs), 1.0)
            self.add(f"linear{layer + 1}.bias", np.zeros(units), 0.1, decays=False)
            if layer < len(HIDDEN):
                self.add(f"activation{layer + 1}.alpha", np.ones(units), 0.1)
            z = self.forward(rows, None)[-1]["z"]
            deviation = z.std(axis=0)
            self.p[f"linear{layer + 1}.weight"] /= deviation
            for unit in range(units):
                words = [masks.draw(SEED, DATA_DRIVEN, layer, unit, draw, 0) for draw in range(5)]
                chosen = [(int(word[0]) * ROWS) >> 32 for word in words]
                share = np.array([-math.log((int(word[1]) + 0.5) / 2**32) for word in words])
                self.p[f"linear{layer + 1}.bias"][unit] = -(share * z[chosen, unit] / deviation[unit]).sum() / share.sum()

    def add(self, key, value, factor, decays=True):
        self.p[key], self.factors[key] = value, (factor, factor * factor if decays else 0.0)

    def inputs(self, rows):
        parts = []
        for place, (kind, values) in enumerate(self.columns):
            x = values[rows]
            if kind == "number":
                p = lambda key: self.p[f"input.periodic.{place}.{key}"]
                waves = np.cos(2 * np.pi * x[:, None] * p("frequency") + p("phase"))
                parts += [waves @ p("weight").T + p("bias"), x[:, None]]
            elif kind == "indicator":
                parts.append(x[:, None])
            else:
                parts.append(self.p[f"input.embedding.{place}"][x.astype(int)])
        return np.concatenate(parts, axis=1)

    def forward(self, rows, dropout):
        """The layers that there are, each with what it was given and gave; `dropout` is a step and a p."""
        inputs = self.inputs(rows)
        h, layers = inputs * self.p["input.scale"], [{"inputs": inputs}]
        while f"linear{len(layers)}.weight" in self.p:
            number = len(layers)
            weights, bias = self.p[f"linear{number}.weight"], self.p[f"linear{number}.bias"]
            layer = {"h": h, "z": h @ weights / math.sqrt(len(weights)) + bias}
            layers.append(layer)
            if number <= len(HIDDEN):
                layer["f"], layer["slope"] = activation(self.name, layer["z"])
                h = layer["z"] + self.p.get(f"activation{number}.alpha", 1.0) * (layer["f"] - layer["z"])
                layer["factor"] = np.ones_like(h)
                if dropout:
                    step, p = dropout
                    kept = masks.mask(SEED, masks.STREAMS["dropout"], step, number, rows, np.arange(h.shape[1]), p)
                    layer["factor"] = np.where(kept, 1 / (1 - p), 0.0)
                h = h * layer["factor"]
        return layers

    def backward(self, rows, layers, delta):
        """The gradient by each parameter, given that by the outputs."""
        g = {}
        for number in range(len(layers) - 1, 0, -1):
            layer, weights = layers[number], self.p[f"linear{number}.weight"]
            if number <= len(HIDDEN):
                delta = delta * layer["factor"]
                alpha = self.p[f"activation{number}.alpha"]
                g[f"activation{number}.alpha"] = (delta * (layer["f"] - layer["z"])).sum(axis=0)
                delta = delta * (1 + alpha * (layer["slope"] - 1))
            root = math.sqrt(len(weights))
            g[f"linear{number}.weight"], g[f"linear{number}.bias"] = layer["h"].T @ delta / root, delta.sum(axis=0)
            delta = delta @ weights.T / root
        g["input.scale"] = (delta * layers[0]["inputs"]).sum(axis=0)
        delta, begin = delta * self.p["input.scale"], 0
        for place, (kind, values) in enumerate(self.columns):
            x = values[rows]
            if kind == "number":
                name = f"input.periodic.{place}."
                phases = 2 * np.pi * x[:, None] * self.p[name + "frequency"] + self.p[name + "phase"]
                own, begin = delta[:, begin : begin + OUTPUTS], begin + OUTPUTS + 1
                g[name + "weight"], g[name + "bias"] = own.T @ np.cos(phases), own.sum(axis=0)
                turn = -np.sin(phases) * (own @ self.p[name + "weight"])
                g[name + "phase"], g[name + "frequency"] = turn.sum(axis=0), (turn * 2 * np.pi * x[:, None]).sum(axis=0)
            elif kind == "indicator":
                begin += 1
            else:
                table = np.zeros_like(self.p[f"input.embedding.{place}"])
                np.add.at(table, x.astype(int), delta[:, begin : begin + EMBEDDING])
                g[f"input.embedding.{place}"], begin = table, begin + EMBEDDING
        return g

    def parameters(self):
        """As Furlough keeps them: weights as they multiply. Eight digits."""
        root = lambda key, value: math.sqrt(len(value)) if key.startswith("linear") and key.endswith("weight") else 1.0
        return {key: [float(f"{v:.8g}") for v in (value / root(key, value)).ravel()] for key, value in self.p.items()}


# ---- The training -----------------------------------------------------------------------------------------------

def loss_and_delta(task, outputs, targets, smoothing):
    if task == "regression":
        off = outputs - targets
        return (off**2).sum(axis=1), 2 * off
    share = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    share /= share.sum(axis=1, keepdims=True)
    classes = outputs.shape[1]
    wanted = (1 - smoothing) * np.eye(classes)[targets] + smoothing / classes
    return -(wanted * np.log(share)).sum(axis=1), share - wanted


def train(task, columns, targets, outputs):
    rate, name, smoothing = (TASKS[task][key] for key in ("rate", "activation", "smoothing"))
    network = Network(columns, outputs, name)
    first, losses = network.parameters(), []
    moments = {key: (np.zeros_like(value), np.zeros_like(value)) for key, value in network.p.items()}
    per_epoch = ROWS // BATCH  # the last short batch is dropped
    for step in range(EPOCHS * per_epoch):
        epoch, place = divmod(step, per_epoch)
        if place == 0:
            order, sum_of_losses = masks.epoch_order(SEED, epoch, ROWS), 0.0
        t = step / (EPOCHS * per_epoch)
        lr = rate * 0.5 * (1 - math.cos(2 * math.pi * math.log2(1 + 15 * t)))
        flat_cos = 1.0 if t < 0.5 else 0.5 * (1 + math.cos(math.pi * (2 * t - 1)))
        rows = order[place * BATCH : (place + 1) * BATCH].astype(int)
        layers = network.forward(rows, (step, 0.15 * flat_cos))
        loss, delta = loss_and_delta(task, layers[-1]["z"], targets[rows], smoothing)
        sum_of_losses += loss.sum()
        gradient = network.backward(rows, layers, delta / len(rows))
        for key, value in network.p.items():
            factor, decay = network.factors[key]
            m, v = moments[key]
            m += 0.1 * (gradient[key] - m)
            v += 0.05 * (gradient[key] ** 2 - v)
            value *= 1 - lr * 0.02 * flat_cos * decay
            unbiased = m / (1 - 0.9 ** (step + 1)), v / (1 - 0.95 ** (step + 1))
            value -= lr * factor * unbiased[0] / (np.sqrt(unbiased[1]) + 1e-8)
        if place + 1 == per_epoch:
            losses.append(sum_of_losses / (BATCH * per_epoch))
    return {"first": first, "losses": losses, "last": network.parameters()}


def main():
    columns, price, bought = table()
    made = features(columns)
    classes = sorted(set(bought))
    prices = np.array(price)
    standardized = ((prices - prices.mean()) / prices.std())[:, None]
    found = {
        "classification": train("classification", made, np.array([classes.index(b) for b in bought]), len(classes)),
        "regression": train("regression", made, standardized, 1),
    }
    fixture = {
        "written_by": "scripts/realmlp_fixture.py",
        "seed": SEED, "hidden": HIDDEN, "batch_size": BATCH, "epochs": EPOCHS,
        "columns": columns, "price": price, "bought": bought,
        "features": [[float(f"{v:.8g}") for v in values] for _, values in made],
        "levels": [kind if isinstance(kind, int) else {"number": 0, "indicator": 2**32 - 1}[kind] for kind, _ in made],
        **found,
    }
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(fixture, separators=(",", ":")) + "\n")
    for task, run in found.items():
        print(f"{task}: {sum(map(len, run['first'].values()))} parameters, loss {run['losses'][0]:.4f} -> {run['losses'][-1]:.4f}")


if __name__ == "__main__":
    main()
