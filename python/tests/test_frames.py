"""Frames of other libraries, by Arrow's PyCapsule interface."""

import datetime
import decimal

import numpy as np
import pandas as pd
import pytest

from furlough import FurloughRegressor
from furlough._arrow import columns_of

# Each release of these asks for a numpy that is not too old.
pl = pytest.importorskip("polars", exc_type=ImportError)
pa = pytest.importorskip("pyarrow", exc_type=ImportError)


class Stream:
    """Gives nothing but an Arrow stream."""

    def __init__(self, table):
        self.table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self.table.__arrow_c_stream__(requested_schema)


def of(array, rows=None):
    """Returns what is read of a column that begins in the middle of its buffers, in two batches."""
    array = array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array[:2], array[2:]])
    rows, [(name, values, category)] = columns_of(Stream(pa.table({"x": array}).slice(1)))
    assert (name, rows) == ("x", len(values))
    return values, category


DAY = datetime.datetime(2024, 2, 29, 13, 5, 59)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (pa.array([0, 1, None, 3], kind), [1, np.nan, 3])
        for kind in (pa.int8(), pa.uint8(), pa.int16(), pa.uint16(), pa.int32(), pa.uint32(), pa.int64(), pa.uint64())
    ]
    + [(pa.array([0, 1.5, None, -2], kind), [1.5, np.nan, -2]) for kind in (pa.float32(), pa.float64())]
    + [
        (pa.array([decimal.Decimal(n) / 8 for n in (1, -3, 2, 7)], kind), [-0.375, 0.25, 0.875])
        for kind in (pa.decimal128(30, 3), pa.decimal64(12, 3), pa.decimal32(8, 3))
    ]
    + [
        (pa.array([None, 1, None, 2], pa.duration("ms")), [1e-3, np.nan, 2e-3]),
        (pa.array([None, datetime.time(0, 1), None, datetime.time(1)], pa.time32("s")), [60, np.nan, 3600]),
        (pa.nulls(4), [np.nan] * 3),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_numbers_are_read(array, expected):
    np.testing.assert_array_equal(of(array)[0], expected)


LONG = "a text of more than twelve bytes, with ü"


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()], ids=str)
def test_texts_are_read(kind):
    assert of(pa.array(["gone", "ä", None, LONG, ""], kind)) == (["ä", None, LONG, ""], False)


def test_categories_booleans_and_dates_are_read():
    assert of(pa.array(["a", "b", None, "a"]).dictionary_encode()) == (["b", None, "a"], True)
    assert of(pa.array([3, 1, None, 3]).dictionary_encode()) == (["1", None, "3"], True)
    assert of(pa.array([True, False, None, True])) == (["false", None, "true"], False)
    for unit in ("s", "ms", "us", "ns"):
        array = pa.array([None, DAY, None], pa.timestamp(unit, tz="UTC"))
        assert of(array) == (["2024-02-29T13:05:59", None], False)
    assert of(pa.array([None, DAY.date(), None])) == (["2024-02-29T00:00:00", None], False)


def test_what_is_no_column_is_refused():
    with pytest.raises(TypeError, match=r"column x: argument must be a string or a number.*make columns"):
        of(pa.array([[1], [2], [3]]))
    with pytest.raises(TypeError, match="is not that of a table"):
        columns_of(pa.chunked_array([[1, 2]]))
    with pytest.raises(TypeError, match="decimals of 256 bits"):
        of(pa.array([decimal.Decimal(1)] * 3, pa.decimal256(50, 2)))


def broken():
    yield pa.record_batch({"x": [1.0]})
    raise OSError("the disk is gone")


def test_a_stream_that_fails_says_why():
    reader = pa.RecordBatchReader.from_batches(pa.schema({"x": pa.float64()}), broken())
    with pytest.raises(ValueError, match="the disk is gone"):
        columns_of(reader)


def test_frames_of_all_libraries_are_one(features, houses):
    price = houses["price"].to_numpy()
    expected = FurloughRegressor(epochs=3, threads=1).fit(features, price).predict(features)
    arrow = pa.Table.from_pandas(features, preserve_index=False)
    polars = pl.from_arrow(arrow)
    for frame in (polars, polars.with_columns(pl.col("town").cast(pl.Categorical)), arrow, Stream(arrow)):
        fitted = FurloughRegressor(epochs=3, threads=1).fit(frame, pl.Series(price))
        np.testing.assert_allclose(fitted.predict(features), expected, rtol=1e-4)
        np.testing.assert_array_equal(fitted.predict(frame), fitted.predict(features))
    with pytest.raises(ValueError, match="minimum of 1 is required"):
        fitted.fit(polars[:0], price[:0])


def test_polars_and_pandas_of_odd_types():
    rows = 60
    whole = np.arange(rows)
    frame = pl.DataFrame(
        {"enum": pl.Series([("u", "v")[n % 2] for n in whole], dtype=pl.Enum(["u", "v"])), "gap": [None, 2.0, 1.0] * 20}
    )
    assert np.isfinite(FurloughRegressor(epochs=2, threads=1).fit(frame, whole).predict(frame)).all()
    odd = pd.DataFrame({"period": pd.period_range("2020-01", periods=rows, freq="M"), "delta": pd.to_timedelta(whole, "s")})
    assert np.isfinite(FurloughRegressor(epochs=2, threads=1).fit(odd, whole).predict(odd)).all()
