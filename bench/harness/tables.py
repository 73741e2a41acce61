"""results.json.gz as Markdown: what was measured on, then a table for each axis."""

import statistics

from . import summary
from .axes import AXES, restored
from .job import Job
from .systems import SYSTEMS


def document(results):
    lines = ["# Furlough and its peers", "", *machines(results["axes"]), ""]
    for name in AXES:
        if found := results["axes"].get(name):
            lines += section(name, restored(name, found), found)
    return "\n".join(lines) + "\n"


def section(name, axis, found):
    rows = summary.rows(axis, found["runs"])
    lines = [f"## {axis.title}", "", axis.note, "", *conditions(found), "", f"![{axis.title}]({name}.svg)", ""]
    if summary.too_busy(summary.others_share(found["runs"])):
        lines += ["**The machine was busy with something else during some runs: these times mean little.**", ""]
    columns = [column for column in COLUMNS if any(column[1](row, axis, found) for row in rows)]
    heads = [head.format(figure=axis.figure) for head, _ in columns]
    if len(axis.points) == 1:
        heads, columns = heads[1:], columns[1:]
    lines += ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for row in rows:
        cells = [make(row, axis, found) for _, make in columns]
        lines.append("| " + " | ".join(cells) + " |")
    if any(row.get("validity") == "INVALID" for row in rows):
        lines += ["", "**INVALID: the final train loss is not what the job gives, so the time does not count.**"]
    if axis.quotient:
        lines += ["", f"| | system | {axis.quotient[2]}, median (range) | middle half | least / least | pairs |", "|---|---|---|---|---|---|"]
        for pair in summary.pairs(axis, found["runs"]):
            middle = " – ".join(map(ratio, pair.get("quartiles", [])))
            lines.append(f"| {pair['point']} | {pair['label']} | {spread(pair, ratio)} | {middle} | {ratio(pair['of_least'])} | {pair['rounds']} |")
    if found["commands"]:
        lines += ["", "<details><summary>Commands</summary>", "", "```", *found["commands"], "```", "", "</details>"]
    return lines + [""]


def machines(found_axes):
    """What was measured on, once if it was always the same."""
    lines = {}
    for name, found in found_axes.items():
        machine = found["machine"]
        versions = ", ".join(f"{program} {version}" for program, version in found["versions"].items())
        text = (
            f"{machine['cpu']} ({machine['cpu_vendor']}, {machine['simd']}), {machine['cores']} cores, {machine['memory_bytes'] / 2**30:.0f} GiB{gpu(machine)}; "
            f"{machine['system']}; {machine['rustc'] or 'rustc unknown'}; {versions}"
        )
        lines.setdefault(text, []).append(name)
    return [f"- {text}" + (f" ({', '.join(names)})" if len(lines) > 1 else "") for text, names in lines.items()]


def gpu(machine):
    return f", {machine['gpu']}" if machine.get("gpu") else ""


def conditions(found):
    machine, share = found["machine"], summary.others_share(found["runs"])
    changed = " with uncommitted changes" if machine["uncommitted_changes"] else ""
    lines = [
        f"{found['date']}, `{found['command']}`, commit {machine['commit'] or 'unknown'}{changed}, "
        f"{found['rounds']} {'round' if found['rounds'] == 1 else 'rounds'}."
        + ("" if share is None else f" Other processes took at most {share:.1%} of the machine.")
        + ("" if found["whole"] else " **Not the whole measurement: it was cut short, or asked for less.**")
    ]
    if found["matmul"]:
        libraries = " or ".join(sorted({rate.get("library", "PyTorch") for rate in found["matmul"]}))
        lines.append(f"\nThe machine's matrix products (2048³, {libraries}, same threads, medians of three seconds before Furlough's first run of each round): "
                     f"{products(found, 'f32')} GFLOP/s in float32, {products(found, 'bf16')} in bfloat16. A row's share is of the same round's and its own precision's, or of float32's where that is faster: who wants bfloat16 may round and multiply in float32.")
    return lines


def products(found, precision):
    rates = [rate[precision] for rate in found["matmul"]]
    return spread({"median": statistics.median(rates), "range": (min(rates), max(rates))})


def number(value):
    """Three digits and more where they are before the point."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def ratio(value):
    return f"{value:.2f}"


def spread(figure, show=number):
    low, high = map(show, figure["range"])
    middle = show(figure["median"])
    return middle if low == high else f"{middle} ({low} – {high})"


def figure(key, show=number, whole=True):
    """A cell of a figure's median, with its range or not."""

    def make(row, axis, found):
        if key not in row:
            return ""
        return spread(row[key], show) if whole else show(row[key]["median"])

    return make


def value(row, axis, found):
    return f"**failed**: {row['failure']}".replace("|", "¦") if row["failure"] else spread(row["value"])


def times(key):
    return lambda row, axis, found: spread(row[key], ratio) if row.get(key) else ""


def decimal(key):
    return lambda row, axis, found: f"{row[key]:.4f}" if row.get(key) is not None else ""


def rate(row, axis, found):
    rates = {rate["round"]: max(rate["f32"], rate[SYSTEMS[row["system"]].precision]) for rate in found["matmul"]}
    if row["failure"] or not rates or axis.per_row:
        return ""
    gflop = axis.points[0].job.epoch_flop / 1e9
    own = [run for run in found["runs"] if (run["point"], run["label"]) == (row["point"], row["label"]) and not run["failure"]]
    first = {run["round"]: run["value"] for run in reversed(own)}  # of Furlough's, the one beside the products
    shares = [gflop / value / rates[number] for number, value in first.items() if number in rates]
    return f"{gflop / row['value']['median']:.0f} ({statistics.median(shares):.0%})" if shares else ""


def whole_job(make):
    """Only where a run is the job that a user would wait for."""
    return lambda row, axis, found: make(row, axis, found) if axis.points[0].job == Job() else ""


COLUMNS = (
    ("", lambda row, axis, found: row["point"]),
    ("system", lambda row, axis, found: row["label"]),
    ("{figure}", value),
    ("over Furlough's", times("ratio")),
    ("GFLOP/s (share)", rate),
    ("s a run", whole_job(figure("wall_seconds", whole=False))),
    ("over Furlough's run", whole_job(times("run_ratio"))),
    ("to the first step, s", whole_job(figure("first_step_seconds", whole=False))),
    ("start-up, s", figure("start_up_seconds", whole=False)),
    ("peak memory, MB", figure("peak_bytes", lambda size: f"{size / 1e6:.0f}", whole=False)),
    ("train loss", decimal("train_loss")),
    ("train accuracy", decimal("train_accuracy")),
    ("test accuracy", decimal("test_accuracy")),
    ("", lambda row, axis, found: row["validity"]),
)
