"""Values of recipes as text."""

from __future__ import annotations

from typing import Any

import numpy as np


def as_text(value: Any) -> str:
    """Returns a value as a recipe's key reads it."""
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (list, tuple, np.ndarray)):
        return ",".join(as_text(one) for one in value) or "none"
    if isinstance(value, (float, np.floating)):
        return repr(float(value))
    return str(value)
