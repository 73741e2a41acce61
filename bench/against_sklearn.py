#!/usr/bin/env python3
"""Fits the same networks, without dropout, with the Python package and with scikit-learn's own, in turns.

    scripts/check_python.sh || pip install .        # the package, and scikit-learn
    python3 bench/against_sklearn.py                # some minutes; a Markdown table

Sizes, optimizer (Adam), learning rate, batches and epochs are the same, and nothing stops early. Each row is the median of
the rounds; the quotient is that of the medians. Both take all cores. Scores are accuracy or R² on a quarter of the rows.
"""

import argparse
import statistics
import subprocess
import sys
import time
import warnings

from sklearn import datasets
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from furlough import FurloughClassifier, FurloughRegressor


def jobs():
    """Yields a name, the rows, the targets, hidden sizes and epochs."""
    for name in ("iris", "breast_cancer", "digits", "diabetes"):
        X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
        yield name, X, y, (64, 64), 100
    X, y = datasets.make_classification(20_000, 40, n_informative=20, n_classes=5, random_state=0)
    yield "20,000 × 40, 5 classes", X, y, (256, 256), 10
    X, y = datasets.make_regression(20_000, 40, n_informative=20, noise=10, random_state=0)
    yield "20,000 × 40, a number", X, y, (256, 256), 10


def models(y, sizes, epochs, seed):
    """Returns our estimator and scikit-learn's, with their scaling."""
    same = {"hidden_layer_sizes": sizes, "learning_rate_init": 1e-3, "random_state": seed}
    ours, theirs = (FurloughRegressor, MLPRegressor) if y.dtype.kind == "f" else (FurloughClassifier, MLPClassifier)
    # Its loss is half the square, so that a step is the same size for both.
    own = ours(**same, dropout=0.0, optimizer="adam", batch_size=64, epochs=epochs, early_stopping=False, recipe={
        "lr_schedule": "constant", "weight_decay": 0.0})
    other = theirs(**same, solver="adam", batch_size=64, max_iter=epochs, n_iter_no_change=epochs, alpha=0.0, tol=0.0)
    return own, make_pipeline(StandardScaler(), other)


def main():
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    warnings.simplefilter("ignore")
    print("| table | hidden | epochs | ours, s | scikit-learn, s | quotient | score, ours | scikit-learn |")
    print("|---|---|---|---|---|---|---|---|")
    for name, X, y, sizes, epochs in jobs():
        parts = train_test_split(X, y, random_state=0)
        seconds, scores = ([], []), ([], [])
        for seed in range(rounds):
            for place, model in enumerate(models(y, sizes, epochs, seed)):
                scale = parts[2].std() if y.dtype.kind == "f" else 1
                begun = time.perf_counter()
                model.fit(parts[0], parts[2] / scale if scale != 1 else parts[2])
                seconds[place].append(time.perf_counter() - begun)
                scores[place].append(model.score(parts[1], parts[3] / scale if scale != 1 else parts[3]))
        ours, theirs = map(statistics.median, seconds)
        found = [statistics.median(of) for of in scores]
        written = "-".join(map(str, sizes))
        print(f"| {name} | {written} | {epochs} | {ours:.3f} | {theirs:.3f} | {theirs / ours:.1f} | {found[0]:.3f} | {found[1]:.3f} |")
    code = "import time, numpy; begun = time.perf_counter(); import furlough; print(time.perf_counter() - begun)"
    imports = [float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout) for _ in range(5)]
    print(f"\nimport furlough, numpy being there: {1e3 * statistics.median(imports):.1f} ms")


if __name__ == "__main__":
    main()
