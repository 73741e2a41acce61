#!/usr/bin/env python3
"""Trains small networks with an input stage in PyTorch, on Furlough's own masks and batches.

Needs numpy and torch. From the repository's root:

    python scripts/pytorch_input_stage.py

writes crates/furlough/tests/fixtures/pytorch/input-stage.safetensors: the rows, the parameters before and after 200
steps of Adam, and the loss of each step. `tests/it/input_stage.rs` repeats the run in Rust and compares. Embeddings
are PyTorch's `nn.Embedding`, derivatives and the optimizer are PyTorch's own; docs/reference/input-stage.md defines
the rest. The run is repeated in float64, to show how much of a difference is float32's rounding.
"""

import json
import platform
from pathlib import Path

import masks  # scripts/masks.py, beside this file
import numpy as np
import torch
from pytorch_fixture import save_safetensors

OUT = Path(__file__).resolve().parent.parent / "crates/furlough/tests/fixtures/pytorch/input-stage.safetensors"
ROWS, BATCH, STEPS = 330, 60, 200  # 330 = 5 * 60 + 30: the last batch of an epoch is smaller
SEED = 21
DROPOUT = [0.1, 0.2]  # of the inputs, and after the hidden layer
HIDDEN, OUTPUTS = 20, 2
# As the model file has them: a column of the data each.
COLUMNS = [
    "number",
    {"category": {"levels": 5, "width": 3}},
    "number",
    {"category": {"levels": 40, "width": 8}},
    {"periodic": {"frequencies": 16, "outputs": 3, "deviation": 0.1}},
    {"piecewise-linear": {"edges": [-1.5, -0.5, 0.0, 0.25, 2.0]}},
]


def kind(column):
    """The name of a column's kind, and its settings."""
    return (column, {}) if isinstance(column, str) else next(iter(column.items()))


class Periodic(torch.nn.Module):
    """A linear layer of waves of a number, and the number: RealMLP's PBLD."""

    def __init__(self, frequencies, outputs, deviation):
        super().__init__()
        self.frequency = torch.nn.Parameter(torch.empty(frequencies))
        self.phase = torch.nn.Parameter(torch.empty(frequencies))
        self.linear = torch.nn.Linear(frequencies, outputs)

    def named(self):
        return {"frequency": self.frequency, "phase": self.phase, "weight": self.linear.weight, "bias": self.linear.bias}

    def forward(self, x):
        x = x[:, None]
        return torch.cat([self.linear(torch.cos(2 * torch.pi * self.frequency * x + self.phase)), x], dim=1)


def piecewise_linear(x, edges):
    """Equation 1 of Gorishniy, Rubachev and Babenko 2022."""
    edges = torch.tensor(edges, dtype=x.dtype)
    shares = (x[:, None] - edges[:-1]) / (edges[1:] - edges[:-1])
    below, above = torch.zeros(len(edges) - 1, dtype=x.dtype), torch.ones(len(edges) - 1, dtype=x.dtype)
    below[0], above[-1] = -torch.inf, torch.inf
    return torch.clamp(shares, below, above)


class Stage(torch.nn.Module):
    """What becomes of the columns, with a factor for each input."""

    def __init__(self, generator):
        super().__init__()
        self.parts = torch.nn.ModuleDict()
        for number, column in enumerate(COLUMNS):
            name, settings = kind(column)
            if name == "category":
                self.parts[str(number)] = torch.nn.Embedding(settings["levels"], settings["width"])
            if name == "periodic":
                self.parts[str(number)] = Periodic(**settings)
        self.scale = torch.nn.Parameter(torch.ones(self.width()))
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.5 + (parameter is self.scale))

    def width(self):
        of_kind = {
            "number": lambda settings: 1,
            "category": lambda settings: settings["width"],
            "periodic": lambda settings: settings["outputs"] + 1,
            "piecewise-linear": lambda settings: len(settings["edges"]) - 1,
        }
        return sum(of_kind[name](settings) for name, settings in map(kind, COLUMNS))

    def named(self):
        """The parameters by the names that files have."""
        for number, column in enumerate(COLUMNS):
            if kind(column)[0] == "category":
                yield f"input.embedding.{number}", self.parts[str(number)].weight
            if kind(column)[0] == "periodic":
                for name, parameter in self.parts[str(number)].named().items():
                    yield f"input.periodic.{number}.{name}", parameter
        yield "input.scale", self.scale

    def forward(self, x):
        inputs = []
        for number, column in enumerate(COLUMNS):
            value = x[:, number]
            match kind(column):
                case "number", _:
                    inputs.append(value[:, None])
                case "category", _:
                    inputs.append(self.parts[str(number)](value.long()))
                case "periodic", _:
                    inputs.append(self.parts[str(number)](value))
                case "piecewise-linear", settings:
                    inputs.append(piecewise_linear(value, settings["edges"]))
        return torch.cat(inputs, dim=1) * self.scale


