"""The harness's own sums, on runs that were made up. Needs nothing but Python: python3 -m unittest discover -s bench/tests -t bench"""

import doctest
import gzip
import struct
import sys
import tempfile
import unittest
from pathlib import Path

from harness import axes, data, job, measure, process, slim, summary, tables
from harness.axes import AXES, Axis, point
from harness.systems import SYSTEMS

LOSSES = {"furlough": 0.348, "jax": 0.344, "pytorch": 0.352, "burn": 0.30}


def made_up(axis, seconds, rounds=2):
    """A run a round, each round a tenth slower."""
    return [
        {
            "point": point.name, "system": key, "label": SYSTEMS[key].label, "round": number, "failure": None,
            "value": value * (1 + number / 10), "wall_seconds": 10 * value, "train_loss": LOSSES.get(key, 0.348), "test_accuracy": 0.85,
        }
        for point in axis.points for key, value in seconds.items() for number in range(rounds)
    ]


class Figures(unittest.TestCase):
    def test_the_tutorials_epoch_is_as_much_work_as_counted_by_hand(self):
        products = 784 * 256 + 256 * 256 + 256 * 10
        training = 60_000 * 2 * (3 * products - 784 * 256)
        self.assertEqual(job.Job().epoch_flop, training + 10_000 * 2 * products)
        self.assertAlmostEqual(training / 1e9, 72.7, places=1)

    def test_quotients_are_taken_within_rounds(self):
        axis = AXES["tutorial"]
        rows = summary.rows(axis, made_up(axis, {"furlough": 0.3, "jax": 0.6}))
        self.assertIsNone(rows[0]["ratio"])
        self.assertAlmostEqual(rows[1]["ratio"]["median"], 2)
        self.assertAlmostEqual(rows[1]["ratio"]["range"][1], 2)
        self.assertEqual(rows[1]["value"]["range"], [0.6, 0.66])

    def test_a_run_is_divided_by_those_of_furlough_around_it(self):
        axis = AXES["tutorial"]
        ran = [("furlough", 0, 1.0), ("jax", 0, 3.0), ("furlough", 0, 2.0), ("tch", 0, 8.0), ("furlough", 0, 8.0), ("burn", 1, 6.0), ("furlough", 1, 2.0)]
        runs = [{"point": "the job", "system": key, "label": key, "round": number, "value": value, "failure": None, "train_loss": 0.348}
                for key, number, value in ran]
        found = {row["system"]: row["ratio"] for row in summary.rows(axis, runs)}
        self.assertEqual({key: ratio and ratio["median"] for key, ratio in found.items()}, {"furlough": None, "jax": 2, "burn": 3, "tch": 1.6})

    def test_a_round_that_one_of_them_lacks_is_left_out(self):
        runs = [{"round": number, "value": value, "turn": 1} for number, value in ((0, 2.0), (1, 9.0))]
        found = summary.quotient(runs, [{"round": 0, "value": 1.0, "turn": 0}])
        self.assertEqual((found["range"], found["rounds"]), ([2, 2], 1))
        self.assertIsNone(summary.quotient(runs, []))

    def test_a_pair_is_divided_as_its_axis_says(self):
        axis = AXES["threads"]
        runs = made_up(axis, {"furlough": 0.3})
        for run in runs:
            run["value"] *= 1.9 if run["point"] == "1 thread" else 1
        (pair,) = summary.pairs(axis, runs)
        self.assertAlmostEqual(pair["median"], 1.9)
        axis = AXES["dropout"]
        names = [pair["point"] for pair in summary.pairs(axis, made_up(axis, {"furlough": 0.3}))]
        self.assertEqual(names, ["256", "1,024"])


