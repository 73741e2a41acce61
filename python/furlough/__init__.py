"""Networks with dropout for tables: scikit-learn's conventions, Rust's speed.

    from furlough import FurloughClassifier
    model = FurloughClassifier().fit(X, y)
    model.predict_proba(X_new)

What is imported here is imported when it is first used, so that ``import furlough`` takes no time.
"""

from __future__ import annotations

import importlib
from typing import Any

from ._furlough import __version__

__all__ = [
    "FurloughClassifier",
    "FurloughRegressor",
    "UnseenDataWarning",
    "__version__",
    "load",
    "masks",
    "nn",
]

_HOMES = {
    "FurloughClassifier": "_estimators",
    "FurloughRegressor": "_estimators",
    "UnseenDataWarning": "_warnings",
    "load": "_estimators",
}
_MODULES = {"masks", "nn"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
    if name in _MODULES:
        return importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
