#!/usr/bin/env python3
"""The job in scikit-learn's MLPClassifier, as near as it comes: it has no dropout, and its weights start uniform (Glorot), not normal.

Plain SGD without momentum or penalty, one call of partial_fit an epoch. It tells no train accuracy, and to compute one would cost time.
"""

import time
import warnings

import job
import numpy as np
import sklearn
from sklearn.neural_network import MLPClassifier


def main():
    args = job.parse(job.parser())
    warnings.simplefilter("ignore")
    x, y = job.images_and_labels(args.data_dir, "train")
    x_test, y_test = job.images_and_labels(args.data_dir, "t10k")
    model = MLPClassifier(hidden_layer_sizes=args.hidden, solver="sgd", alpha=0.0, batch_size=min(args.batch_size, len(x)),
                          learning_rate="constant", learning_rate_init=args.lr, momentum=0.0, nesterovs_momentum=False,
                          random_state=args.seed)
    classes = np.arange(10)
    job.emit("start", sklearn=sklearn.__version__, dropout="it has none")
    for epoch in range(1, args.epochs + 1):
        start = time.perf_counter()
        model.partial_fit(x, y, classes=classes)
        if epoch == 1:
            job.emit("step", epoch=1, step=1, loss=float(model.loss_))  # its steps cannot be seen, so this is the first epoch's end
        probabilities = model.predict_proba(x_test)
        test_accuracy = float((probabilities.argmax(1) == y_test).mean())
        test_loss = float(-np.log(np.maximum(probabilities[np.arange(len(y_test)), y_test], 1e-12)).mean())
        job.emit("epoch", epoch=epoch, train_loss=float(model.loss_), train_accuracy=None, test_loss=test_loss,
                 test_accuracy=test_accuracy, seconds=time.perf_counter() - start)
    job.emit("stop", reason="finished")


if __name__ == "__main__":
    main()
