#!/usr/bin/env python3
"""The job in PyTorch, as fast as its own parts make it.

All examples are float32 tensors before the first epoch; batches are cut from torch.randperm by index_select, with no DataLoader;
nothing is read back from a tensor until the epoch is over; the step is the fused SGD; the evaluation is one pass over all test images
without gradients. The weights are float32 always. bench/README.md says what else was tried.
"""

import contextlib
import time

import job
import torch
from masks import DROPOUTS
from monte_carlo_torch import monte_carlo
from torch import nn
from torch.nn.functional import cross_entropy


def network(hidden, dropout, masks):
    layers, inputs = [], 784
    for width, p in zip(hidden, dropout):
        layers += [nn.Linear(inputs, width), nn.ReLU()] + ([DROPOUTS[masks](p)] if p > 0 else [])
        inputs = width
    net = nn.Sequential(*layers, nn.Linear(inputs, 10))
    for layer in net:
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)
    return net


def tensors(folder, part):
    images, labels = job.images_and_labels(folder, part)
    return torch.from_numpy(images), torch.from_numpy(labels.astype("int64"))


def arguments():
    flags = job.parser()
    flags.add_argument("--precision", choices=["f32", "autocast", "medium"], default="f32",
                       help="f32; bf16 where autocast puts it; or float32 tensors whose products are bf16's")
    flags.add_argument("--masks", choices=list(DROPOUTS), default="module")
    flags.add_argument("--compile", action="store_true")
    flags.add_argument("--monte-carlo", type=int, default=0, help="after training, so many masked passes over the test images")
    return job.parse(flags)


def main():
    args = arguments()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    x, y = tensors(args.data_dir, "train")
    x_test, y_test = tensors(args.data_dir, "t10k")
    net = network(args.hidden, args.dropout, args.masks)
    forward = torch.compile(net) if args.compile else net
    precision = contextlib.nullcontext()
    if args.precision == "medium":
        torch.set_float32_matmul_precision("medium")
    elif args.precision == "autocast":
        precision = torch.autocast("cpu", torch.bfloat16)
    sgd = torch.optim.SGD(net.parameters(), lr=args.lr, fused=True)
    job.emit("start", torch=torch.__version__, threads=torch.get_num_threads(), network=str(net))

    for epoch in range(1, args.epochs + 1):
        start = time.perf_counter()
        net.train()
        loss_sum = torch.zeros((), dtype=torch.float64)
        correct = torch.zeros((), dtype=torch.int64)
        for step, examples in enumerate(torch.randperm(len(x)).split(args.batch_size)):
            inputs, labels = x.index_select(0, examples), y.index_select(0, examples)
            with precision:
                logits = forward(inputs)
            loss = cross_entropy(logits.float(), labels)
            sgd.zero_grad(set_to_none=True)
            loss.backward()
            sgd.step()
            loss_sum.add_(loss.detach(), alpha=len(examples))
            correct.add_((logits.detach().argmax(1) == labels).sum())
            if epoch == 1 and step == 0:
                job.emit("step", epoch=1, step=1, loss=loss.item())
        net.eval()
        with torch.inference_mode(), precision:
            logits = net(x_test).float()
            test_loss = cross_entropy(logits, y_test).item()
            test_accuracy = (logits.argmax(1) == y_test).float().mean().item()
        job.emit("epoch", epoch=epoch, train_loss=loss_sum.item() / len(x), train_accuracy=correct.item() / len(x),
                 test_loss=test_loss, test_accuracy=test_accuracy, seconds=time.perf_counter() - start)
    if args.monte_carlo:
        monte_carlo(net, x_test, y_test, args.monte_carlo, precision)
    job.emit("stop", reason="finished")


if __name__ == "__main__":
    main()
