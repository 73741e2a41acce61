"""What scikit-learn gives, in its versions from 1.5 on, and the little that is needed without it."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.exceptions import NotFittedError

    HAS_SKLEARN = True
except ImportError:
    HAS_SKLEARN = False

    class NotFittedError(ValueError, AttributeError):  # type: ignore[no-redef]
        """An estimator is asked that has not been fitted."""

    class BaseEstimator:  # type: ignore[no-redef]
        """Parameters by name, as scikit-learn has them."""

        @classmethod
        def _names(cls) -> list[str]:
            return [name for name in inspect.signature(cls.__init__).parameters if name != "self"]

        def get_params(self, deep: bool = True) -> dict[str, Any]:
            """Returns the parameters."""
            return {name: getattr(self, name) for name in self._names()}

        def set_params(self, **params: Any) -> Any:
            """Sets parameters."""
            for name, value in params.items():
                if name not in self._names():
                    raise ValueError(f"{name} is no parameter of {type(self).__name__}; there are {self._names()}")
                setattr(self, name, value)
            return self

        def __repr__(self) -> str:
            usual = {name: one.default for name, one in inspect.signature(type(self).__init__).parameters.items()}
            said = [f"{name}={value!r}" for name, value in self.get_params().items() if value is not usual[name]]
            return f"{type(self).__name__}({', '.join(said)})"

    class ClassifierMixin:  # type: ignore[no-redef]
        """Scores by accuracy."""

        _estimator_type = "classifier"

        def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
            """Returns the share of rows whose class is right."""
            return float(np.average(self.predict(X) == np.asarray(y), weights=sample_weight))  # type: ignore[attr-defined]

    class RegressorMixin:  # type: ignore[no-redef]
        """Scores by the coefficient of determination."""

        _estimator_type = "regressor"

        def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
            """Returns the coefficient of determination, the mean over the targets."""
            y = np.asarray(y, dtype=float)
            off = np.average((self.predict(X) - y) ** 2, axis=0, weights=sample_weight)  # type: ignore[attr-defined]
            mean = np.average(y, axis=0, weights=sample_weight)
            return float(np.mean(1 - off / np.average((y - mean) ** 2, axis=0, weights=sample_weight)))


def arrays(estimator: Any, X: Any, y: Any, *, reset: bool, **how: Any) -> Any:
    """Checks arrays, by scikit-learn's rules where it is there. Gaps and infinities of X pass; y has none."""
    if not HAS_SKLEARN:
        return _plain_arrays(estimator, X, y, reset=reset, **how)
    targets = {"y": "no_validation"} if y is None else {"y": y, **how}
    common = {"accept_sparse": "csr", "dtype": [np.float64, np.float32], "reset": reset, "order": None}
    try:
        from sklearn.utils.validation import validate_data
    except ImportError:  # before 1.6
        return estimator._validate_data(X, **common, force_all_finite=False, **targets)
    return validate_data(estimator, X, **common, ensure_all_finite=False, **targets)


def _plain_arrays(estimator: Any, X: Any, y: Any, *, reset: bool, multi_output: bool = False, **_: Any) -> Any:
    X = np.asarray(X)
    X = X if X.dtype in (np.float32, np.float64) else X.astype(np.float64)
    if X.ndim != 2:
        raise ValueError(f"Expected 2D array, got {X.ndim}D array instead: reshape it to rows and columns")
    if 0 in X.shape:
        raise ValueError(f"Found array with shape {X.shape}: there is nothing to learn from or to answer for")
    if reset:
        estimator.n_features_in_ = X.shape[1]
        if hasattr(estimator, "feature_names_in_"):
            del estimator.feature_names_in_
    elif X.shape[1] != estimator.n_features_in_:
        name = type(estimator).__name__
        raise ValueError(f"X has {X.shape[1]} features, but {name} is expecting {estimator.n_features_in_} features as input")
    if y is None:
        return X
    y = np.asarray(y)
    y = y if multi_output and y.ndim == 2 else y.ravel()
    if len(y) != len(X):
        raise ValueError(f"Found input variables with inconsistent numbers of samples: [{len(X)}, {len(y)}]")
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        raise ValueError("Input y contains NaN or infinity.")
    return X, y
