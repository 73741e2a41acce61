"""Estimators by scikit-learn's conventions."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from . import _frames, _labels
from ._furlough import Model, begin, fit_columns, fit_file, fit_further
from ._progress import Bar
from ._settings import as_text
from ._sklearn import HAS_SKLEARN, BaseEstimator, ClassifierMixin, NotFittedError, RegressorMixin, arrays
from ._threads import threads
from ._warnings import UnseenDataWarning


class Intervals(NamedTuple):
    """Bounds between which numbers lie with the probability that was asked for."""

    low: np.ndarray
    high: np.ndarray


class ClassUncertainty(NamedTuple):
    """What masked passes say of classes, row by row. Entropies are in nats."""

    answers: np.ndarray
    probabilities: np.ndarray
    predictive_entropy: np.ndarray
    expected_entropy: np.ndarray
    mutual_information: np.ndarray
    agreement: np.ndarray


class NumberUncertainty(NamedTuple):
    """What masked passes say of numbers: their mean, and their standard deviation."""

    answers: np.ndarray
    deviations: np.ndarray


class _Network(BaseEstimator):
    """What classifiers and regressors share."""

    def __init__(
        self,
        hidden_layer_sizes: Sequence[int] | int | None = None,
        activation: str | None = None,
        *,
        dropout: float | Sequence[float] | None = None,
        input_dropout: float = 0.0,
        dropout_kind: str = "bernoulli",
        dropout_sharing: str | int = "per-example",
        preset: str | None = None,
        optimizer: str | None = None,
        learning_rate_init: float | None = None,
        weight_decay: float | None = None,
        batch_size: int | None = None,
        max_iter: int | None = None,
        epochs: int | None = None,
        early_stopping: bool = True,
        validation_fraction: float = 0.2,
        n_iter_no_change: int | None = None,
        members: int = 1,
        time_limit: float | None = None,
        random_state: Any = 0,
        warm_start: bool = False,
        threads: int | None = None,
        precision: str = "f32",
        callbacks: Sequence[Callable[[dict[str, Any]], Any]] | None = None,
        recipe: dict[str, Any] | None = None,
        verbose: bool | int = False,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.dropout = dropout
        self.input_dropout = input_dropout
        self.dropout_kind = dropout_kind
        self.dropout_sharing = dropout_sharing
        self.preset = preset
        self.optimizer = optimizer
        self.learning_rate_init = learning_rate_init
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.epochs = epochs
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.members = members
        self.time_limit = time_limit
        self.random_state = random_state
        self.warm_start = warm_start
        self.threads = threads
        self.precision = precision
        self.callbacks = callbacks
        self.recipe = recipe
        self.verbose = verbose

    # What is learned

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Fits to rows and their targets.

        X is an array of numbers, a sparse array, or a frame of pandas, polars, pyarrow or anything that gives Arrow
        streams. In X, NaN and infinity are missing; in y, they are errors. With ``warm_start`` a second call goes on
        from the network that the first one fitted, with the same columns and classes.
        """
        going_on = self.warm_start and hasattr(self, "model_")
        features, rows, target, weights = self._given(X, y, sample_weight, reset=not going_on)
        held_out = self.early_stopping and rows >= 2 * self._folds()
        settings = self._settings(held_out)
        if going_on:
            learned = self._learned(fit_further, self.model_, features, target, weights, settings=settings, held_out=held_out)
        else:
            learned = self._learned(fit_columns, features, target, weights, settings=settings, held_out=held_out)
        return self._keep(*learned)

    def fit_file(
        self, path: str | os.PathLike[str], target: str | Sequence[str], *, test_fraction: float = 0.2
    ) -> Any:
        """Fits to a file of any format that ``furlough train`` reads, just as that does.

        The same file, target, recipe and seed give the same model file, byte for byte.
        """
        names = [target] if isinstance(target, str) else list(target)
        held_out = bool(self.early_stopping)
        settings = self._settings(held_out)
        learned = self._learned(
            fit_file, os.fspath(path), names, self._task, float(test_fraction), settings=settings, held_out=held_out
        )
        self._keep(*learned)
        self._know(self.model_)
        return self

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, **known: Any) -> Any:
        """Takes one pass over some rows. How columns become features is decided by the first ones."""
        first = not hasattr(self, "model_")
        features, rows, target, weights = self._given(X, y, sample_weight, reset=first, known=known.get("classes"))
        self._passes = 0 if first else getattr(self, "_passes", 0) + 1
        settings = self._settings(False)
        settings |= {"epochs": "1", "lr_schedule": "constant", "seed": str((int(settings["seed"]) + self._passes) % 2**63)}
        if first:
            model = begin(features, target, self._classes(), self._config(settings, False, None))
        else:
            model = self.model_
        learned = self._learned(fit_further, model, features, target, weights, settings=settings, held_out=False)
        curves = [] if first else [self.loss_curve_, getattr(self, "validation_scores_", None)]
        self._keep(*learned)
        if curves:
            self.loss_curve_ = curves[0] + self.loss_curve_
            self.n_iter_ = len(self.loss_curve_)
        return self

    # What is answered

    def _predicted(self, X: Any) -> np.ndarray:
        model = self._fitted()
        answers, told = model.predict(self._asked(X), threads(self.threads))
        self._tell(told)
        return answers

    def predict_uncertainty(self, X: Any, samples: int = 100, random_state: int = 0) -> Any:
        """Answers with the mean of masked passes, and says how far they agree: Monte-Carlo dropout."""
        model = self._fitted()
        if samples < 2:
            raise ValueError(f"samples = {samples}: at least 2 masked passes say whether they agree")
        found = model.predict_uncertainty(self._asked(X), int(samples), int(random_state), threads(self.threads))
        self._tell(found.pop("told"))
        return self._uncertainty(found)

    # The file

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the model file, which the command ``furlough`` reads too; whole, or not at all."""
        self._fitted().save(os.fspath(path))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Any:
        """Reads a model file, be it written here or by the command ``furlough``."""
        return cls._of(Model.load(os.fspath(path)), os.fspath(path))

    @classmethod
    def _of(cls, model: Model, path: str = "model") -> Any:
        if (model.classes is not None) != (cls._task == "classification"):
            other = "FurloughClassifier" if model.classes is not None else "FurloughRegressor"
            raise ValueError(f"{path}: is the model of a {other}, and not of a {cls.__name__}")
        estimator = cls()
        estimator.model_ = model
        estimator._know(model)
        return estimator

    # How

    _task: Literal["classification", "regression"]

    def _folds(self) -> int:
        part = self.validation_fraction
        if not 0 < part <= 0.5:
            raise ValueError(f"validation_fraction = {part}: must be above 0 and at most 0.5")
        return max(2, round(1 / part))

    def _settings(self, held_out: bool) -> dict[str, str]:
        if self.max_iter is not None and self.epochs is not None and self.max_iter != self.epochs:
            raise ValueError(f"max_iter = {self.max_iter}, epochs = {self.epochs}: are two names of one thing")
        epochs = self.epochs if self.max_iter is None else self.max_iter
        said = {
            "hidden": self.hidden_layer_sizes,
            "activation": self.activation,
            "dropout": self.dropout,
            "input_dropout": self.input_dropout or None,
            "dropout_kind": None if self.dropout_kind == "bernoulli" else self.dropout_kind,
            "dropout_sharing": None if self.dropout_sharing == "per-example" else self.dropout_sharing,
            "optimizer": self.optimizer,
            "lr": self.learning_rate_init,
            "weight_decay": self.weight_decay,
            "batch_size": self.batch_size,
            "epochs": epochs,
            "members": self.members if self.members != 1 else None,
            "seed": _seed(self.random_state),
            "precision": None if self.precision == "f32" else self.precision,
        }
        if held_out:
            said |= {"folds": self._folds() if self._folds() != 5 and self.members == 1 else None}
            said |= {"stratified": True if said["folds"] else None, "early_stopping": self.n_iter_no_change}
        elif self.members != 1:
            raise ValueError("members: each of several networks is judged by rows that it leaves out; leave early_stopping on")
        said |= self._more_settings()
        said |= self.recipe or {}
        return {name: as_text(value) for name, value in said.items() if value is not None}

    def _more_settings(self) -> dict[str, Any]:
        return {}

    def _config(self, settings: dict[str, str], held_out: bool, told: Any) -> dict[str, Any]:
        limit = None if self.time_limit is None else float(self.time_limit)
        return {
            "settings": list(settings.items()),
            "preset": self.preset,
            "held_out": held_out,
            "threads": threads(self.threads),
            "time_limit": limit,
            "on_epoch": told,
        }

    def _learned(self, fit: Any, *given: Any, settings: dict[str, str], held_out: bool) -> tuple[Model, dict[str, Any]]:
        epochs = settings.get("epochs")
        bar = Bar(int(epochs) if epochs else None, self.members) if self.verbose else None
        heard = [*(self.callbacks or ())]

        def told(member: int, figures: dict[str, Any]) -> bool:
            if bar:
                bar(member, figures)
            return any([callback({"member": member, **figures}) is True for callback in heard])

        config = self._config(settings, held_out, told if bar or heard else None)
        try:
            model, history = fit(*given, config)
        finally:
            if bar:
                bar.close()
        if history["interrupted"]:
            warnings.warn("Training interrupted by user.", stacklevel=4)
        return model, history

    def _keep(self, model: Model, history: dict[str, Any]) -> Any:
        self.model_ = model
        first = [figures for member, figures in history["epochs"] if member == 0]
        counts = np.bincount([member for member, _ in history["epochs"]] or [0])
        self.loss_curve_ = [figures["train_loss"] for figures in first]
        self.n_iter_ = int(counts.max()) if history["epochs"] else 0
        losses = [figures["val_loss"] for figures in first if figures["val_loss"] is not None]
        self.validation_scores_ = [self._validation_score(one) for one in first] if losses else None
        self.best_validation_score_ = max(self.validation_scores_) if self.validation_scores_ else None
        self.best_loss_ = min(losses or self.loss_curve_, default=None)
        return self

    def _given(
        self, X: Any, y: Any, sample_weight: Any, *, reset: bool, known: Any = None
    ) -> tuple[Any, int, Any, np.ndarray | None]:
        if y is None:
            name = type(self).__name__
            raise ValueError(f"{name} requires y to be passed, but the target y is None; requires y")
        name = getattr(y, "name", None)
        features: Any
        if _frames.is_frame(X):
            names, rows, features = _frames.read(X)
            self._know_columns(names, reset)
            y = self._checked_target(y)
            if len(y) != rows:
                raise ValueError(f"Found input variables with inconsistent numbers of samples: [{rows}, {len(y)}]")
        else:
            X, y = arrays(self, X, y, reset=reset, **self._of_targets)
            rows = X.shape[0]
            features = self._named(X)
        if reset:
            taken = features[0] if isinstance(features, tuple) else self.feature_names_
            self.target_name_ = name if isinstance(name, str) and name not in taken else _free("target", taken)
        if rows < 2:
            raise ValueError(f"n_samples={rows}: there is nothing to learn from 1 sample; give at least 2 rows")
        target = self._target(y, reset=reset, known=known)
        return features, rows, target, self._weights(sample_weight, rows, y)

    def _weights(self, given: Any, rows: int, y: Any) -> np.ndarray | None:
        if given is None:
            return None
        weights = np.asarray(given, dtype=np.float64)
        if weights.ndim != 1:
            raise ValueError(f"Sample weights must be 1D array or scalar, got an array of shape {weights.shape}")
        if len(weights) != rows:
            raise ValueError(f"sample_weight.shape == {weights.shape}, expected {(rows,)}!")
        if not (weights > 0).any():
            raise ValueError("Sample weights must contain at least one non-zero number: no row counts.")
        return weights

    def _classes(self) -> list[str] | None:
        return None

    def _asked(self, X: Any) -> Any:
        if _frames.is_frame(X):
            return _frames.read(X).columns
        return self._named(arrays(self, X, None, reset=False))

    def _named(self, X: Any) -> Any:
        if hasattr(X, "toarray"):
            X = _frames.dense(X)
        names = getattr(self, "feature_names_in_", None)
        if names is None:
            names = getattr(self, "feature_names_", None) if hasattr(self, "model_") else None
        self_names = [f"x{place}" for place in range(X.shape[1])] if names is None else [str(name) for name in names]
        return self_names, X

    def _know_columns(self, names: list[str], reset: bool) -> None:
        if reset:
            self.n_features_in_ = len(names)
            self.feature_names_in_ = np.array(names, dtype=object)
            self.feature_names_ = names

    def _know(self, model: Model) -> None:
        names = model.columns
        self.n_features_in_ = len(names)
        self.feature_names_ = names
        self.feature_names_in_ = np.array(names, dtype=object)
        self.target_name_ = model.targets[0]

    def _fitted(self) -> Model:
        if not hasattr(self, "model_"):
            name = type(self).__name__
            raise NotFittedError(
                f"This {name} instance is not fitted yet. Call 'fit' with appropriate arguments before using this estimator."
            )
        return self.model_

    def _tell(self, sentences: list[str]) -> None:
        for sentence in sentences:
            warnings.warn(sentence, UnseenDataWarning, stacklevel=4)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        return tags

    def _more_tags(self) -> dict[str, Any]:  # scikit-learn before 1.6
        reason = "rows are put into batches, so that a row of weight 0 changes the batches of the others"
        return {
            "allow_nan": True,
            "X_types": ["2darray", "sparse"],
            "_xfail_checks": {"check_sample_weights_invariance": reason},
        }

    _of_targets: dict[str, Any] = {}

    def _checked_target(self, y: Any) -> np.ndarray:
        raise NotImplementedError

    def _target(self, y: np.ndarray, *, reset: bool, known: Any) -> Any:
        raise NotImplementedError

    def _uncertainty(self, found: dict[str, Any]) -> Any:
        raise NotImplementedError

    def _validation_score(self, figures: dict[str, Any]) -> float:
        raise NotImplementedError


class FurloughClassifier(ClassifierMixin, _Network):
    """A network with dropout that predicts classes."""

    _task = "classification"

    def __init__(
        self,
        hidden_layer_sizes: Sequence[int] | int | None = None,
        activation: str | None = None,
        *,
        dropout: float | Sequence[float] | None = None,
        input_dropout: float = 0.0,
        dropout_kind: str = "bernoulli",
        dropout_sharing: str | int = "per-example",
        preset: str | None = None,
        optimizer: str | None = None,
        learning_rate_init: float | None = None,
        weight_decay: float | None = None,
        batch_size: int | None = None,
        max_iter: int | None = None,
        epochs: int | None = None,
        early_stopping: bool = True,
        validation_fraction: float = 0.2,
        n_iter_no_change: int | None = None,
        class_weight: dict[Any, float] | Literal["balanced"] | None = None,
        members: int = 1,
        time_limit: float | None = None,
        random_state: Any = 0,
        warm_start: bool = False,
        threads: int | None = None,
        precision: str = "f32",
        callbacks: Sequence[Callable[[dict[str, Any]], Any]] | None = None,
        recipe: dict[str, Any] | None = None,
        verbose: bool | int = False,
    ) -> None:
        super().__init__(
            hidden_layer_sizes=hidden_layer_sizes,
            activation=activation,
            dropout=dropout,
            input_dropout=input_dropout,
            dropout_kind=dropout_kind,
            dropout_sharing=dropout_sharing,
            preset=preset,
            optimizer=optimizer,
            learning_rate_init=learning_rate_init,
            weight_decay=weight_decay,
            batch_size=batch_size,
            max_iter=max_iter,
            epochs=epochs,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            n_iter_no_change=n_iter_no_change,
            members=members,
            time_limit=time_limit,
            random_state=random_state,
            warm_start=warm_start,
            threads=threads,
            precision=precision,
            callbacks=callbacks,
            recipe=recipe,
            verbose=verbose,
        )
        self.class_weight = class_weight

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> FurloughClassifier:
        """Takes one pass over some rows. The first call names all classes, unless these rows have all."""
        return super().partial_fit(X, y, sample_weight, classes=classes)

    def predict(self, X: Any) -> np.ndarray:
        """Returns the most probable class of each row."""
        found = self._predicted(X)
        return self.classes_[self._order()[found]]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Returns the probability of each class, rows × classes, in the order of ``classes_``."""
        model = self._fitted()
        found, told = model.predict_proba(self._asked(X), threads(self.threads))
        self._tell(told)
        return self._sorted(found)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Returns the logarithms of the probabilities."""
        return np.log(self.predict_proba(X))

    def predict_set(self, X: Any, confidence: float = 0.9) -> np.ndarray:
        """Says which classes a row may have: rows × classes, true where the class is in the row's set.

        A set holds the row's class with the probability ``confidence``, if rows are like those learned from: split
        conformal prediction, or its like over folds with several members.
        """
        model, order = self._fitted(), self._order()
        sets = model.predict_set(self._asked(X), float(confidence), threads(self.threads))
        held = np.zeros((len(sets), len(self.classes_)), dtype=bool)
        for row, places in zip(held, sets, strict=True):
            row[order[places]] = True
        return held

    def _more_settings(self) -> dict[str, Any]:
        return {"class_weights": self.class_weight if isinstance(self.class_weight, str) else None}

    def _weights(self, given: Any, rows: int, y: Any) -> np.ndarray | None:
        weights = super()._weights(given, rows, y)
        if self.class_weight is None or isinstance(self.class_weight, str):
            return weights
        strange = [label for label in self.class_weight if label not in self.classes_]
        if strange:
            raise ValueError(f"class_weight names {strange[0]!r}, which is no class; the classes are {self.classes_.tolist()[:10]}")
        of_class = np.array([float(self.class_weight.get(label, 1.0)) for label in self.classes_.tolist()])
        of_row = of_class[np.searchsorted(self.classes_, y)]
        return of_row if weights is None else weights * of_row

    def _checked_target(self, y: Any) -> np.ndarray:
        y = np.asarray(y)
        if y.ndim == 2 and y.shape[1] == 1:
            y = y[:, 0]
        if y.ndim != 1:
            raise ValueError(f"y should be a 1d array, got an array of shape {y.shape} instead.")
        if y.dtype == object:
            missing = [row for row, label in enumerate(y.tolist()) if label is None or label != label]
        else:
            missing = np.flatnonzero(~np.isfinite(y)).tolist() if y.dtype.kind == "f" else []
        if missing:
            raise ValueError(f"Input y contains NaN: {len(missing)} rows have no class, the first of them row {missing[0]}.")
        return y

    def _target(self, y: np.ndarray, *, reset: bool, known: Any) -> Any:
        if HAS_SKLEARN:
            from sklearn.utils.multiclass import check_classification_targets

            check_classification_targets(y)
        y = self._checked_target(y)
        if reset:
            self.classes_ = np.unique(y if known is None else np.asarray(known))
            if len(self.classes_) < 2:
                raise ValueError(f"y has one class only, {self.classes_[0]!r}; there is nothing to tell apart with 1 class")
        strange = np.setdiff1d(y, self.classes_)
        if strange.size:
            raise ValueError(f"y has classes that were not there when the model began: {strange.tolist()[:5]}")
        return self.target_name_, _labels.texts(y)

    def _classes(self) -> list[str]:
        spelled = _labels.texts(self.classes_)
        return [spelled[place] for place in _labels.in_model_order(spelled)]

    def _order(self) -> np.ndarray:
        """Returns the place in ``classes_`` of each of the model's outputs."""
        places = {text: place for place, text in enumerate(_labels.texts(self.classes_))}
        return np.array([places[text] for text in self._fitted().classes])

    def _sorted(self, outputs: np.ndarray) -> np.ndarray:
        sorted_outputs = np.zeros((len(outputs), len(self.classes_)), dtype=outputs.dtype)
        sorted_outputs[:, self._order()] = outputs
        return sorted_outputs

    def _know(self, model: Model) -> None:
        super()._know(model)
        self.classes_ = np.sort(_labels.parsed(model.classes))

    def _uncertainty(self, found: dict[str, Any]) -> ClassUncertainty:
        found["answers"] = self.classes_[self._order()[found["answers"]]]
        found["probabilities"] = self._sorted(found["probabilities"])
        return ClassUncertainty(**found)

    def _validation_score(self, figures: dict[str, Any]) -> float:
        return figures["val_accuracy"]


