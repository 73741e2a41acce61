"""From the frames that people have to columns of numbers and texts.

An array has numbers only. What the columns of a frame are, the rules of tables decide: those of `furlough train`.
"""

from __future__ import annotations

import os
from typing import Any, NamedTuple

import numpy as np

#: A column: its name, its values (numbers with NaN, or texts with None), and whether it is a category whatever it
#: spells.
Column = tuple[str, Any, bool]


def is_frame(X: Any) -> bool:
    """Whether X has named columns."""
    return _is_pandas(X) or hasattr(X, "__arrow_c_stream__")


def _is_pandas(X: Any) -> bool:
    return type(X).__module__.split(".")[0] == "pandas" and hasattr(X, "iloc") and hasattr(X, "columns")


class Frame(NamedTuple):
    """A frame as the Rust half takes it."""

    names: list[str]
    rows: int
    columns: list[Column]


def read(X: Any) -> Frame:
    """Returns the columns of a frame.

    Raises a TypeError for values that are neither numbers nor text, dates or booleans, a ValueError without rows or
    columns.
    """
    if _is_pandas(X):
        rows = len(X)
        columns = [(str(name), *_pandas_values(X.iloc[:, place], str(name))) for place, name in enumerate(X.columns)]
    else:
        from ._arrow import columns_of

        rows, columns = columns_of(X)
    for count, what in ((rows, "sample(s)"), (len(columns), "feature(s)")):
        if not count:
            raise ValueError(f"Found array with 0 {what} (shape={(rows, len(columns))}) while a minimum of 1 is required.")
    return Frame([name for name, _, _ in columns], rows, columns)


def _pandas_values(values: Any, name: str) -> tuple[Any, bool]:
    import pandas as pd
    from pandas.api import types

    kind = values.dtype
    if isinstance(kind, pd.CategoricalDtype):
        levels = np.array([*map(str, kind.categories), None], dtype=object)
        return levels[values.cat.codes.to_numpy()].tolist(), True
    if types.is_bool_dtype(kind):
        return _texts(values, name), False
    if types.is_complex_dtype(kind):
        raise ValueError(f"Complex data not supported: column {name}")
    if types.is_numeric_dtype(kind):
        return values.to_numpy(dtype=np.float64, na_value=np.nan), False
    if types.is_datetime64_any_dtype(kind):
        utc = values.dt.tz_convert("UTC") if getattr(values.dt, "tz", None) is not None else values
        return _texts(utc.dt.strftime("%Y-%m-%dT%H:%M:%S"), name), False
    if types.is_timedelta64_dtype(kind):
        return values.dt.total_seconds().to_numpy(dtype=np.float64, na_value=np.nan), False
    return _objects(values, name)


def _objects(values: Any, name: str) -> tuple[Any, bool]:
    import datetime

    cells = [None if missing else cell for cell, missing in zip(values.tolist(), values.isna().tolist(), strict=True)]
    kinds = {type(cell) for cell in cells if cell is not None}
    if kinds and all(issubclass(kind, (int, float, np.number)) and kind is not bool for kind in kinds):
        return np.array([np.nan if cell is None else float(cell) for cell in cells]), False
    if kinds and all(issubclass(kind, datetime.date) for kind in kinds):
        return [None if cell is None else cell.isoformat()[:19] for cell in cells], False
    for kind in kinds:
        if issubclass(kind, (dict, list, set, tuple, np.ndarray)):
            raise TypeError(f"column {name}: argument must be a string or a number, and not {kind.__name__!r}")
    return [None if cell is None else str(cell) for cell in cells], False


def _texts(values: Any, name: str) -> list[str | None]:
    return _objects(values.astype(object), name)[0]


def dense(X: Any) -> Any:
    """Returns a sparse array as a dense one, if there is memory for it.

    Raises a ValueError that says how much it would take.
    """
    rows, columns = X.shape
    takes = rows * columns * X.dtype.itemsize
    there = _available()
    if there is not None and 3 * takes > there:
        raise ValueError(
            f"a sparse array of {rows} x {columns} takes {3 * takes / 1e9:.1f} GB when it is learned from, and there are "
            f"{there / 1e9:.1f} GB; give fewer columns, such as those that sklearn.feature_selection or TruncatedSVD keep"
        )
    return X.toarray()


def _available() -> int | None:
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None
