"""Ways to drop units in PyTorch. Each is a layer that keeps all units when it is not training."""

import torch
from torch import nn


class Hand(nn.Module):
    """A mask made by hand: some random numbers, a comparison, a product."""

    def __init__(self, p):
        super().__init__()
        self.p = p
        self.scale = 1 / (1 - p) if p < 1 else 0.0

    def forward(self, x):
        return x * self.mask(x) if self.training else x

    def extra_repr(self):
        return f"p={self.p}"


class Rand(Hand):
    """A uniform float a unit."""

    def mask(self, x):
        return (torch.rand(x.shape) >= self.p).to(x.dtype).mul_(self.scale)


class Bernoulli(Hand):
    """What nn.Dropout draws with, without the rest of it."""

    def mask(self, x):
        return torch.empty_like(x).bernoulli_(1 - self.p).mul_(self.scale)


class Words(Hand):
    """Sixteen random bits a unit, four units a call of the generator: p is rounded to 1/65536."""

    def mask(self, x):
        words = torch.empty((x.numel() + 3) // 4, dtype=torch.int64).random_(-(2**63), None)
        bits = words.view(torch.int16)[: x.numel()].view(x.shape)
        return (bits >= round(self.p * 65536) - 32768).to(x.dtype).mul_(self.scale)


DROPOUTS = {"module": nn.Dropout, "rand": Rand, "bernoulli": Bernoulli, "words": Words}