class FurloughRegressor(RegressorMixin, _Network):
    """A network with dropout that predicts numbers, one or several."""

    _task = "regression"
    _of_targets = {"multi_output": True, "y_numeric": True}

    def predict(self, X: Any) -> np.ndarray:
        """Returns the number of each row; rows × targets where there are several."""
        return self._shaped(self._predicted(X))

    def predict_interval(self, X: Any, confidence: float = 0.9) -> Intervals:
        """Returns bounds between which a row's number lies with the probability ``confidence``.

        That is so on average over rows which are like those learned from: split conformal prediction, or its like
        over folds with several members.
        """
        model = self._fitted()
        low, high = model.predict_interval(self._asked(X), float(confidence), threads(self.threads))
        return Intervals(self._shaped(low), self._shaped(high))

    def _shaped(self, numbers: np.ndarray) -> np.ndarray:
        return numbers[:, 0] if self.n_outputs_ == 1 else numbers

    def _checked_target(self, y: Any) -> np.ndarray:
        y = np.asarray(y, dtype=np.float64)
        if y.ndim not in (1, 2):
            raise ValueError(f"y should be a 1d or 2d array, got an array of shape {y.shape} instead.")
        if not np.isfinite(y).all():
            raise ValueError("Input y contains NaN or infinity.")
        return y

    def _target(self, y: np.ndarray, *, reset: bool, known: Any) -> Any:
        y = self._checked_target(y)
        self._ensure_width(y, reset)
        columns = y.reshape(len(y), -1).T
        names = [self.target_name_] if len(columns) == 1 else [f"{self.target_name_}_{place}" for place in range(len(columns))]
        return list(zip(names, map(np.ascontiguousarray, columns), strict=True))

    def _ensure_width(self, y: np.ndarray, reset: bool) -> None:
        width = 1 if y.ndim == 1 else y.shape[1]
        if reset:
            self.n_outputs_ = width
        elif width != self.n_outputs_:
            raise ValueError(f"y has {width} targets, but the model began with {self.n_outputs_}")

    def _know(self, model: Model) -> None:
        super()._know(model)
        self.n_outputs_ = len(model.targets)

    def _uncertainty(self, found: dict[str, Any]) -> NumberUncertainty:
        return NumberUncertainty(self._shaped(found["answers"]), self._shaped(found["deviations"]))

    def _validation_score(self, figures: dict[str, Any]) -> float:
        # The loss is that of standardized targets, whose variance is 1.
        return 1 - figures["val_loss"]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _more_tags(self) -> dict[str, Any]:
        return {**super()._more_tags(), "multioutput": True}


def load(path: str | os.PathLike[str]) -> FurloughClassifier | FurloughRegressor:
    """Reads a model file and returns the estimator that it is of."""
    model = Model.load(os.fspath(path))
    kind = FurloughRegressor if model.classes is None else FurloughClassifier
    return kind._of(model, os.fspath(path))


def _seed(random_state: Any) -> int:
    if isinstance(random_state, (int, np.integer)):
        return int(random_state)
    if random_state is None:
        return int(np.random.randint(2**31 - 1))
    return int(random_state.randint(2**31 - 1))


def _free(name: str, taken: Sequence[str]) -> str:
    while name in taken:
        name += "_"
    return name
