#!/usr/bin/env python3
"""The tutorial's job in PyTorch, as fast as its own parts make it. Prints the events that `furlough train --json` prints.

All examples are float32 tensors before the first epoch; batches are cut from torch.randperm by index_select, with no
DataLoader; nothing is read back from a tensor until the epoch is over; the step is the fused SGD; the evaluation is one
pass over all test images without gradients. bench/README.md says what else was tried.
"""

import argparse
import gzip
import json
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy


def emit(event, **values):
    print(json.dumps({"event": event} | values), flush=True)


def read(folder, name, header):
    packed = Path(folder, name + ".gz")
    raw = gzip.decompress(packed.read_bytes()) if packed.exists() else Path(folder, name).read_bytes()
    return torch.from_numpy(np.frombuffer(raw, np.uint8, offset=header).copy())


def images_and_labels(folder, part):
    images = read(folder, f"{part}-images-idx3-ubyte", 16).reshape(-1, 784).to(torch.float32).div_(255)
    return images, read(folder, f"{part}-labels-idx1-ubyte", 8).to(torch.int64)


def network(dropout):
    def hidden(inputs, p):
        return [nn.Linear(inputs, 256), nn.ReLU()] + ([nn.Dropout(p)] if p > 0 else [])

    net = nn.Sequential(*hidden(784, dropout[0]), *hidden(256, dropout[1]), nn.Linear(256, 10))
    for layer in net:
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)
    return net


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data-dir", required=True)
    parser.add_argument("--dropout", default="0.2,0.5")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=256)
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    x, y = images_and_labels(args.data_dir, "train")
    x_test, y_test = images_and_labels(args.data_dir, "t10k")
    dropout = [float(p) for p in args.dropout.split(",")]
    net = network(dropout if len(dropout) == 2 else dropout * 2)
    sgd = torch.optim.SGD(net.parameters(), lr=0.5, fused=True)
    emit("start", torch=torch.__version__, threads=torch.get_num_threads(), network=str(net))

    for epoch in range(1, args.epochs + 1):
        start = time.perf_counter()
        net.train()
        loss_sum = torch.zeros((), dtype=torch.float64)
        correct = torch.zeros((), dtype=torch.int64)
        for step, examples in enumerate(torch.randperm(len(x)).split(args.batch_size)):
            inputs, labels = x.index_select(0, examples), y.index_select(0, examples)
            logits = net(inputs)
            loss = cross_entropy(logits, labels)
            sgd.zero_grad(set_to_none=True)
            loss.backward()
            sgd.step()
            loss_sum.add_(loss.detach(), alpha=len(examples))
            correct.add_((logits.detach().argmax(1) == labels).sum())
            if epoch == 1 and step == 0:
                emit("step", epoch=1, step=1, loss=loss.item())
        net.eval()
        with torch.inference_mode():
            logits = net(x_test)
            test_loss = cross_entropy(logits, y_test).item()
            test_accuracy = (logits.argmax(1) == y_test).float().mean().item()
        emit(
            "epoch",
            epoch=epoch,
            train_loss=loss_sum.item() / len(x),
            train_accuracy=correct.item() / len(x),
            test_loss=test_loss,
            test_accuracy=test_accuracy,
            seconds=time.perf_counter() - start,
        )
    emit("stop", reason="finished")


if __name__ == "__main__":
    main()