class Validity(unittest.TestCase):
    def judged(self, axis, *keys):
        return {row["system"]: row["validity"] for row in summary.rows(axis, made_up(axis, dict.fromkeys(keys, 1.0)))}

    def test_the_whole_job_is_held_against_its_known_loss(self):
        found = self.judged(AXES["tutorial"], "furlough", "jax", "burn", "sklearn")
        self.assertEqual(found, {"furlough": "valid", "jax": "valid", "burn": "INVALID", "sklearn": "another job"})

    def test_one_seed_that_learns_late_is_not_held_against_a_system(self):
        runs = made_up(AXES["tutorial"], {"jax": 1.0}, rounds=3)
        runs[1]["train_loss"] = 0.385
        (row,) = summary.rows(AXES["tutorial"], runs)
        self.assertEqual((row["train_loss"], row["validity"]), (LOSSES["jax"], "valid"))

    def test_other_jobs_are_held_against_the_median_of_all(self):
        axis = Axis("", "", points=(point("short", epochs=2),), systems=tuple(LOSSES))
        self.assertEqual(self.judged(axis, *LOSSES)["burn"], "INVALID")
        self.assertEqual(self.judged(axis, *LOSSES)["jax"], "valid")
        self.assertEqual(self.judged(axis, "furlough", "jax")["jax"], "not judged")

    def test_each_point_of_an_axis_is_judged_by_what_it_is(self):
        axis = Axis("", "", points=(point("whole"), point("short", epochs=2)), systems=tuple(LOSSES))
        runs = made_up(axis, dict.fromkeys(("furlough", "jax", "pytorch"), 1.0))
        for run in runs:
            run["train_loss"] += run["point"] == "short"
        self.assertEqual({row["validity"] for row in summary.rows(axis, runs)}, {"valid"})
        for run in runs:
            run["train_loss"] += 0.1
        found = [(row["point"], row["validity"]) for row in summary.rows(axis, runs)]
        self.assertEqual(found, [("whole", "INVALID")] * 3 + [("short", "valid")] * 3)

    def test_a_failure_is_a_row_without_figures(self):
        axis = AXES["tutorial"]
        runs = made_up(axis, {"furlough": 0.3, "jax": 0.6})
        runs[-1] = {key: runs[-1][key] for key in ("point", "system", "label", "round")} | {"failure": "exit code 1: a | b"}
        row = summary.rows(axis, runs)[1]
        self.assertEqual((row["validity"], row["ratio"], "value" in row), ("failed", None, False))
        self.assertIn("**failed**: exit code 1: a ¦ b", tables.value(row, axis, {}))


class Tables(unittest.TestCase):
    def test_every_axis_makes_a_table_whose_lines_have_as_many_cells_as_its_head(self):
        machine = dict.fromkeys(("cpu", "cpu_vendor", "simd", "cores", "system", "rustc", "commit"), "?")
        machine |= {"memory_bytes": 2**30, "uncommitted_changes": False}
        common = {"date": "?", "command": "?", "machine": machine, "versions": {}, "whole": True, "rounds": 2, "commands": ["?"]}
        found = {}
        for name, axis in AXES.items():
            runs = made_up(axis, dict.fromkeys(axis.systems, 1.0))
            found[name] = common | {"runs": runs, "matmul": [{"round": 0, "f32": 200, "bf16": 900}], "points": axes.saved(axis)}
            self.assertEqual(axes.restored(name, found[name]), axis)
        text = tables.document({"axes": found})
        for name, axis in AXES.items():
            self.assertIn(f"## {axis.title}\n", text)
        cells = [line.count("|") for line in text.splitlines() if line.startswith("|")]
        starts = [place for place, line in enumerate(text.splitlines()) if line.startswith("|---")]
        self.assertGreaterEqual(len(starts), len(AXES))
        self.assertEqual(len(cells), sum(1 for line in text.splitlines() if line.startswith("|") and line.endswith("|")))
        for block in text.split("\n\n"):
            self.assertLessEqual(len({line.count("|") for line in block.splitlines() if line.startswith("|")}), 1)

    def test_a_share_is_of_the_faster_precision_that_a_row_could_use(self):
        axis = AXES["tutorial"]
        runs = made_up(axis, dict.fromkeys(axis.systems, 1.0), rounds=1)
        for bf16, shares in ((1000, ["39%", "8%"]), (0.2, ["39%", "39%"])):
            found = {"runs": runs, "matmul": [{"round": 0, "f32": 200, "bf16": bf16}]}
            rows = {row["system"]: row for row in summary.rows(axis, runs)}
            said = [tables.rate(rows[key], axis, found) for key in ("furlough", "furlough-bf16")]
            self.assertEqual(said, [f"78 ({share})" for share in shares])

    def test_furloughs_share_is_that_of_the_run_beside_the_products(self):
        axis = AXES["tutorial"]
        runs = made_up(axis, {"furlough": 1.0}, rounds=1)
        runs.append(runs[0] | {"value": 3.0})
        (row,) = summary.rows(axis, runs)
        self.assertEqual(tables.rate(row, axis, {"runs": runs, "matmul": [{"round": 0, "f32": 200, "bf16": 1000}]}), "39 (39%)")


