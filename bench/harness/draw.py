#!/usr/bin/env python3
"""Draws the charts that pictures.py planned: a list of them in JSON on standard input. Runs where matplotlib is installed."""

import io
import json
import sys
from pathlib import Path

import matplotlib

from slim import slim

matplotlib.use("svg")
matplotlib.rcParams |= {
    "svg.hashsalt": "furlough", "svg.fonttype": "none", "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial"], "font.size": 9.5,
    "axes.spines.top": False, "axes.spines.right": False,
}
from matplotlib import pyplot
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

OWN = ["#c2410c", "#f59e0b", "#7c2d12", "#fb7185"]  # Furlough's own
PEERS = ["#1d4ed8", "#60a5fa", "#047857", "#34d399", "#6d28d9", "#c084fc", "#374151", "#9ca3af", "#0e7490", "#a16207"]
MARKS = "os^Dv<>pP*X"


def plain(value, _=None):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def bars(chart):
    """Bars from nought; on a log scale, which has no nought, dots. With the range over the rounds."""
    figure, axes = pyplot.subplots(figsize=(8, 1.3 + 0.29 * len(chart["bars"])))
    shown = chart["bars"][::-1]
    places = range(len(shown))
    low, high = min(bar["range"][0] for bar in shown), max(bar["range"][1] for bar in shown)
    for place, bar in enumerate(shown):
        colour = "#c2410c" if bar["own"] else "#64748b"
        if chart["log"]:
            axes.plot([bar["value"]], [place], "o", ms=7, color=colour)
        else:
            axes.barh(place, bar["value"], color=colour, alpha=0.75)
        axes.plot(bar["range"], [place, place], color=colour if chart["log"] else "#1e293b", lw=1.6 if chart["log"] else 0.8)
        axes.annotate(plain(bar["value"]), (bar["range"][1], place), (8, 0), textcoords="offset points", va="center", fontsize=8.5)
    if chart["log"]:
        axes.set_xscale("log")
        scale(axes.xaxis)
        axes.grid(color="#e2e8f0", lw=0.6)
        axes.set_axisbelow(True)
        axes.set_xlim(low / 1.3, high * 1.5)
    else:
        axes.axvline(1, color="#475569", lw=0.8)
        axes.set_xlim(0, high * 1.15)
    axes.set_ylim(-0.7, len(shown) - 0.3)
    axes.set_yticks(places, [bar["label"] for bar in shown])
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(chart["y"] + (" (log scale; less is better)" if chart["log"] else ""))
    return figure, axes


def lines(chart):
    figure, axes = pyplot.subplots(figsize=(8, 4.6))
    counts = [0, 0]
    for line in sorted(chart["lines"], key=lambda line: -line["dots"][-1][1]):
        number = counts[line["own"]]
        counts[line["own"]] += 1
        palette = OWN if line["own"] else PEERS
        axes.plot(*zip(*line["dots"]), marker=MARKS[number % len(MARKS)], ms=4.5, lw=2.4 if line["own"] else 1.3,
                  color=palette[number % len(palette)], label=line["label"], zorder=3 if line["own"] else 2)
    axes.set_xscale("log")
    axes.set_yscale("log")
    xs = sorted({x for line in chart["lines"] for x, _ in line["dots"]})
    axes.set_xticks(xs, [f"{x:,}" for x in xs])
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_tick_params(which="minor", length=0)
    scale(axes.yaxis)
    axes.grid(axis="y", color="#e2e8f0", lw=0.6)
    axes.set_xlabel(chart["x"])
    axes.set_ylabel(chart["y"] + " (less is better)")
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=8.5)
    return figure, axes


def scale(axis):
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(plain))
    axis.set_minor_formatter(NullFormatter())


def main():
    for chart in json.load(sys.stdin):
        figure, axes = (bars if chart["bars"] else lines)(chart)
        axes.set_title(chart["title"], loc="left", fontweight="bold", pad=18)
        axes.annotate(chart["under"], (0, 1), (0, 5), xycoords="axes fraction", textcoords="offset points", fontsize=8, color="#475569")
        svg = io.StringIO()
        figure.savefig(svg, format="svg", bbox_inches="tight", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
        Path(chart["file"]).write_text(slim(svg.getvalue()))
        pyplot.close(figure)


if __name__ == "__main__":
    main()
