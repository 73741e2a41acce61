"""What the tests share."""

import signal

import numpy as np
import pandas as pd
import pytest

# A shell that runs the tests in the background lets them ignore Ctrl-C, and with them all that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def houses():
    """A frame with numbers, a category, a boolean, a date, gaps, a number and a class to predict."""
    draw = np.random.default_rng(0)
    rows = 400
    frame = pd.DataFrame(
        {
            "area": draw.normal(90, 20, rows).round(1),
            "rooms": draw.integers(1, 7, rows),
            "town": draw.choice(["Bern", "Biel", "Thun"], rows),
            "garden": draw.integers(0, 2, rows).astype(bool),
            "built": pd.Timestamp("1950-01-01") + pd.to_timedelta(draw.integers(0, 25000, rows), unit="D"),
        }
    )
    frame.loc[::17, "area"] = np.nan
    noise = draw.normal(0, 10, rows)
    frame["price"] = (3 * frame["area"].fillna(90) + 20 * (frame["town"] == "Bern") + noise).round(2)
    frame["sold"] = np.where(frame["price"] > 280, "slowly", "at once")
    return frame


@pytest.fixture(scope="session")
def features(houses):
    """The columns that are learned from."""
    return houses.drop(columns=["price", "sold"])


@pytest.fixture(scope="session")
def blobs():
    """Two clouds of points and their labels."""
    draw = np.random.default_rng(1)
    labels = np.arange(200) % 2
    return draw.normal(size=(200, 3)) + 3 * labels[:, None], labels
