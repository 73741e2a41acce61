#!/usr/bin/env python3
"""Writes crates/furlough/data/digits/*.gz from scikit-learn's copy of the UCI optical digits.

Run it from the root of the repository, with numpy and scikit-learn installed. It needs no network.
The rows keep scikit-learn's order, which is that of UCI's file `optdigits.tes`. The gzip headers carry no
time and no name, so the same zlib writes the same bytes each time.
"""

import gzip
import pathlib

import numpy as np
from sklearn.datasets import load_digits

FOLDER = pathlib.Path("crates/furlough/data/digits")


def write_idx(path, values):
    """IDX of bytes: two zeros, 8 for "unsigned byte", the number of dimensions, each size big-endian, the values."""
    values = np.ascontiguousarray(values, dtype=np.uint8)
    header = bytes([0, 0, 8, values.ndim]) + np.array(values.shape, dtype=">u4").tobytes()
    path.write_bytes(gzip.compress(header + values.tobytes(), compresslevel=9, mtime=0))
    print(f"{path}: shape {values.shape}, {path.stat().st_size} bytes")


digits = load_digits()
assert digits.images.shape == (1797, 8, 8) and digits.images.min() == 0 and digits.images.max() == 16
assert (digits.images == digits.images.round()).all()
write_idx(FOLDER / "images-idx3-ubyte.gz", digits.images)
write_idx(FOLDER / "labels-idx1-ubyte.gz", digits.target)
