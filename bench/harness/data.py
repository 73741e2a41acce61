"""The data: finding the four files, and folders with more or fewer examples than they have."""

import gzip
import os
import struct
from pathlib import Path

CACHE = os.environ.get("FURLOUGH_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "furlough")
FOLDERS = [Path(CACHE, "fashion-mnist"), Path("/usr/share/datasets/fashion-mnist")]
IMAGES, LABELS = "images-idx3-ubyte", "labels-idx1-ubyte"
TRAIN, TEST = 60_000, 10_000  # examples of the whole data


def find(given):
    """The folder that has them, or the folders that were looked in."""
    looked = [Path(given)] if given else FOLDERS
    names = [f"{part}-{kind}" for part in ("train", "t10k") for kind in (IMAGES, LABELS)]
    for folder in looked:
        if all((folder / name).exists() or (folder / f"{name}.gz").exists() for name in names):
            return folder.resolve(), looked
    return None, looked


def with_rows(folder, rows, scratch):
    """A folder whose training part has `rows` examples, cut or repeated from the real ones, and a test part as much smaller."""
    if rows == TRAIN:
        return folder
    out = Path(scratch, f"rows-{rows}")
    if not out.exists():
        out.mkdir(parents=True)
        for part, count in (("train", rows), ("t10k", test_rows(rows))):
            for kind, header, size in ((IMAGES, 16, 784), (LABELS, 8, 1)):
                write(folder, out, f"{part}-{kind}", header, size, count)
    return out


def test_rows(rows):
    return min(TEST, max(100, rows // 6))


def write(folder, out, name, header, size, count):
    """In small pieces: what this driver holds in memory would show in the peak memory of the processes that it starts."""
    left = count * size
    with (out / name).open("wb") as file:
        while left > 0:
            with open_plain(folder, name) as source:
                head = source.read(header)
                if file.tell() == 0:
                    file.write(head[:4] + struct.pack(">I", count) + head[8:])
                while left > 0 and (piece := source.read(min(left, 1 << 18))):
                    left -= file.write(piece)


def open_plain(folder, name):
    packed = folder / f"{name}.gz"
    return gzip.open(packed) if packed.exists() else (folder / name).open("rb")
