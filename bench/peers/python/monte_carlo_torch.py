"""Monte-Carlo dropout in PyTorch: the mean of many masked passes' probabilities, plainly and with what the passes share done once."""

import time

import job
import torch


def monte_carlo(net, images, labels, samples, precision):
    """Timed after a pass of each kind, with images and weights in memory: the passes and the mean, and nothing else."""
    net.train()
    first = next((place for place, layer in enumerate(net) if hasattr(layer, "p")), len(net))
    for way, shared in (("plain", net[:0]), ("hoisted", net[:first])):  # before the first dropout all passes are the same
        rest = net[len(shared):]
        with torch.inference_mode(), precision:
            mean(shared, rest, images, 1)
            start = time.perf_counter()
            probabilities = mean(shared, rest, images, samples)
            seconds = time.perf_counter() - start
        accuracy = (probabilities.argmax(1) == labels).float().mean().item()
        job.emit("monte-carlo", way=way, samples=samples, seconds=seconds, accuracy=accuracy)


def mean(shared, rest, images, samples, rows=1000):
    parts = []
    for part in images.split(rows):
        inputs = shared(part)
        total = torch.zeros(len(part), 10)
        for _ in range(samples):
            total += rest(inputs).float().softmax(1)
        parts.append(total)
    return torch.cat(parts) / samples
