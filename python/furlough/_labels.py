"""Between the labels of people and the texts that a model has for them."""

from __future__ import annotations

from typing import Any

import numpy as np

#: Pairs that a model takes for no and yes, in this order.
_BOOLEANS = [("0", "1"), ("0.0", "1.0"), ("false", "true"), ("f", "t"), ("no", "yes"), ("n", "y"), ("off", "on")]


def texts(labels: Any) -> list[str]:
    """Returns how a model spells labels."""
    return [str(label) for label in np.asarray(labels).tolist()]


def in_model_order(spelled: list[str]) -> list[int]:
    """Returns the places of classes, which are sorted, in the order of a model's outputs."""
    lower = tuple(text.lower() for text in spelled)
    places = list(range(len(spelled)))
    return places[::-1] if lower[::-1] in _BOOLEANS else places


def parsed(spelled: list[str]) -> np.ndarray:
    """Returns labels of texts: whole numbers where all are, other numbers likewise, and texts otherwise."""
    for kind in (np.int64, np.float64):
        try:
            values = [kind(text) for text in spelled]
        except ValueError:
            continue
        if [str(value) for value in np.array(values).tolist()] == spelled:
            return np.array(values)
    if sorted(spelled) == ["False", "True"]:
        return np.array([text == "True" for text in spelled])
    return np.array(spelled, dtype=object)
