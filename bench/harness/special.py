"""What is measured otherwise than by training: masked passes, the dropout kernel, the rate of matrix products.

The first two take a system's key and return runs, one for each way in which that system does it.
"""

import json
import subprocess
import tempfile
from pathlib import Path

from . import job as jobs
from . import machine, process, systems

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = 100


def monte_carlo(key, job, seed, folder, paths):
    label = systems.SYSTEMS[key].label
    with tempfile.TemporaryDirectory(prefix="furlough-bench-") as scratch:
        out = f"{scratch}/run"
        words = jobs.command(key, job, seed, folder, paths, out)
        own = systems.SYSTEMS[key].kind == "furlough"
        trained = said(words if own else [*words, "--monte-carlo", str(SAMPLES)], job.threads, paths)
        if trained["failure"]:
            return [{"label": label} | trained]
        if not own:
            return [run_of(f"{label}: {event['way']}", event) for event in trained["events"] if event["event"] == "monte-carlo"]
        words = [paths["furlough"], "evaluate", out, "--samples", SAMPLES, "--json", "--data-dir", folder, "--threads", job.threads]
        evaluated = said([str(word) for word in words], job.threads, paths)
        if evaluated["failure"]:
            return [{"label": label} | evaluated]
        return [run_of(label, json.loads(evaluated["text"])["sampled"])]


def run_of(label, event):
    return {"label": label, "failure": None, "value": event["seconds"], "test_accuracy": event["accuracy"]}


KERNELS = {"pytorch": {"nn.Dropout": "module", "torch.rand by hand": "rand", "16-bit words by hand": "words"},
           "jax": {"threefry2x32": "threefry2x32", "rbg": "rbg", "unsafe_rbg": "unsafe_rbg"}}


def kernel(key, job, seed, folder, paths):
    if key == "furlough":
        words = ["cargo", "bench", "-q", "--locked", "-p", "furlough", "--bench", "dropout_kernel", "--", "--json"]
        ways = {"Furlough": words}
    else:
        words = [paths["python"], paths["peers"] / "dropout_kernel.py", "--way"]
        name = {"pytorch": "PyTorch", "jax": "JAX"}[key]
        ways = {f"{name}, {label}": [*map(str, words), way] for label, way in KERNELS[key].items()}
    runs = []
    for label, words in ways.items():
        outcome = said(words, job.threads, paths)
        if not outcome["failure"]:
            lines = [json.loads(line) for line in outcome["text"].splitlines() if line.startswith("{")]
            figures = min(lines, key=lambda line: line["ns_per_element"])
            outcome = {"failure": None, "value": figures["ns_per_element"]}
        runs.append({"label": label} | outcome)
    return runs


def matmul_rate(threads, paths):
    """GFLOP/s of the best library at hand, as a list of one; of none where it is not installed."""
    outcome = said([str(paths["python"]), str(paths["peers"] / "matmul_rate.py"), "--threads", str(threads)], threads, paths)
    return [] if outcome["failure"] else [json.loads(outcome["text"])]


def said(words, threads, paths):
    """What a program prints, as text and as events."""
    options = {"cwd": ROOT, "env": jobs.environment(threads, paths), "preexec_fn": machine.binding(threads)}
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=jobs.TIMEOUT, **options)
    except (OSError, subprocess.TimeoutExpired) as error:
        return {"failure": str(error).splitlines()[0]}
    if done.returncode != 0:
        return {"failure": f"exit code {done.returncode}: {process.gist(done.stderr)}"}
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"event"')]
    return {"failure": None, "text": done.stdout.strip(), "events": lines}
