"""Columns of whatever gives Arrow streams: polars, pyarrow, DuckDB and others, by Arrow's PyCapsule interface.

The structures are those of Arrow's C data interface and its C stream interface. Nothing but numpy is needed.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

_POINTER = ctypes.c_void_p


class _Schema(ctypes.Structure):
    pass


_Schema._fields_ = [
    ("format", ctypes.c_char_p),
    ("name", ctypes.c_char_p),
    ("metadata", _POINTER),
    ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("children", ctypes.POINTER(ctypes.POINTER(_Schema))),
    ("dictionary", ctypes.POINTER(_Schema)),
    ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(_Schema))),
    ("private_data", _POINTER),
]


class _Array(ctypes.Structure):
    pass


_Array._fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(_POINTER)),
    ("children", ctypes.POINTER(ctypes.POINTER(_Array))),
    ("dictionary", ctypes.POINTER(_Array)),
    ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(_Array))),
    ("private_data", _POINTER),
]


class _Stream(ctypes.Structure):
    pass


_Stream._fields_ = [
    ("get_schema", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_Stream), ctypes.POINTER(_Schema))),
    ("get_next", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_Stream), ctypes.POINTER(_Array))),
    ("get_last_error", ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.POINTER(_Stream))),
    ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(_Stream))),
    ("private_data", _POINTER),
]

_NUMBERS = {
    b"c": np.int8,
    b"C": np.uint8,
    b"s": np.int16,
    b"S": np.uint16,
    b"i": np.int32,
    b"I": np.uint32,
    b"l": np.int64,
    b"L": np.uint64,
    b"e": np.float16,
    b"f": np.float32,
    b"g": np.float64,
}
_UNITS = {b"s": "s", b"m": "ms", b"u": "us", b"n": "ns"}
_PER_SECOND = {b"s": 1.0, b"m": 1e3, b"u": 1e6, b"n": 1e9}


def columns_of(frame: Any) -> tuple[int, list[tuple[str, Any, bool]]]:
    """Returns how many rows a frame has, and its columns: names, values, and whether they are categories.

    Raises a TypeError for columns of lists and the like, a ValueError where the stream fails.
    """
    capsule = frame.__arrow_c_stream__()
    point = ctypes.pythonapi.PyCapsule_GetPointer
    point.restype, point.argtypes = _POINTER, [ctypes.py_object, ctypes.c_char_p]
    stream = ctypes.cast(point(capsule, b"arrow_array_stream"), ctypes.POINTER(_Stream))
    schema = _Schema()
    _check(stream, stream.contents.get_schema(stream, ctypes.byref(schema)))
    try:
        if schema.format != b"+s":
            raise TypeError("the Arrow stream is not that of a table; its values have no columns")
        children = [schema.children[place].contents for place in range(schema.n_children)]
        readers = [_reader(child) for child in children]
        parts: list[list[Any]] = [[] for _ in children]
        rows = 0
        for batch in _batches(stream):
            rows += batch.length
            for place, (part, (read, _)) in enumerate(zip(parts, readers, strict=True)):
                part.append(read(batch.children[place].contents, batch.offset, batch.length))
        names = [_name(child) for child in children]
    finally:
        schema.release(ctypes.byref(schema))
    joined = [_joined(part) for part in parts]
    return rows, [(name, values, category) for name, values, (_, category) in zip(names, joined, readers, strict=True)]


def _batches(stream: Any) -> Iterator[_Array]:
    while True:
        batch = _Array()
        _check(stream, stream.contents.get_next(stream, ctypes.byref(batch)))
        if not batch.release:
            return
        try:
            yield batch
        finally:
            batch.release(ctypes.byref(batch))


def _check(stream: Any, code: int) -> None:
    if code:
        said = stream.contents.get_last_error(stream)
        raise ValueError(f"the Arrow stream failed: {(said or b'it does not say why').decode(errors='replace')}")


def _name(schema: _Schema) -> str:
    return (schema.name or b"").decode()


def _joined(parts: list[Any]) -> Any:
    if parts and isinstance(parts[0], list):
        return [text for part in parts for text in part]
    return np.concatenate(parts) if parts else np.zeros(0)


#: Returns the values of some rows of an array, from an offset on.
_Read = Callable[[_Array, int, int], Any]


def _reader(schema: _Schema) -> tuple[_Read, bool]:
    """Returns what reads a column, and whether it is a category."""
    if schema.dictionary:
        index, (levels, _) = _read_numbers(_NUMBERS[schema.format]), _reader(schema.dictionary.contents)

        def read(array: _Array, offset: int, count: int) -> Any:
            codes = index(array, offset, count)
            values = levels(array.dictionary.contents, 0, array.dictionary.contents.length)
            texts = values if isinstance(values, list) else [None if value != value else f"{value:g}" for value in values]
            return [None if code != code else texts[int(code)] for code in codes]

        return read, True
    return _plain_reader(schema), False


def _plain_reader(schema: _Schema) -> _Read:
    kind = schema.format
    if kind in _NUMBERS:
        return _read_numbers(_NUMBERS[kind])
    if kind == b"b":
        return _read_booleans
    if kind in (b"u", b"U"):
        return _read_texts(np.int32 if kind == b"u" else np.int64)
    if kind == b"vu":
        return _read_views
    if kind == b"n":
        return lambda _array, _offset, count: np.full(count, np.nan)
    if kind.startswith(b"d:"):
        return _read_decimals(kind, _name(schema))
    if kind in (b"tdD", b"tdm"):
        return _read_dates(np.int32, "D") if kind == b"tdD" else _read_dates(np.int64, "ms")
    if kind.startswith(b"ts"):
        return _read_dates(np.int64, _UNITS[kind[2:3]])
    if kind[:2] in (b"tt", b"tD"):
        width = np.int32 if kind in (b"tts", b"ttm") else np.int64
        read = _read_numbers(width)
        per_second = _PER_SECOND[kind[2:3]]
        return lambda array, offset, count: read(array, offset, count) / per_second
    raise TypeError(
        f"column {_name(schema)}: argument must be a string or a number, and not Arrow's type {kind.decode()!r}; make "
        "columns of numbers or text of it"
    )


def _buffer(array: _Array, place: int, kind: Any, begin: int, count: int) -> np.ndarray:
    """Returns some values of a buffer, which live as long as the array."""
    width = np.dtype(kind).itemsize
    address = array.buffers[place]
    if not address or not count:
        return np.zeros(count, kind)
    return np.frombuffer((ctypes.c_char * (count * width)).from_address(address + begin * width), kind)


def _bits(array: _Array, place: int, begin: int, count: int) -> np.ndarray:
    first = begin // 8
    packed = _buffer(array, place, np.uint8, first, (begin + count + 7) // 8 - first)
    return np.unpackbits(packed, bitorder="little")[begin - 8 * first :][:count].astype(bool)


def _missing(array: _Array, begin: int, count: int) -> np.ndarray:
    if array.null_count == 0 or array.n_buffers == 0 or not array.buffers[0]:
        return np.zeros(count, dtype=bool)
    return ~_bits(array, 0, begin, count)


def _read_numbers(kind: Any) -> _Read:
    def read(array: _Array, offset: int, count: int) -> np.ndarray:
        begin = array.offset + offset
        numbers = _buffer(array, 1, kind, begin, count).astype(np.float64)
        numbers[_missing(array, begin, count)] = np.nan
        return numbers

    return read


def _with_gaps(texts: list[Any], missing: np.ndarray) -> list[str | None]:
    for place in np.flatnonzero(missing):
        texts[place] = None
    return texts


def _read_booleans(array: _Array, offset: int, count: int) -> list[str | None]:
    begin = array.offset + offset
    texts = ["true" if bit else "false" for bit in _bits(array, 1, begin, count)]
    return _with_gaps(texts, _missing(array, begin, count))


def _read_texts(kind: Any) -> _Read:
    def read(array: _Array, offset: int, count: int) -> list[str | None]:
        begin = array.offset + offset
        ends = _buffer(array, 1, kind, begin, count + 1).tolist()
        data = _buffer(array, 2, np.uint8, 0, ends[-1]).tobytes()
        texts = [data[start:end].decode() for start, end in zip(ends[:-1], ends[1:], strict=True)]
        return _with_gaps(texts, _missing(array, begin, count))

    return read


def _read_views(array: _Array, offset: int, count: int) -> list[str | None]:
    begin = array.offset + offset
    views = _buffer(array, 1, np.uint8, 16 * begin, 16 * count).tobytes()
    numbers = np.frombuffer(views, np.int32).reshape(count, 4).tolist()
    missing = _missing(array, begin, count)
    texts: list[str | None] = []
    for row, (length, _, buffer, start) in enumerate(numbers):
        if missing[row]:
            texts.append(None)
        elif length <= 12:
            texts.append(views[16 * row + 4 : 16 * row + 4 + length].decode())
        else:
            texts.append(ctypes.string_at(array.buffers[2 + buffer] + start, length).decode())
    return texts


def _read_dates(kind: Any, unit: str) -> _Read:
    def read(array: _Array, offset: int, count: int) -> list[str | None]:
        begin = array.offset + offset
        moments = _buffer(array, 1, kind, begin, count).astype(np.int64).view(f"datetime64[{unit}]")
        texts = np.datetime_as_string(moments.astype("datetime64[s]")).tolist()
        return _with_gaps(texts, _missing(array, begin, count))

    return read


def _read_decimals(kind: bytes, name: str) -> _Read:
    _, scale, *bits = (int(part) for part in kind[2:].split(b","))
    width = bits[0] if bits else 128
    if width not in (32, 64, 128):
        raise TypeError(f"column {name}: argument must be a string or a number; decimals of {width} bits are not read")

    def read(array: _Array, offset: int, count: int) -> np.ndarray:
        begin = array.offset + offset
        if width == 128:
            halves = _buffer(array, 1, np.uint64, 2 * begin, 2 * count).reshape(count, 2)
            whole = [(int(high) << 64 | int(low)) - (1 << 128 if high >> np.uint64(63) else 0) for low, high in halves]
            numbers = np.array([float(number) for number in whole], dtype=np.float64)
        else:
            numbers = _buffer(array, 1, f"i{width // 8}", begin, count).astype(np.float64)
        numbers = numbers / 10.0**scale
        numbers[_missing(array, begin, count)] = np.nan
        return numbers

    return read
