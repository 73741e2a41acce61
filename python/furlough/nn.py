"""Networks that are built by hand, layer by layer, and their training.

    from furlough import nn
    network = nn.Sequential([nn.Linear(64, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10)])
    history = nn.Trainer(network, optimizer="adam", learning_rate=0.01, batch_size=32).fit(X, y)
    network.predict_proba(X_new)
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ._furlough import Network
from ._labels import parsed, texts
from ._progress import Bar
from ._settings import as_text
from ._threads import threads as _threads

__all__ = [
    "AlphaDropout",
    "ConcreteDropout",
    "Dropout",
    "DropConnect",
    "Flatten",
    "GELU",
    "GaussianDropout",
    "LeakyReLU",
    "Linear",
    "Mish",
    "Parametric",
    "ReLU",
    "SELU",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Tanh",
    "Trainer",
]


class Layer:
    """One entry of a layer list."""

    def __init__(self, text: str, *parts: Any) -> None:
        self.text = text
        self.parts = parts

    def __repr__(self) -> str:
        return self.text


def Linear(inputs: int, outputs: int) -> Layer:
    """A fully connected layer with biases."""
    return Layer(f"Linear({inputs}, {outputs})", int(inputs), int(outputs))


def _activation(name: str, spelled: str) -> Callable[[], Layer]:
    def layer() -> Layer:
        return Layer(f"{spelled}()", name, False)

    layer.__name__ = layer.__qualname__ = spelled
    layer.__doc__ = f"The activation {name}."
    return layer


ReLU = _activation("relu", "ReLU")
LeakyReLU = _activation("leaky-relu", "LeakyReLU")
Tanh = _activation("tanh", "Tanh")
Sigmoid = _activation("sigmoid", "Sigmoid")
GELU = _activation("gelu", "GELU")
SiLU = _activation("silu", "SiLU")
SELU = _activation("selu", "SELU")
Mish = _activation("mish", "Mish")


def Parametric(activation: str = "relu") -> Layer:
    """An activation of which each unit learns how much it takes."""
    return Layer(f"Parametric({activation!r})", activation, True)


def Flatten() -> Layer:
    """Makes one row of features of an example of any shape; the first layer, if at all."""
    return Layer("Flatten()", "flatten", False)


def _dropout(kind: str, spelled: str, says: str) -> Callable[..., Layer]:
    def layer(p: float = 0.5, sharing: str | int = "per-example") -> Layer:
        return Layer(f"{spelled}({p})", kind, float(p), str(sharing))

    layer.__name__ = layer.__qualname__ = spelled
    layer.__doc__ = says
    return layer


Dropout = _dropout("bernoulli", "Dropout", "Switches each unit off with probability p; before the first layer, features.")
GaussianDropout = _dropout("gaussian", "GaussianDropout", "Multiplies each unit by normal noise of the same variance.")
AlphaDropout = _dropout("alpha", "AlphaDropout", "Keeps mean and variance of networks with SELU.")
DropConnect = _dropout("dropconnect", "DropConnect", "Switches single weights of the next layer off.")
ConcreteDropout = _dropout("concrete", "ConcreteDropout", "Learns p, from where it begins.")


class Sampled(NamedTuple):
    """What masked passes say: their mean, and how far they agree.

    ``spread`` is the standard deviation of numbers, and of classes the mutual information in nats.
    """

    means: np.ndarray
    spread: np.ndarray


class Sequential:
    """A network of layers, one after the other, with its first weights."""

    def __init__(self, layers: Sequence[Layer], *, init: str = "kaiming", seed: int = 0) -> None:
        self.layers = list(layers)
        self._network = Network([tuple(layer.parts) for layer in self.layers], init, int(seed))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Sequential:
        """Reads a model file of one network."""
        network = cls.__new__(cls)
        network.layers, network._network = [], Network.load(os.fspath(path))
        return network

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes a model file, whole or not at all."""
        self._network.save(os.fspath(path))

    def __repr__(self) -> str:
        return repr(self._network)

    @property
    def classes(self) -> np.ndarray | None:
        """What the outputs are called; None for numbers, and before a training."""
        names = self._network.classes
        return parsed(names) if names else None

    def parameters(self) -> dict[str, np.ndarray]:
        """Returns copies of all weights (inputs × outputs) and biases by their names."""
        return {name: values.reshape(shape) for name, shape, values in self._network.parameters()}

    def set_parameters(self, parameters: dict[str, Any]) -> None:
        """Sets some of the parameters."""
        for name, values in parameters.items():
            self._network.set_parameter(name, np.asarray(values, np.float32).ravel())

    def __call__(self, X: Any, *, threads: int | None = None) -> np.ndarray:
        """Returns the outputs of the full network: logits of classes, or numbers."""
        return self._network.predict(_rows(X), False, _threads(threads))

    def predict(self, X: Any, *, threads: int | None = None) -> np.ndarray:
        """Returns the most probable class of each row, or its numbers."""
        outputs, classes = self(X, threads=threads), self.classes
        if classes is not None:
            return classes[np.argmax(outputs, axis=1)]
        return outputs[:, 0] if outputs.shape[1] == 1 else outputs

    def predict_proba(self, X: Any, *, threads: int | None = None) -> np.ndarray:
        """Returns the probability of each class, rows × classes."""
        return self._network.predict(_rows(X), True, _threads(threads))

    def sample(self, X: Any, samples: int = 100, *, seed: int = 0, threads: int | None = None) -> Sampled:
        """Returns the mean of masked passes, and how far they agree: Monte-Carlo dropout."""
        found = self._network.sample(_rows(X), int(samples), int(seed), _threads(threads))
        means = found.pop("means")
        return Sampled(means, found.popitem()[1])


