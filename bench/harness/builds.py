"""The programs: building them, setting up the peers' Python, and asking all for their versions."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from . import machine
from .systems import SYSTEMS

ROOT = Path(__file__).resolve().parents[2]
BENCH = ROOT / "bench"
RUST = BENCH / "peers/rust"
ENVIRONMENT = BENCH / ".venv"
TCH_ENVIRONMENT, TCH_TORCH = RUST / "tch-peer/.venv", "torch==2.13.0"  # the libtorch that tch binds
TORCH_FOLDER = "import importlib.util as u; print(u.find_spec('torch').submodule_search_locations[0])"
VERSIONS = """
import importlib.metadata as m, json, platform
found = {"Python": platform.python_version()}
for name in ("torch", "torchvision", "jax", "keras", "tensorflow-cpu", "scikit-learn", "numpy"):
    try: found[name] = m.version(name)
    except m.PackageNotFoundError: pass
print(json.dumps(found))
"""


def set_up():
    """The peers' own environment, from the pinned list, and tch's, which needs another PyTorch."""
    for folder, wanted in ((ENVIRONMENT, ["-r", BENCH / "requirements.txt"]), (TCH_ENVIRONMENT, [TCH_TORCH])):
        for words in ([sys.executable, "-m", "venv", folder], [folder / "bin/python", "-m", "pip", "install", *wanted]):
            subprocess.run([str(word) for word in words], check=True)


def python(given):
    own = ENVIRONMENT / "bin/python"
    return str(given or (own if own.exists() else sys.executable))


def furlough(given):
    """The program to measure; none if it cannot be built."""
    if given:
        return Path(given).resolve()
    return build(ROOT, "-p", "furlough-cli") and target(ROOT) / "release/furlough"


def rust_peers(chosen):
    """Builds what is chosen. Returns paths; a peer that cannot be built then fails as one that cannot be started."""
    paths = {"rust": RUST / "target/release", "tch": RUST / "tch-peer/target/release" / SYSTEMS["tch"].program}
    for key in ("burn", "candle"):
        if key in chosen:
            build(RUST, "-p", SYSTEMS[key].program)
    if "tch" in chosen:
        own = TCH_ENVIRONMENT / "bin"
        if folder := machine.said(str(own / "python"), "-c", TORCH_FOLDER):
            paths["libtorch"] = Path(folder, "lib")
            build(RUST / "tch-peer", environment={"LIBTORCH_USE_PYTORCH": "1", "PATH": f"{own}:{os.environ['PATH']}"})
    return paths


def build(folder, *rest, environment=None):
    print(f"building in {folder.relative_to(ROOT) or '.'}", file=sys.stderr, flush=True)
    if not (folder / "Cargo.toml").exists():
        return False
    words = ["cargo", "build", "--release", "--locked", *rest]
    return subprocess.run(words, cwd=folder, env=dict(os.environ) | (environment or {})).returncode == 0


def target(folder):
    words = ["cargo", "metadata", "--format-version", "1", "--no-deps"]
    return Path(json.loads(subprocess.run(words, cwd=folder, capture_output=True, check=True).stdout)["target_directory"])


def versions(chosen, paths):
    found = {}
    if any(SYSTEMS[key].kind == "furlough" for key in chosen):
        found["furlough"] = machine.said(str(paths["furlough"]), "--version").removeprefix("furlough ") or "unknown"
    if any(SYSTEMS[key].kind == "python" for key in chosen):
        found |= json.loads(machine.said(paths["python"], "-c", VERSIONS) or "{}")
    for key, crate, lock in (("burn", "burn", RUST), ("candle", "candle-core", RUST), ("tch", "tch", RUST / "tch-peer")):
        if key in chosen and (lock / "Cargo.lock").exists():
            about = re.search(rf'name = "{crate}"\nversion = "([^"]+)"', (lock / "Cargo.lock").read_text())
            found |= {key: about[1]} if about else {}
    return found
