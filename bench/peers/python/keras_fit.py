#!/usr/bin/env python3
"""The job in Keras: model.fit over arrays in memory, compiled, many steps an execution. --backend chooses what computes."""

import os
import time

import job


def main():
    flags = job.parser()
    flags.add_argument("--backend", choices=["jax", "tensorflow"], default="jax")
    flags.add_argument("--steps-per-execution", type=int, default=235, help="at most; never more than an epoch has")
    flags.add_argument("--no-jit", action="store_true", help="without XLA")
    args = job.parse(flags)
    os.environ["KERAS_BACKEND"] = args.backend
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    if args.backend == "tensorflow":
        import tensorflow

        tensorflow.config.threading.set_intra_op_parallelism_threads(args.threads)
        tensorflow.config.threading.set_inter_op_parallelism_threads(args.threads)
    import keras

    class Told(keras.callbacks.Callback):
        """Batch hooks would end each execution, so the first step is told when the first execution ends."""

        seen = False

        def on_epoch_begin(self, epoch, logs=None):
            self.start = time.perf_counter()

        def on_train_batch_end(self, batch, logs=None):
            if not self.seen:
                self.seen = True
                job.emit("step", epoch=1, step=1, loss=float(logs["loss"]))

        def on_epoch_end(self, epoch, logs):
            job.emit("epoch", epoch=epoch + 1, train_loss=float(logs["loss"]), train_accuracy=float(logs["accuracy"]),
                     test_loss=float(logs["val_loss"]), test_accuracy=float(logs["val_accuracy"]),
                     seconds=time.perf_counter() - self.start)

    keras.utils.set_random_seed(args.seed)
    x, y = job.images_and_labels(args.data_dir, "train")
    test = job.images_and_labels(args.data_dir, "t10k")
    layers = [keras.layers.Input((x.shape[1],))]
    normal = keras.initializers.RandomNormal
    for width, p in zip(args.hidden, args.dropout):
        layers.append(keras.layers.Dense(width, activation="relu", kernel_initializer=normal(stddev=0.01)))
        layers += [keras.layers.Dropout(p)] if p > 0 else []
    layers.append(keras.layers.Dense(10, kernel_initializer=normal(stddev=0.01)))
    model = keras.Sequential(layers)
    steps = min(args.steps_per_execution, -(-len(x) // args.batch_size))
    model.compile(
        optimizer=keras.optimizers.SGD(learning_rate=args.lr),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=not args.no_jit,
        steps_per_execution=steps,
    )
    job.emit("start", keras=keras.__version__, backend=args.backend)
    model.fit(x, y, batch_size=args.batch_size, epochs=args.epochs, validation_data=test, validation_batch_size=1000,
              shuffle=True, verbose=0, callbacks=[Told()])
    job.emit("stop", reason="finished")


if __name__ == "__main__":
    main()