class Trainer:
    """Trains a network; each call of `fit` goes on from the weights that there are.

    Options are the keys of a recipe (``furlough train --help`` lists them): ``optimizer``, ``learning_rate``,
    ``lr_schedule``, ``momentum``, ``weight_decay``, ``max_norm``, ``clip_norm``, ``batch_size``, ``epochs``, ``seed``,
    ``early_stopping`` (patience), ``label_smoothing``, ``class_weights``, ``dropout_schedule``, ``precision`` and others.
    """

    def __init__(self, network: Sequential, *, threads: int | None = None, **options: Any) -> None:
        self.network = network
        self.threads = threads
        self.options = options

    def fit(
        self,
        X: Any,
        y: Any,
        *,
        sample_weight: Any = None,
        validation_data: tuple[Any, Any] | None = None,
        callbacks: Iterable[Callable[[dict[str, Any]], Any]] = (),
        verbose: bool = False,
        time_limit: float | None = None,
    ) -> list[dict[str, Any]]:
        """Trains on rows and their classes or numbers, and returns the figures of each epoch.

        Targets are classes unless they are floats. A callback that returns True stops the training; so does Ctrl-C, and
        the network keeps what it learned.
        """
        said = dict(self.options)
        if "learning_rate" in said:
            said["lr"] = said.pop("learning_rate")
        settings = [(name, as_text(value)) for name, value in said.items() if value is not None]
        classes = None if _is_numbers(y) else np.unique(np.asarray(y))
        data = (_rows(X), _targets(y, classes), _single(sample_weight))
        judge = validation_data and (_rows(validation_data[0]), _targets(validation_data[1], classes), None)
        bar = Bar(int(said["epochs"]) if "epochs" in said else None) if verbose else None
        heard = list(callbacks)

        def told(member: int, figures: dict[str, Any]) -> bool:
            if bar:
                bar(member, figures)
            return any([callback(figures) is True for callback in heard])

        try:
            config = {
                "settings": settings,
                "preset": None,
                "held_out": judge is not None,
                "threads": _threads(self.threads),
                "time_limit": time_limit,
                "on_epoch": told if bar or heard else None,
            }
            history = self.network._network.train(data, judge, config)
        finally:
            if bar:
                bar.close()
        if history["interrupted"]:
            warnings.warn("Training interrupted by user.", stacklevel=2)
        return [figures for _, figures in history["epochs"]]


def _rows(X: Any) -> np.ndarray:
    rows = np.asarray(X, np.float32)
    return rows.reshape(len(rows), -1) if rows.ndim != 1 else rows.reshape(-1, 1)


def _is_numbers(y: Any) -> bool:
    return np.asarray(y).dtype.kind == "f"


def _targets(y: Any, classes: np.ndarray | None) -> Any:
    y = np.asarray(y)
    if classes is None:
        return np.ascontiguousarray(y.reshape(len(y), -1), np.float32)
    strange = np.setdiff1d(y, classes)
    if strange.size:
        raise ValueError(f"y has a class that training never saw: {strange[0]!r}")
    return np.searchsorted(classes, y).astype(np.uint32), texts(classes)


def _single(weights: Any) -> np.ndarray | None:
    return None if weights is None else np.asarray(weights, np.float32)
