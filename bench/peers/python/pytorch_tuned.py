#!/usr/bin/env python3
"""The job in PyTorch, as fast as its own parts make it.

All examples are float32 tensors on the device before the first epoch; batches are cut from torch.randperm by index_select, with no DataLoader;
nothing is read back from a tensor until the epoch is over; the step is the fused SGD or Adam; the evaluation is one pass over all test images
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


def tensors(folder, part, device):
    images, labels = job.images_and_labels(folder, part)
    return torch.from_numpy(images).to(device), torch.from_numpy(labels.astype("int64")).to(device)


def captured(step, net, size, device):
    """A step of `size` examples recorded once as a CUDA graph, which the processor then starts with one call instead of dozens."""
    examples = torch.zeros(size, dtype=torch.int64, device=device)
    weights = [parameter.detach().clone() for parameter in net.parameters()]
    warm = torch.cuda.Stream()
    warm.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(warm):
        for _ in range(3):
            step(examples)
    torch.cuda.current_stream().wait_stream(warm)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        loss = step(examples)
    with torch.no_grad():  # what warming up has learnt does not count
        for parameter, before in zip(net.parameters(), weights):
            parameter.copy_(before)

    def replay(chosen):
        examples.copy_(chosen)
        graph.replay()
        return loss

    return replay


def arguments():
    flags = job.parser()
    flags.add_argument("--precision", choices=["f32", "autocast", "medium"], default="f32",
                       help="f32; bf16 where autocast puts it; or float32 tensors whose products are bf16's")
    flags.add_argument("--masks", choices=list(DROPOUTS), default="module")
    flags.add_argument("--optimizer", choices=["sgd", "adam"], default="sgd")
    flags.add_argument("--compile", action="store_true")
    flags.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    flags.add_argument("--graph", action="store_true", help="with --device cuda: steps are CUDA graphs")
    flags.add_argument("--monte-carlo", type=int, default=0, help="after training, so many masked passes over the test images")
    return job.parse(flags)


def main():
    args = arguments()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    x, y = tensors(args.data_dir, "train", args.device)
    x_test, y_test = tensors(args.data_dir, "t10k", args.device)
    net = network(args.hidden, args.dropout, args.masks).to(args.device)
    forward = torch.compile(net) if args.compile else net
    precision = contextlib.nullcontext()
    if args.precision == "medium":
        torch.set_float32_matmul_precision("medium")
    elif args.precision == "autocast":
        precision = torch.autocast(args.device, torch.bfloat16)
    kind = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[args.optimizer]
    optimizer = kind(net.parameters(), lr=args.lr, fused=True)
    on = torch.cuda.get_device_name() if args.device == "cuda" else "cpu"
    job.emit("start", torch=torch.__version__, threads=torch.get_num_threads(), network=str(net), device=on)
    loss_sum = torch.zeros((), dtype=torch.float64, device=args.device)
    correct = torch.zeros((), dtype=torch.int64, device=args.device)

    def step(examples):
        inputs, labels = x.index_select(0, examples), y.index_select(0, examples)
        with precision:
            logits = forward(inputs)
        loss = cross_entropy(logits.float(), labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        loss_sum.add_(loss.detach(), alpha=len(examples))
        correct.add_((logits.detach().argmax(1) == labels).sum())
        return loss.detach()

    sizes = {min(args.batch_size, len(x)), len(x) % args.batch_size} - {0}
    steps = {size: captured(step, net, size, args.device) if args.graph else step for size in sizes}
    for epoch in range(1, args.epochs + 1):
        start = time.perf_counter()
        net.train()
        loss_sum.zero_()
        correct.zero_()
        for number, examples in enumerate(torch.randperm(len(x), device=args.device).split(args.batch_size)):
            loss = steps[len(examples)](examples)
            if epoch == 1 and number == 0:
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