class Pictures(unittest.TestCase):
    def test_a_smaller_picture_keeps_text_as_text(self):
        self.assertEqual(doctest.testmod(slim).failed, 0)
        svg = '<svg>\n <text style="font-size: 9px" x="1.23456">train loss 0.34567 s</text>\n</svg>'
        self.assertEqual(slim.slim(svg), '<svg><text style="font-size:9px" x="1.23">train loss 0.34567 s</text></svg>\n')


class Runs(unittest.TestCase):
    def test_a_run_is_kept_with_eight_digits(self):
        run = {"round": 1, "label": "a", "value": 0.123456789123, "failure": None}
        self.assertEqual(measure.rounded(run), run | {"value": 0.12345679})

    def test_rounds_alternate_and_what_is_slow_runs_once(self):
        axis = AXES["tutorial"]
        first, second = (measure.order(axis, ["furlough", "jax", "pytorch-tutorial"], number, 2) for number in (0, 1))
        self.assertEqual([key for _, key in first], ["furlough", "jax", "pytorch-tutorial", "furlough"])
        self.assertEqual([key for _, key in second], ["furlough", "jax", "furlough"])

    def test_no_run_is_far_from_one_of_furlough(self):
        keys = ["furlough", "a", "b", "c"]
        self.assertEqual(measure.with_furlough_near(keys), ["furlough", "a", "b", "furlough", "c", "furlough"])
        self.assertEqual(measure.with_furlough_near(["a", "b"]), ["a", "b"])
        self.assertEqual(measure.with_furlough_near(["furlough"]), ["furlough"])

    def test_pairs_stay_together_and_furlough_runs_more_of_them(self):
        axis = AXES["dropout"]
        ran = [(point.name, key) for point, key in measure.order(axis, ["furlough", "jax"], 0, 2)]
        self.assertEqual(ran[:3], [("256, with", "furlough"), ("256, without", "furlough"), ("256, with", "jax")])
        self.assertEqual({key for _, key in measure.order(axis, ["furlough", "jax"], 5, 2)}, {"furlough"})
        self.assertEqual([measure.rounds_of(axis, key, 2) for key in ("furlough", "jax")], [16, 2])

    def test_the_commands_name_every_flag_of_the_job(self):
        paths = {"furlough": "furlough", "python": "python", "peers": Path("peers")}
        words = job.command("jax-bf16", job.Job(), 3, "DATA", paths, "OUT")
        self.assertEqual(words[:4], ["python", "peers/jax_tuned.py", "--precision", "bf16"])
        for flag in ("--hidden", "--dropout", "--batch-size", "--epochs", "--lr", "--seed", "--threads", "--data-dir"):
            self.assertIn(flag, words)
        self.assertIn("idx", job.command("furlough", job.Job(rows=1000), 3, "DATA", paths, "OUT"))

    def test_a_program_that_dies_or_says_too_little_has_failed(self):
        died = process.run([sys.executable, "-c", "raise SystemExit('error: no such thing')"], 60)
        self.assertEqual(job.failure(died, 1), "exit code 1: error: no such thing")
        silent = process.run([sys.executable, "-c", "print('hello')"], 60)
        self.assertEqual(job.failure(silent, 1), "no start event came")
        nan = "import json; [print(json.dumps(dict(event=e, train_loss=float('nan')))) for e in ('start', 'step', 'epoch')]"
        self.assertEqual(job.failure(process.run([sys.executable, "-c", nan], 60), 1), "epoch None: train_loss is nan")

    def test_data_is_cut_or_repeated_to_as_many_rows(self):
        with tempfile.TemporaryDirectory() as folder:
            for part, count in (("train", 3), ("t10k", 2)):
                images = struct.pack(">IIII", 2051, count, 28, 28) + b"".join(bytes([number]) * 784 for number in range(count))
                Path(folder, f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(images))
                Path(folder, f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 2049, count) + bytes(range(count)))
            found, _ = data.find(folder)
            out = data.with_rows(found, 7, folder)
            self.assertEqual((out / "train-labels-idx1-ubyte").read_bytes(), struct.pack(">II", 2049, 7) + bytes([0, 1, 2, 0, 1, 2, 0]))
            images = (out / "train-images-idx3-ubyte").read_bytes()
            self.assertEqual((len(images), images[4:8], images[16 + 784 * 4]), (16 + 784 * 7, struct.pack(">I", 7), 1))
            self.assertEqual((out / "t10k-labels-idx1-ubyte").stat().st_size, 8 + 100)


if __name__ == "__main__":
    unittest.main()
