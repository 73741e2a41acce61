#!/usr/bin/env python3
"""Fits the same networks, without dropout, with the Python package and with scikit-learn's own, in turns.

    scripts/check_python.sh || pip install .        # the package, and scikit-learn
    python3 bench/against_sklearn.py                # some minutes; a Markdown table

Sizes, optimizer (Adam), learning rate, batches and epochs are the same, and nothing stops early. Each fits with one thread and
with all cores, and its faster way counts: the threads of scikit-learn's matrix products cost more than they give at such sizes
on many machines. Times are medians of the rounds. Scores are accuracy or R² on a quarter of the rows.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
import warnings

import threadpoolctl
from sklearn import datasets
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from furlough import FurloughClassifier, FurloughRegressor


def jobs():
    """Yields a name, the rows, the targets, hidden sizes, batch and epochs."""
    for name in ("iris", "breast_cancer", "digits", "diabetes"):
        X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
        yield name, X, y, (64, 64), 64, 100
    X, y = datasets.make_classification(20_000, 40, n_informative=20, n_classes=5, random_state=0)
    yield "20,000 × 40, 5 classes", X, y, (256, 256), 200, 10
    X, y = datasets.make_regression(20_000, 40, n_informative=20, noise=10, random_state=0)
    yield "20,000 × 40, a number", X, y, (256, 256), 200, 10


def models(y, sizes, batch, epochs, seed, threads):
    """Returns our estimator and scikit-learn's, with their scaling."""
    same = {"hidden_layer_sizes": sizes, "learning_rate_init": 1e-3, "random_state": seed}
    ours, theirs = (FurloughRegressor, MLPRegressor) if y.dtype.kind == "f" else (FurloughClassifier, MLPClassifier)
    own = ours(**same, dropout=0.0, optimizer="adam", batch_size=batch, epochs=epochs, early_stopping=False, threads=threads, recipe={
        "lr_schedule": "constant", "weight_decay": 0.0})
    other = theirs(**same, solver="adam", batch_size=batch, max_iter=epochs, n_iter_no_change=epochs, alpha=0.0, tol=0.0)
    return own, make_pipeline(StandardScaler(), other)


def main():
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    warnings.simplefilter("ignore")
    print("| table | hidden | epochs | ours, s (threads) | scikit-learn, s (threads) | quotient | score, ours | scikit-learn |")
    print("|---|---|---|---|---|---|---|---|")
    for name, X, y, sizes, batch, epochs in jobs():
        X_fit, X_test, y_fit, y_test = train_test_split(X, y, random_state=0)
        if y.dtype.kind == "f":
            y_fit, y_test = y_fit / y_fit.std(), y_test / y_fit.std()
        seconds, scores = {}, ([], [])
        for seed in range(rounds):
            for threads in dict.fromkeys((1, os.cpu_count())):
                for place, model in enumerate(models(y, sizes, batch, epochs, seed, threads)):
                    with threadpoolctl.threadpool_limits(threads):
                        begun = time.perf_counter()
                        model.fit(X_fit, y_fit)
                        seconds.setdefault((place, threads), []).append(time.perf_counter() - begun)
                    scores[place].append(model.score(X_test, y_test))
        best = [min((statistics.median(of), threads) for (at, threads), of in seconds.items() if at == place) for place in (0, 1)]
        (ours, own_threads), (theirs, other_threads) = best
        found = [statistics.median(of) for of in scores]
        written = "-".join(map(str, sizes))
        print(
            f"| {name} | {written} | {epochs} | {ours:.3f} ({own_threads}) | {theirs:.3f} ({other_threads}) "
            f"| {theirs / ours:.1f} | {found[0]:.3f} | {found[1]:.3f} |",
            flush=True,
        )
    code = "import time, numpy; begun = time.perf_counter(); import furlough; print(time.perf_counter() - begun)"
    imports = [float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout) for _ in range(5)]
    print(f"\nimport furlough, numpy being there: {1e3 * statistics.median(imports):.1f} ms")


if __name__ == "__main__":
    main()
