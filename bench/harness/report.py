"""From runs to figures, and from figures to a table in Markdown."""

from statistics import median

from . import job

BUSY = 0.05  # more of the machine than this for others, and the times are not worth showing
LOSS, LOSS_TOLERANCE = 0.348, 0.01  # what the whole job, with dropout, ends at


def summarise(runs, epochs):
    """A row for each system, with and without dropout. A row with a failed run has no figures."""
    rows = {}
    for (system, dropout), of_job in group(runs).items():
        failed = [run for run in of_job if run["failure"]]
        row = {"system": system, "dropout": dropout, "runs": len(of_job), "failure": failed[0]["failure"] if failed else None}
        if not failed:
            for figure in ("epoch_seconds", "wall_seconds", "first_step_seconds", "peak_bytes"):
                values = [run[figure] for run in of_job]
                row[figure] = median(values)
                row[figure + "_range"] = [min(values), max(values)]
            for figure in ("train_loss", "train_accuracy", "test_accuracy"):
                row[figure] = sum(run[figure] for run in of_job) / len(of_job)
            row["peak_bytes_most"] = max(run["peak_bytes"] for run in of_job)
            row["validity"] = validity(row, epochs)
        rows[system, dropout] = row
    return rows


def validity(row, epochs):
    if not row["dropout"]:
        return "not judged"
    if epochs != job.EPOCHS:
        return f"not judged: {epochs} epochs, not {job.EPOCHS}"
    return "valid" if abs(row["train_loss"] - LOSS) <= LOSS_TOLERANCE else "INVALID"


def group(runs):
    jobs = {}
    for run in runs:
        jobs.setdefault((run["system"], run["dropout"]), []).append(run)
    return jobs


def ratio(runs, above, below):
    """Median and range over the rounds of `above`'s time an epoch over `below`'s in the same round; none if a run failed."""
    jobs = group(runs)
    if above not in jobs or below not in jobs or any(run["failure"] for run in jobs[above] + jobs[below]):
        return None
    quotients = [a["epoch_seconds"] / b["epoch_seconds"] for a, b in zip(jobs[above], jobs[below])]
    return {"median": median(quotients), "range": [min(quotients), max(quotients)]}


def others_share(runs):
    """The most that other processes took of the machine during a run; none if the system does not say."""
    shares = [run["others_share"] for run in runs if not run["failure"] and run["others_share"] is not None]
    return max(shares, default=None)


def too_busy(share):
    return share is not None and share > BUSY


def ratios(runs):
    systems = {run["system"] for run in runs}
    found = {"PyTorch's time over Furlough's, an epoch": ratio(runs, ("pytorch", True), ("furlough", True))}
    for system in sorted(systems):
        found[f"{NAMES[system]}: time with dropout over time without"] = ratio(runs, (system, True), (system, False))
    return {name: value for name, value in found.items() if value}


NAMES = {"furlough": "Furlough", "pytorch": "PyTorch"}


def table(results):
    machine, settings = results["machine"], results["settings"]
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    others = results["others_share"]
    lines = [
        f"# The tutorial's job, {results['date']}",
        "",
        f"- processor: {machine['cpu']} ({machine['cpu_vendor']}, {machine['simd']}), {machine['cores']} cores, "
        f"{machine['memory_bytes'] / 2**30:.0f} GiB; {machine['system']}",
        f"- {settings['rounds']} rounds, each system in turn, seeds 0 to {settings['rounds'] - 1}; "
        f"{settings['epochs']} epochs a run, {settings['threads']} threads",
        f"- versions: {versions}; {machine['rustc'] or 'rustc unknown'}; commit {machine['commit'] or 'unknown'}"
        + (" with uncommitted changes" if machine["uncommitted_changes"] else ""),
        f"- other processes took at most {'an unknown part' if others is None else f'{others:.1%}'} of the machine during a run",
        "",
    ]
    if too_busy(others):
        lines += ["**The machine was busy with something else: these times mean nothing.**", ""]
    lines += [
        "| system | dropout | s an epoch (range) | s a run | to the first step, s | peak memory, MB | final train loss | train accuracy | test accuracy | |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [line(row) for row in results["rows"]]
    if any(row["failure"] is None and row["validity"] == "INVALID" for row in results["rows"]):
        lines += ["", f"**INVALID: the final train loss is more than {LOSS_TOLERANCE} off {LOSS}, so the times do not count.**"]
    if results["ratios"]:
        lines += ["", "| ratio | median over the rounds | range |", "|---|---|---|"]
    for name, value in results["ratios"].items():
        low, high = value["range"]
        lines.append(f"| {name} | {value['median']:.2f} | {low:.2f} – {high:.2f} |")
    lines += ["", "Times and memory are medians over the runs, accuracies and losses means; MB = 10^6 bytes. Command lines:", "", "```"]
    lines += results["commands"]
    return "\n".join(lines + ["```", ""])


def line(row):
    name, dropout = NAMES[row["system"]], "0.2, 0.5" if row["dropout"] else "none"
    if row["failure"]:
        return f"| {name} | {dropout} | **failed**: {row['failure'].splitlines()[0]} | | | | | | | |"
    low, high = row["epoch_seconds_range"]
    return (
        f"| {name} | {dropout} | {row['epoch_seconds']:.3f} ({low:.3f} – {high:.3f}) | {row['wall_seconds']:.2f} "
        f"| {row['first_step_seconds']:.2f} | {row['peak_bytes'] / 1e6:.0f} | {row['train_loss']:.4f} "
        f"| {row['train_accuracy']:.4f} | {row['test_accuracy']:.4f} | {row['validity']} |"
    )
