"""One training run of one system: its command, and the figures of it."""

import os
import tempfile
from dataclasses import asdict, dataclass
from statistics import median

from . import data, process, systems

TIMEOUT = 1800  # seconds a run


@dataclass(frozen=True)
class Job:
    """The tutorial's job, but for what is said otherwise."""

    hidden: str = "256,256"
    dropout: str = "0.2,0.5"
    batch_size: int = 256
    lr: float = 0.5
    epochs: int = 10
    threads: int = 2
    rows: int = data.TRAIN
    optimizer: str = "sgd"

    @property
    def widths(self):
        return [784, *map(int, self.hidden.split(",")), 10]

    @property
    def epoch_flop(self):
        """Multiplications and additions of the matrix products of an epoch and its evaluation."""
        products = [inputs * outputs for inputs, outputs in zip(self.widths, self.widths[1:])]
        forward = 2 * sum(products)
        deltas = forward - 2 * products[0]  # nobody needs the pixels' gradient
        return self.rows * (forward + forward + deltas) + data.test_rows(self.rows) * forward


def command(key, job, seed, folder, paths, out):
    """`folder` has the data; `out` does not exist yet."""
    words = systems.start(key, paths)
    if systems.SYSTEMS[key].kind == "furlough":
        words += ["--data", "fashion-mnist" if job.rows == data.TRAIN else "idx", "--out", out]
    flags = {name.replace("_", "-"): value for name, value in asdict(job).items() if name != "rows"}
    if job.optimizer == Job.optimizer:
        del flags["optimizer"]  # most peers know no other
    for name, value in (flags | {"seed": seed, "data-dir": folder}).items():
        words += [f"--{name}", value]
    return [str(word) for word in words]


def environment(threads, paths, key=None):
    found = dict(os.environ) | {name: str(threads) for name in systems.THREAD_VARIABLES}
    if key == "tch" and "libtorch" in paths:
        found["LD_LIBRARY_PATH"] = f"{paths['libtorch']}:{found.get('LD_LIBRARY_PATH', '')}".rstrip(":")
    return found


def run(key, job, seed, folder, paths):
    with tempfile.TemporaryDirectory(prefix="furlough-bench-") as scratch:
        words = command(key, job, seed, folder, paths, f"{scratch}/run")
        try:
            outcome = process.run(words, TIMEOUT, environment(job.threads, paths, key), job.threads)
        except OSError as error:
            return {"failure": f"could not be started: {error.strerror}"}
    if problem := failure(outcome, job.epochs):
        return {"failure": problem}
    starts, steps, epochs = (of_kind(outcome, kind) for kind in ("start", "step", "epoch"))
    arrivals = [starts[0][0]] + [seconds for seconds, _ in epochs]
    between = [after - before for before, after in zip(arrivals, arrivals[1:])]
    last = epochs[-1][1]
    return {
        "failure": None,
        "value": median(between[1:] or between),  # by the driver's clock; the first epoch compiles and warms up
        "first_step_seconds": steps[0][0],
        "wall_seconds": outcome.wall_seconds,
        "peak_bytes": outcome.peak_bytes,
        "others_share": outcome.others_share,
        "train_loss": last["train_loss"],
        "train_accuracy": last["train_accuracy"],
        "test_accuracy": last["test_accuracy"],
    }


def of_kind(outcome, kind):
    return [(seconds, event) for seconds, event in outcome.events if event["event"] == kind]


def failure(outcome, expected_epochs):
    """Why a run does not count; none if it does."""
    if outcome.timed_out:
        return f"did not end within {TIMEOUT} s"
    if outcome.exit_code != 0:
        return f"exit code {outcome.exit_code}: {process.gist(outcome.stderr_tail) or ' '.join(outcome.stray[-1:]) or 'it said nothing'}"
    for kind in ("start", "step"):
        if not of_kind(outcome, kind):
            return f"no {kind} event came"
    epochs = [event for _, event in of_kind(outcome, "epoch")]
    if len(epochs) != expected_epochs:
        return f"{len(epochs)} epoch events came, not {expected_epochs}"
    for event in epochs:
        for key in ("train_loss", "train_accuracy", "test_accuracy"):
            value = event.get(key)
            if value is None and key == "train_accuracy":
                continue  # scikit-learn does not tell it
            if not isinstance(value, (int, float)) or value != value or abs(value) == float("inf"):
                return f"epoch {event.get('epoch')}: {key} is {value}"
    return None
