"""What each axis' chart shows, as plain data; draw.py, which has matplotlib, draws it."""

import json
import subprocess

from . import summary
from .axes import AXES, restored


def write(results, folder, python, drawer):
    """One SVG an axis. Returns what went wrong, if anything did: the figures do not depend on it."""
    plans = [plan(name, restored(name, found), found) for name, found in results["axes"].items() if name in AXES]
    plans = [one | {"file": str(folder / f"{one['name']}.svg")} for one in plans if one["bars"] or one["lines"]]
    done = subprocess.run([str(python), str(drawer)], input=json.dumps(plans), text=True, capture_output=True)
    return done.stderr.strip() if done.returncode else ""


def plan(name, axis, found):
    rows = summary.rows(axis, found["runs"])
    missing = list(dict.fromkeys(row["label"] for row in rows if row["failure"] or row["validity"] == "INVALID"))
    rows = [row for row in rows if not row["failure"] and row["validity"] != "INVALID"]
    chart = {
        "name": name, "title": axis.title,
        "under": f"{found['machine']['cpu']}, {found['machine']['cores']} cores, {found['date']}"
        + (f"; failed or invalid at some point: {', '.join(missing)}" if missing else ""),
        "x": axis.x, "y": axis.figure, "bars": [], "lines": [], "log": True,
    }
    if axis.quotient:
        chart["y"] = axis.quotient[2]
        chart["bars"] = [
            bar(f"{pair['label']}, {pair['point']}".rstrip(", "), pair["system"], pair) for pair in summary.pairs(axis, found["runs"])
        ]
        chart["log"] = False
    elif axis.x:
        places = {point.name: point.x for point in axis.points}
        for key in dict.fromkeys(row["system"] for row in rows):
            dots = [[places[row["point"]], row["value"]["median"]] for row in rows if row["system"] == key and places[row["point"]]]
            if dots:
                label = next(row["label"] for row in rows if row["system"] == key)
                chart["lines"].append({"label": label, "own": own(key), "dots": sorted(dots)})
    else:
        where = (lambda row: f", {row['point']}") if len(axis.points) > 1 else lambda row: ""
        bars = (bar(row["label"] + where(row), row["system"], row["value"]) for row in rows)
        chart["bars"] = sorted(bars, key=lambda one: one["value"])
    return chart


def bar(label, key, figure):
    return {"label": label, "own": own(key), "value": figure["median"], "range": figure["range"]}


def own(key):
    return key.startswith("furlough")
