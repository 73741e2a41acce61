"""What must be installed to use a system: how much it takes on disk, and how long it takes to start."""

import subprocess
import tempfile
import time
from pathlib import Path

from . import job as jobs
from . import process, special, systems

PACKAGES = {"jax": ("jax", "numpy"), "pytorch": ("torch", "numpy"), "pytorch-tutorial": ("torch", "torchvision", "pillow", "numpy"),
            "keras-jax": ("keras", "jax", "numpy"), "keras-tensorflow": ("keras", "tensorflow-cpu", "numpy"), "sklearn": ("scikit-learn", "numpy")}
IMPORTS = {"keras-jax": "keras", "keras-tensorflow": "keras", "pytorch": "torch", "pytorch-tutorial": "torchvision", "sklearn": "sklearn.neural_network", "jax": "jax"}
BACKENDS = {"keras-jax": "jax", "keras-tensorflow": "tensorflow"}


def install(key, job, seed, folder, paths):
    """Runs, as those of special.py. Megabytes, and how long the program takes to say its help, or Python to import the package: the least of three."""
    system = systems.SYSTEMS[key]
    label = system.label.split(",")[0]
    if system.kind != "python":
        program = Path(systems.start(key, paths)[0])
        if not program.exists():
            return [{"label": label, "failure": "it was not built"}]
        size = program.stat().st_size + (tree_bytes(Path(paths["libtorch"])) if key == "tch" and "libtorch" in paths else 0)
        return [installed(label, size, [str(program), "--help"], jobs.environment(2, paths, key))]
    pins = dict(line.strip().split("==") for line in (special.ROOT / "bench/requirements.txt").read_text().splitlines() if "==" in line)
    with tempfile.TemporaryDirectory(prefix="furlough-install-") as scratch:
        python = f"{scratch}/env/bin/python"
        packages = [f"{name}=={pins[name]}" for name in PACKAGES[key]]
        bare = None
        for words in ([paths["python"], "-m", "venv", f"{scratch}/env"], [python, "-m", "pip", "install", "-q", *packages]):
            outcome = special.said([str(word) for word in words], 2, paths)
            if outcome["failure"]:
                return [{"label": label} | outcome]
            bare = bare or tree_bytes(Path(scratch))  # the environment before anything is in it
        environment = jobs.environment(2, paths) | {"KERAS_BACKEND": BACKENDS.get(key, ""), "TF_CPP_MIN_LOG_LEVEL": "3"}
        special.said([python, "-c", f"import {IMPORTS[key]}"], 2, paths)  # writes its compiled files, which then count
        return [installed(label, tree_bytes(Path(scratch)) - bare, [python, "-c", f"import {IMPORTS[key]}"], environment)]


def installed(label, size, words, environment):
    times = []
    for _ in range(3):
        start = time.perf_counter()
        done = subprocess.run(words, capture_output=True, env=environment)
        times.append(time.perf_counter() - start)
    if done.returncode != 0:
        return {"label": label, "failure": f"installed, but: {process.gist(done.stderr.decode(errors='replace'))}"}
    return {"label": label, "failure": None, "value": size / 1e6, "start_up_seconds": min(times)}


def tree_bytes(folder):
    """What the files take on disk, each once."""
    seen = {}
    for path in folder.rglob("*"):
        about = path.lstat()
        seen[about.st_ino] = about.st_blocks * 512
    return sum(seen.values())
