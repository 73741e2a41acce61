"""What is compared along what: each axis is some points, and at each point every system does the same job."""

from dataclasses import asdict, dataclass, field, replace

from .job import Job

JOB = Job()
MOST = ("furlough", "furlough-bf16", "jax", "jax-bf16", "pytorch", "pytorch-hand", "pytorch-bf16", "keras-jax", "sklearn", "burn", "candle")
FEW = ("furlough", "furlough-bf16", "jax", "jax-bf16", "pytorch", "pytorch-bf16", "burn", "candle")


@dataclass(frozen=True)
class Point:
    name: str
    job: Job
    x: float = None  # where it is on a chart's axis
    left_out_of_quick: bool = False


@dataclass(frozen=True)
class Axis:
    title: str
    figure: str  # what is measured, with its unit
    kind: str = "train"  # or what special.py measures
    points: tuple = ()
    systems: tuple = ()
    rounds: int = 2
    once: tuple = ()  # systems so slow that one round has to do
    often: dict = field(default_factory=dict)  # systems that run more rounds, since what is looked for is small
    x: str = None  # what the points differ in, if a chart can have it as its axis
    per: float = 1.0  # the figure is seconds an epoch times this
    per_row: bool = False  # and divided by the rows
    quotient: tuple = None  # (above, below, name): two points whose times are divided
    note: str = ""


def point(name, x=None, left_out_of_quick=False, **changes):
    return Point(name, replace(JOB, **changes), x, left_out_of_quick)


ALL = ("furlough", "furlough-bf16", "jax", "jax-bf16", "pytorch", "pytorch-hand", "pytorch-compile", "pytorch-bf16",
       "pytorch-compile-bf16", "pytorch-tutorial", "keras-jax", "keras-tensorflow", "sklearn", "burn", "candle", "tch")

