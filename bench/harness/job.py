"""The tutorial's job as a command of each system, and the figures of one run of it."""

import tempfile
from statistics import median

from . import process

EPOCHS = 10  # of the whole job
TIMEOUT = 1800  # seconds a run


def command(system, dropout, seed, settings, paths, out):
    """`paths` says where the programs and the data are; `out` is a folder that does not exist yet."""
    common = ["--epochs", settings["epochs"], "--seed", seed, "--threads", settings["threads"], "--data-dir", paths["data"]]
    if system == "furlough":
        start = [paths["furlough"], "train", "--json", "--out", out]
        rest = [] if dropout else ["--dropout", "0"]  # with dropout the job is what the program does by itself
    else:
        start = [paths["python"], paths["peer"]]
        rest = ["--dropout", "0.2,0.5" if dropout else "0"]
    return [str(word) for word in start + common + rest]


def run(system, dropout, seed, settings, paths):
    with tempfile.TemporaryDirectory(prefix="furlough-bench-") as folder:
        words = command(system, dropout, seed, settings, paths, f"{folder}/run")
        outcome = process.run(words, TIMEOUT)
    result = {"system": system, "dropout": dropout, "seed": seed, "failure": failure(outcome, settings["epochs"])}
    if result["failure"]:
        return result
    starts, steps, epochs = (of_kind(outcome, kind) for kind in ("start", "step", "epoch"))
    arrivals = [starts[0][0]] + [seconds for seconds, _ in epochs]
    between = [after - before for before, after in zip(arrivals, arrivals[1:])]
    last = epochs[-1][1]
    return result | {
        "epoch_seconds": median(between),  # by the driver's clock: all that an epoch costs, logs and checkpoints too
        "epoch_seconds_all": between,
        "epoch_seconds_said": [event["seconds"] for _, event in epochs],
        "first_step_seconds": steps[0][0],
        "wall_seconds": outcome.wall_seconds,
        "peak_bytes": outcome.peak_bytes,
        "others_share": outcome.others_share,
        "train_losses": [event["train_loss"] for _, event in epochs],
        "train_loss": last["train_loss"],
        "train_accuracy": last["train_accuracy"],
        "test_accuracy": last["test_accuracy"],
        "start": starts[0][1],
    }


def of_kind(outcome, kind):
    return [(seconds, event) for seconds, event in outcome.events if event["event"] == kind]


def failure(outcome, expected_epochs):
    """Why a run does not count; none if it does."""
    said = outcome.stderr_tail.splitlines()[-1:] or outcome.stray[-1:] or ["it said nothing"]
    if outcome.timed_out:
        return f"did not end within {TIMEOUT} s"
    if outcome.exit_code != 0:
        return f"exit code {outcome.exit_code}: {said[0]}\n{outcome.stderr_tail}".strip()
    for kind in ("start", "step"):
        if not of_kind(outcome, kind):
            return f"no {kind} event came"
    epochs = [event for _, event in of_kind(outcome, "epoch")]
    if len(epochs) != expected_epochs:
        return f"{len(epochs)} epoch events came, not {expected_epochs}"
    for event in epochs:
        for key in ("train_loss", "train_accuracy", "test_accuracy", "seconds"):
            value = event.get(key)
            if not isinstance(value, (int, float)) or value != value or abs(value) == float("inf"):
                return f"epoch {event.get('epoch')}: {key} is {value}"
    return None
