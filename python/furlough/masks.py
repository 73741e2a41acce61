"""The very masks of a run, as numpy arrays.

A mask is a function of the run's seed, the step, the layer, the example and the unit, and of nothing else. So the masks
that a training used can be drawn again anywhere; ``docs/reference/masks.md`` defines each bit.

``layer`` counts the linear layers before the dropout: 0 for dropout of the inputs, 1 after the first hidden layer.
``step`` counts the steps of the whole run from 0. ``examples`` are rows of the data set, from 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ._furlough import first_weights, mask_applied, mask_factors, mask_keeps, order_of_epoch

__all__ = ["backward", "dropout", "factors", "keeps", "order", "weights"]


def keeps(examples: Any, units: int, p: float, *, seed: int = 0, step: int = 0, layer: int = 1, **how: Any) -> np.ndarray:
    """Returns which units are kept: examples × units.

    ``how`` may say ``kind`` ("bernoulli", "gaussian" or "alpha"), ``sharing`` ("per-example", "batch" or how many
    successive rows share a mask), and ``training=False`` for the masks of sampled predictions, whose step is the sample.
    """
    return mask_keeps(_of(p, seed, step, layer, how), _ids(examples), int(units))


def factors(examples: Any, units: int, p: float, *, seed: int = 0, step: int = 0, layer: int = 1, **how: Any) -> np.ndarray:
    """Returns what units are multiplied by: 0 or 1 / (1 - p), or normal noise around 1; ``how`` as in `keeps`."""
    return mask_factors(_of(p, seed, step, layer, how), _ids(examples), int(units))


def dropout(x: Any, examples: Any, p: float, *, seed: int = 0, step: int = 0, layer: int = 1, **how: Any) -> np.ndarray:
    """Returns dropout of ``x``, examples × units, in single precision; ``how`` as in `keeps`."""
    return mask_applied(_of(p, seed, step, layer, how), np.asarray(x, np.float32), _ids(examples), False)


def backward(dy: Any, examples: Any, p: float, *, seed: int = 0, step: int = 0, layer: int = 1, **how: Any) -> np.ndarray:
    """Returns the derivative by what `dropout` was given, of the derivative by what it returned."""
    return mask_applied(_of(p, seed, step, layer, how), np.asarray(dy, np.float32), _ids(examples), True)


def order(examples: int, *, seed: int = 0, epoch: int = 0) -> np.ndarray:
    """Returns the order in which an epoch, from 0, takes so many examples."""
    return order_of_epoch(int(seed), int(epoch), int(examples))


def weights(inputs: int, outputs: int, *, seed: int = 0, layer: int = 0, init: str = "kaiming") -> np.ndarray:
    """Returns the first weights of a linear layer, which layers are counted from 0: inputs × outputs."""
    return first_weights(int(seed), int(layer), init, int(inputs), int(outputs))


def _of(p: float, seed: int, step: int, layer: int, how: dict[str, Any]) -> dict[str, Any]:
    usual = {"kind": "bernoulli", "sharing": "per-example", "training": True}
    strange = sorted(set(how) - set(usual))
    if strange:
        raise TypeError(f"{strange[0]} says nothing of a mask; there are kind, sharing and training")
    said = {**usual, **how}
    said["sharing"] = str(said["sharing"])
    return {"seed": int(seed), "step": int(step), "layer": int(layer), "p": float(p), **said}


def _ids(examples: Any) -> np.ndarray:
    ids = np.atleast_1d(np.asarray(examples))
    if ids.ndim != 1 or ids.dtype.kind not in "iu" or (ids.size and (ids.min() < 0 or ids.max() >= 2**32)):
        raise ValueError("examples are rows of a data set: whole numbers from 0 to 2^32 - 1")
    return ids.astype(np.uint32)