AXES = {
    "tutorial": Axis(
        "The tutorial's job", "seconds an epoch", points=(point("the job"),), systems=ALL, rounds=3, once=("pytorch-tutorial",),
        note="784–256–256–10, dropout 0.2 and 0.5, batches of 256, 10 epochs, evaluation included.",
    ),
    "width": Axis(
        "Width of the two hidden layers", "milliseconds a thousand rows", x="units in each hidden layer", per=1e6, per_row=True,
        points=(
            point("256", 256, hidden="256,256", dropout="0.5", rows=20_000, epochs=4, lr=0.1),
            point("1,024", 1024, hidden="1024,1024", dropout="0.5", rows=10_000, epochs=3, lr=0.1),
            point("4,096", 4096, hidden="4096,4096", dropout="0.5", rows=7_680, epochs=2, lr=0.1),
        ),
        systems=MOST + ("furlough-shared-64", "furlough-shared"),
        note="Dropout 0.5 after both, batches of 256, learning rate 0.1.",
    ),
    "batch": Axis(
        "Batch size", "milliseconds a thousand rows", x="batch size", per=1e6, per_row=True,
        points=(
            point("16, 64 wide", None, hidden="64,64", batch_size=16, rows=12_000, epochs=4, lr=0.1),
            *(point(f"{size:,}", size, batch_size=size, rows=20_000, epochs=4, lr=0.1) for size in (16, 64, 256)),
            *(point(f"{size:,}", size, batch_size=size, rows=20_000, epochs=8, lr=0.1) for size in (1024, 4096)),
        ),
        systems=FEW + ("sklearn",), rounds=1,
        note="Learning rate 0.1; the first point is a network of two layers of 64, where overhead rules.",
    ),
    "threads": Axis(
        "Threads", "seconds an epoch", points=(point("1 thread", 1, threads=1, epochs=4), point("2 threads", 2, epochs=4)), systems=FEW,
        quotient=("1 thread", "2 threads", "time with 1 thread / with 2"),
        note="The tutorial's job, 4 epochs. Each process is bound to as many cores as it has threads.",
    ),
    "adam": Axis(
        "Adam in place of SGD", "seconds an epoch", rounds=3,
        points=(point("SGD", epochs=4), point("Adam", epochs=4, optimizer="adam", lr=0.001)),
        systems=("furlough", "pytorch", "pytorch-hand"), quotient=("Adam", "SGD", "time with Adam / with SGD"),
        note="The tutorial's network with batches of 256, 4 epochs; Adam at learning rate 0.001. PyTorch's optimizers are the fused ones.",
    ),
    "rows": Axis(
        "Rows of training data", "milliseconds a thousand rows", x="training rows", per=1e6, per_row=True, rounds=1,
        points=(
            point("1,000", 1_000, rows=1_000, epochs=30, lr=0.1),
            point("10,000", 10_000, rows=10_000, epochs=6, lr=0.1),
            point("100,000", 100_000, rows=100_000, epochs=3, lr=0.1),
            point("1,000,000", 1_000_000, left_out_of_quick=True, rows=1_000_000, epochs=2, lr=0.1),
        ),
        systems=("furlough", "furlough-bf16", "jax", "jax-bf16", "pytorch", "pytorch-bf16"),
        note="Examples are cut or repeated from the real ones; the test part is a sixth as large, at most 10,000. Learning rate 0.1.",
    ),
    "dropout": Axis(
        "With and without dropout", "seconds an epoch", rounds=2, often={"furlough": 16, "furlough-bf16": 16},
        points=(
            point("256, with", epochs=3), point("256, without", epochs=3, dropout="0"),
            point("1,024, with", hidden="1024,1024", dropout="0.5", rows=12_000, epochs=3, lr=0.1),
            point("1,024, without", hidden="1024,1024", dropout="0", rows=12_000, epochs=3, lr=0.1),
        ),
        systems=("furlough", "furlough-bf16", "jax", "pytorch", "pytorch-hand", "burn"),
        quotient=("with", "without", "time with dropout / without"),
        note="Pairs of short runs, with and without in turns; the quotient is taken within each pair.",
    ),
    "wide": Axis(
        "4,096 units, whole epochs", "seconds an epoch", rounds=1,
        points=(
            point("with", hidden="4096,4096", dropout="0.5", epochs=2, lr=0.1),
            point("without", hidden="4096,4096", dropout="0", epochs=2, lr=0.1),
        ),
        systems=("furlough", "furlough-bf16", "furlough-shared-64", "furlough-shared", "jax", "pytorch", "pytorch-hand"),
        quotient=("with", "without", "time with dropout / without"),
        note="All 60,000 rows, so that what comes once an epoch weighs what it does for a user; dropout 0.5 after both layers, learning rate 0.1.",
    ),
    "monte-carlo": Axis(
        "100 masked passes over the test images", "seconds", kind="monte-carlo", points=(point("passes", epochs=3),),
        systems=("furlough", "furlough-bf16", "jax", "jax-bf16", "pytorch", "pytorch-hand", "pytorch-bf16"),
        note="The tutorial's network after 3 epochs. Only the passes and their mean are timed, with images and weights in memory and after a "
             "warm-up; Furlough has none. What comes before the first mask is the same in all passes: hoisted means that it is computed once.",
    ),
    "kernel": Axis(
        "The dropout kernel alone", "nanoseconds an element", kind="kernel", points=(point("256 × 4,096", threads=1),), rounds=3,
        systems=("furlough", "jax", "pytorch"), note="Forward, p = 0.5, float32, one core; the best of many repeats, in cache as far as it fits.",
    ),
    "gpu": Axis(
        "On this processor and on a GPU", "seconds an epoch",
        points=(
            point("the job", threads=16),
            point("1,024 wide", hidden="1024,1024", dropout="0.5", lr=0.1, threads=16, epochs=4),
            point("4,096 wide", hidden="4096,4096", dropout="0.5", lr=0.1, threads=16, epochs=3),
        ),
        systems=("furlough", "furlough-bf16", "jax", "jax-gpu", "pytorch-gpu", "pytorch-gpu-graph"), rounds=1,
        note="The tutorial's job and wider ones with 16 threads, evaluation included, where there is a GPU with CUDA and the versions of the Python peers that can use it.",
    ),
    "install": Axis(
        "What must be installed", "megabytes on disk", kind="install", points=(point("installed"),), rounds=1,
        systems=("furlough", "jax", "pytorch", "pytorch-tutorial", "keras-jax", "keras-tensorflow", "sklearn", "burn", "candle", "tch"),
        note="A fresh environment with the system and all that it needs, without the Python interpreter, pip and setuptools; a program of a "
             "single file counts as that file. Of PyTorch there are smaller builds without GPU parts, elsewhere than on PyPI.",
    ),
}

BY_DEFAULT = [name for name in AXES if name not in ("install", "gpu")]  # which download gigabytes, and need another machine


def quick(axis):
    """The same with as little work as shows that everything runs; its figures mean little."""
    smaller = tuple(
        replace(point, job=replace(point.job, rows=min(point.job.rows, 6_000), epochs=2)) for point in axis.points if not point.left_out_of_quick
    )
    return replace(axis, points=smaller, rounds=1, often={})


def saved(axis):
    """The points, for results.json.gz."""
    return [asdict(point) for point in axis.points]


def restored(name, found):
    """The axis with the points that were measured, which may be another version's or a quick run's."""
    return replace(AXES[name], points=tuple(Point(**{**point, "job": Job(**point["job"])}) for point in found["points"]))