def dropped(values, p, step, layer, examples):
    """Inverted dropout under Furlough's mask."""
    kept = masks.mask(SEED, masks.STREAMS["dropout"], step, layer, examples, np.arange(values.shape[1]), p)
    return values * torch.from_numpy(masks.dropout(np.ones(kept.shape), kept, p)).to(values.dtype)


def network():
    generator = torch.Generator().manual_seed(SEED)
    stage = Stage(generator)
    layers = torch.nn.ModuleList([torch.nn.Linear(stage.width(), HIDDEN), torch.nn.Linear(HIDDEN, OUTPUTS)])
    with torch.no_grad():
        for parameter in layers.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
    return stage, layers


def named(stage, layers):
    for number, layer in enumerate(layers, 1):
        yield f"linear{number}.weight", layer.weight.T  # PyTorch has outputs x inputs
        yield f"linear{number}.bias", layer.bias
    yield from stage.named()


def tensors(prefix, stage, layers):
    return {f"{prefix}.{name}": value.detach().float().numpy().copy() for name, value in named(stage, layers)}


def train(x, y, dtype):
    stage, layers = network()
    before = tensors("initial", stage, layers)
    stage, layers = stage.to(dtype), layers.to(dtype)
    optimizer = torch.optim.Adam([*stage.parameters(), *layers.parameters()], lr=0.01, eps=1e-4)
    x, y = torch.from_numpy(x).to(dtype), torch.from_numpy(y).to(dtype)
    losses, per_epoch = [], -(-ROWS // BATCH)
    for step in range(STEPS):
        epoch, place = divmod(step, per_epoch)
        if place == 0:
            order = masks.epoch_order(SEED, epoch, ROWS)
        examples = order[place * BATCH : (place + 1) * BATCH]
        h = dropped(stage(x[examples]), DROPOUT[0], step, 0, examples)
        h = dropped(torch.tanh(layers[0](h)), DROPOUT[1], step, 1, examples)
        loss = torch.nn.functional.mse_loss(layers[1](h), y[examples])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return np.array(losses), before, tensors("final", stage, layers)


def main():
    torch.set_num_threads(1)
    generator = np.random.default_rng(SEED)
    x = generator.normal(size=(ROWS, len(COLUMNS))).astype(np.float32)
    for number, column in enumerate(COLUMNS):
        name, settings = kind(column)
        if name == "category":
            x[:, number] = generator.integers(0, settings["levels"], ROWS)
    y = np.stack([np.sin(x.sum(axis=1)), x[:, 0] * (x[:, 1] % 2)], axis=1).astype(np.float32)
    losses, before, after = train(x, y, torch.float32)
    exact, _, exact_after = train(x, y, torch.float64)
    settings = {"columns": COLUMNS, "hidden": HIDDEN, "dropout": DROPOUT, "seed": SEED, "batch_size": BATCH}
    metadata = {"settings": json.dumps(settings), "written_by": "scripts/pytorch_input_stage.py"}
    metadata |= {"torch": torch.__version__, "numpy": np.__version__}
    save_safetensors(OUT, {"rows": x, "targets": y, "losses": losses} | before | after, metadata)
    off = max(float(np.abs(after[name] - exact_after[name]).max()) for name in after)
    print(f"Python {platform.python_version()}, torch {torch.__version__}, numpy {np.__version__}")
    print(f"loss {losses[0]:.4f} -> {losses[-20:].mean():.4f} (last 20)")
    print(f"float64 differs by at most {np.abs(losses - exact).max():.1e} in a loss, {off:.1e} in a parameter")


if __name__ == "__main__":
    main()
