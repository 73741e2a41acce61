"""From runs to rows: medians, ranges, quotients within rounds, and whether a row counts."""

from statistics import fmean, median, quantiles

from . import systems
from .job import Job
from .measure import BUSY

LOSS, TOLERANCE = 0.348, 0.01  # what the whole tutorial's job ends at, and how far off its rows may be
SHARE, LEAST = 0.05, 0.02  # elsewhere: of the median loss of all systems at the point, and never less than this


def rows(axis, runs):
    """One for each point and way of a system, in the order of the runs. One with a failed run has no figures."""
    grouped = {}
    for run in in_turn(runs):
        grouped.setdefault((run["point"], run["system"], run["label"]), []).append(run)
    places = {point.name: place for place, point in enumerate(axis.points)}
    found = [row(*key, of_row) for key, of_row in grouped.items()]
    found.sort(key=lambda row: (places.get(row["point"], 0), axis.systems.index(row["system"]) if row["system"] in axis.systems else 0))
    whole = {point.name for point in axis.points if point.job == Job()}
    for one in found:
        one["validity"] = validity(one, found, one["point"] in whole) if axis.kind == "train" else ""
        one["ratio"] = ratio(grouped, one, "value")
        one["run_ratio"] = ratio(grouped, one, "wall_seconds")
    return found


def row(point, system, label, runs):
    failed = [run for run in runs if run["failure"]]
    found = {"point": point, "system": system, "label": label, "runs": len(runs), "failure": failed[0]["failure"] if failed else None}
    if failed:
        return found
    for figure in ("value", "wall_seconds", "first_step_seconds", "peak_bytes", "start_up_seconds"):
        values = [run[figure] for run in runs if figure in run]
        if values:
            found[figure] = {"median": median(values), "range": [min(values), max(values)]}
    for figure in ("train_loss", "train_accuracy", "test_accuracy"):
        values = [run[figure] for run in runs if run.get(figure) is not None]
        found[figure] = median(values) if values else None
    return found


def validity(one, others, whole):
    """`whole`: the tutorial's job, whose loss is known. Otherwise the systems that do the same job judge each other."""
    if one["failure"]:
        return "failed"
    if not systems.SYSTEMS[one["system"]].same_job:
        return "another job"
    if whole:
        return "valid" if abs(one["train_loss"] - LOSS) <= TOLERANCE else "INVALID"
    losses = [
        other["train_loss"]
        for other in others
        if other["point"] == one["point"] and not other["failure"] and systems.SYSTEMS[other["system"]].same_job
    ]
    if len(losses) < 3:
        return "not judged"
    middle = median(losses)
    return "valid" if abs(one["train_loss"] - middle) <= max(LEAST, SHARE * middle) else "INVALID"


def ratio(grouped, one, figure):
    """This row's figure over that of Furlough's runs around it at the same point, round by round."""
    own = next((runs for (point, system, _), runs in grouped.items() if point == one["point"] and system == "furlough"), None)
    if one["failure"] or own is None or any(run["failure"] for run in own) or one["system"] == "furlough":
        return None
    return quotient(grouped[one["point"], one["system"], one["label"]], own, figure)


def quotient(above, below, figure="value"):
    """Median and range over the rounds that both have; none if they have none."""
    below = [run for run in below if figure in run]
    values = [run[figure] / own for run in above if figure in run and (own := around(run, below, figure))]
    if not values:
        return None
    found = {"median": median(values), "range": [min(values), max(values)], "rounds": len(values)}
    if len(values) >= 8:
        found["quartiles"] = quantiles(values)[::2]
    return found | {"of_least": min(run[figure] for run in above if figure in run) / min(run[figure] for run in below)}


def around(run, others, figure):
    """The mean of the last of the others before a run and the first after it, of its round; one of them if there are not both."""
    same = [other for other in others if other["round"] == run["round"]]
    before, after = ([other[figure] for other in same if (other["turn"] < run["turn"]) == earlier] for earlier in (True, False))
    near = before[-1:] + after[:1]
    return fmean(near) if near else None


def in_turn(runs):
    """Runs are kept in the order in which they were made; each is told its place."""
    return [run | {"turn": turn} for turn, run in enumerate(runs)]


def pairs(axis, runs):
    """Of an axis that divides two points by each other: for each system and pair of points, the quotient."""
    found, runs = [], in_turn(runs)
    for first, second in zip(axis.points[::2], axis.points[1::2]):
        above, below = (first, second) if first.name.endswith(axis.quotient[0]) else (second, first)
        for key in axis.systems:
            of = {point.name: [run for run in runs if run["point"] == point.name and run["system"] == key] for point in (above, below)}
            used = of[above.name] + of[below.name]
            if used and not any(run["failure"] for run in used):
                value = quotient(of[above.name], of[below.name])
                if value:
                    name = above.name.removesuffix(axis.quotient[0]).rstrip(", ")
                    found.append({"point": name, "system": key, "label": used[0]["label"]} | value)
    return found


def others_share(runs):
    """The most that other processes took of the machine during a run; none if the system does not say."""
    return max((run["others_share"] for run in runs if run.get("others_share") is not None), default=None)


def too_busy(share):
    return share is not None and share > BUSY
