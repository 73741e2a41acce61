"""What every Python peer shares: the flags of the job, the data, the events. No framework is imported here."""

import argparse
import gzip
import json
import time
from pathlib import Path

import numpy as np


def parser():
    flags = argparse.ArgumentParser()
    flags.add_argument("--data-dir", required=True, type=Path, help="folder of four IDX files, plain or .gz")
    flags.add_argument("--hidden", type=numbers(int), default=[256, 256])
    flags.add_argument("--dropout", type=numbers(float), default=[0.2, 0.5], help="one for each hidden layer, or one for all")
    flags.add_argument("--batch-size", type=int, default=256)
    flags.add_argument("--epochs", type=int, default=10)
    flags.add_argument("--lr", type=float, default=0.5)
    flags.add_argument("--seed", type=int, default=0)
    flags.add_argument("--threads", type=int, default=2)
    return flags


def numbers(kind):
    return lambda text: [kind(word) for word in text.split(",")]


def parse(flags):
    job = flags.parse_args()
    if len(job.dropout) == 1:
        job.dropout *= len(job.hidden)
    if len(job.dropout) != len(job.hidden):
        flags.error("--dropout has another length than --hidden")
    return job


def emit(event, **values):
    """A line of JSON, with the processor time taken until now by all threads of this process."""
    print(json.dumps({"event": event} | values | {"processor_seconds": time.process_time()}), flush=True)


def read(folder, name, header):
    packed = Path(folder, name + ".gz")
    raw = gzip.decompress(packed.read_bytes()) if packed.exists() else Path(folder, name).read_bytes()
    return np.frombuffer(raw, np.uint8, offset=header)


def pixels_and_labels(folder, part):
    """Bytes as they are in the files: examples × pixels, and examples."""
    labels = read(folder, f"{part}-labels-idx1-ubyte", 8)
    return read(folder, f"{part}-images-idx3-ubyte", 16).reshape(len(labels), -1), labels


def images_and_labels(folder, part):
    """Pixels from 0 to 1 in float32, and labels in int32."""
    pixels, labels = pixels_and_labels(folder, part)
    images = pixels.astype(np.float32)
    images /= 255
    return images, labels.astype(np.int32)
