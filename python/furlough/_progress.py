"""A bar that shows how far a training is, in terminals and notebooks."""

from __future__ import annotations

import sys
import time
from typing import Any


class Bar:
    """Is called after each epoch, and writes one line over and over."""

    def __init__(self, epochs: int | None, members: int = 1) -> None:
        self.of = epochs and epochs * members
        self.begun = time.monotonic()
        self.shown = 0.0
        self.count = 0
        self.last: dict[str, Any] = {}

    def __call__(self, _member: int, figures: dict[str, Any]) -> None:
        """Shows the figures of an epoch, at most ten times a second."""
        self.count += 1
        now = time.monotonic()
        self.last = figures
        if now - self.shown >= 0.1:
            self.shown = now
            self._write(self._line(now - self.begun))

    def close(self) -> None:
        """Shows the last epoch and ends the line."""
        if self.last:
            self._write(self._line(time.monotonic() - self.begun) + "\n")

    def _line(self, seconds: float) -> str:
        figures = self.last
        loss = f"loss {figures['train_loss']:.4f}"
        if figures["val_loss"] is not None:
            loss += f", validation {figures['val_loss']:.4f}"
        if self.of is None:
            return f"\repoch {self.count} [{_clock(seconds)}] {loss}  "
        part = self.count / self.of
        full = int(20 * part)
        bar = "#" * full + "." * (20 - full)
        left = _clock(seconds / part - seconds)
        return f"\r{part:4.0%}|{bar}| {self.count}/{self.of} [{_clock(seconds)}<{left}] {loss}  "

    def _write(self, text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60:02d}:{int(seconds) % 60:02d}"
