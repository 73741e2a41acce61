"""Models that the command and the package share, and the command in the wheel."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from furlough import FurloughClassifier, FurloughRegressor, load


def command(*words):
    """Runs the command of the wheel."""
    program = Path(sys.executable).parent / "furlough"
    return subprocess.run([program, *map(str, words)], check=False, capture_output=True, text=True)


def test_help_mistakes_and_versions_are_the_commands_own():
    assert "Usage: furlough" in command("--help").stdout
    wrong = command("trian")
    assert (wrong.returncode, "tip: a similar subcommand exists: 'train'" in wrong.stderr) == (2, True)
    missing = command("info", "nowhere")
    assert missing.returncode == 1 and missing.stderr.startswith("error: ")
    assert command("data", "list").returncode == 0


@pytest.mark.parametrize(("target", "kind"), [("price", FurloughRegressor), ("sold", FurloughClassifier)])
@pytest.mark.parametrize(("members", "preset"), [(1, None), (3, None), (1, "realmlp")])
def test_one_file_gives_one_model_byte_for_byte(houses, features, tmp_path, target, kind, members, preset):
    table, run, own = tmp_path / "houses.csv", tmp_path / "run", tmp_path / "own.safetensors"
    houses.drop(columns={"price", "sold"} - {target}).to_csv(table, index=False)
    flags = ["--target", target, "--members", members, "--epochs", 6, "--seed", 3, "--quiet"]
    flags += ["--preset", preset] if preset else []
    trained = command("train", table, *flags, "--out", run)
    assert trained.returncode == 0, trained.stderr
    model = kind(members=members, preset=preset, epochs=6, random_state=3).fit_file(table, target)
    model.save(own)
    assert own.read_bytes() == (run / "model.safetensors").read_bytes()
    # Either reads what the other has written.
    told = command("predict", own, table)
    assert told.returncode == 0, told.stderr
    answers = load(run / "model.safetensors").predict(features)
    if kind is FurloughRegressor:
        np.testing.assert_array_equal(np.array(told.stdout.split()[1:], dtype=float), answers)
    else:
        assert told.stdout.splitlines()[1:] == answers.tolist()


@pytest.mark.parametrize(("target", "kind"), [("price", FurloughRegressor), ("sold", FurloughClassifier)])
def test_a_frame_gives_the_network_of_its_file(houses, features, tmp_path, target, kind):
    table = tmp_path / "houses.csv"
    houses.drop(columns={"price", "sold"} - {target}).to_csv(table, index=False)
    of_file = kind(epochs=6).fit_file(table, target, test_fraction=0)
    in_memory = kind(epochs=6).fit(features, houses[target])
    np.testing.assert_array_equal(of_file.predict(features), in_memory.predict(features))
    assert of_file.loss_curve_ == in_memory.loss_curve_


@pytest.mark.skipif(os.name == "nt", reason="signals are those of Unix")
def test_ctrl_c_stops_and_saves_as_it_does_without_python(tmp_path):
    program = Path(sys.executable).parent / "furlough"
    words = ["train", "--data", "digits", "--epochs", "100000", "--json", "--out", tmp_path / "run"]
    with subprocess.Popen([program, *words], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        while "epoch" not in run.stdout.readline():
            time.sleep(0.01)
        run.send_signal(signal.SIGINT)
        run.stdout.read()
        assert run.wait(20) == 130
    assert (tmp_path / "run" / "checkpoint.safetensors").exists()
