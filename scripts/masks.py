#!/usr/bin/env python3
"""Furlough's random numbers, written a second time from docs/reference/masks.md alone. Needs Python 3.9 and numpy, nothing else.

    scripts/masks.py mask --seed 1 --step 7 --layer 2 --example 41 --units 8 --p 0.5   one row of a mask, with its words
    scripts/masks.py mask --sharing 64 --place 200 --example 41 --p 0.5                a mask shared by 64 examples
    scripts/masks.py mask --kind gaussian --step 7 --p 0.5                             the same units under other noise
    scripts/masks.py order --seed 0 --epoch 0 --examples 8                             the order of an epoch
    scripts/masks.py init --seed 1 --layer 0 --init kaiming --inputs 3 --outputs 2     initial weights
    scripts/masks.py fixture > crates/furlough/tests/fixtures/masks.json               the known answers
    scripts/masks.py answer < questions.json                                           the same for other questions
    scripts/masks.py --check [masks.json]                                              compare with the known answers
"""

import argparse
import hashlib
import json
import math
import sys
from pathlib import Path

import numpy as np

VERSION = 1
STREAMS = {"init": 0, "order": 1, "dropout": 2, "monte-carlo": 3, "drop-connect": 4, "drop-connect-monte-carlo": 6}
KINDS = "bernoulli", "gaussian", "alpha"
MULTIPLIERS = 0xD2511F53, 0xCD9E8D57
WEYL = 0x9E3779B9, 0xBB67AE85
LOW = np.uint64(0xFFFFFFFF)
FIXTURE = Path(__file__).parent.parent / "crates/furlough/tests/fixtures/masks.json"


# ---- The page, section by section -------------------------------------------------------------------------

def philox4x32(counter, key):
    """Section 1. Four arrays of counter words (broadcast together), two key words -> four arrays of words."""
    c0, c1, c2, c3 = np.broadcast_arrays(*(np.asarray(c, dtype=np.uint64) for c in counter))
    k0, k1 = key
    for _ in range(10):
        p0 = np.uint64(MULTIPLIERS[0]) * c0  # below 2^64: both factors are below 2^32
        p1 = np.uint64(MULTIPLIERS[1]) * c2
        c0, c1, c2, c3 = (
            (p1 >> np.uint64(32)) ^ c1 ^ np.uint64(k0),
            p1 & LOW,
            (p0 >> np.uint64(32)) ^ c3 ^ np.uint64(k1),
            p0 & LOW,
        )
        k0 = (k0 + WEYL[0]) % 2**32
        k1 = (k1 + WEYL[1]) % 2**32
    return c0, c1, c2, c3


def draw(seed, stream, layer, c0, c1, c2):
    """Section 2. The four words of a counter of a stream."""
    if not (0 <= seed < 2**64 and 0 <= layer < 2**24):
        raise ValueError("a seed has 64 bits and a layer 24")
    return philox4x32((c0, c1, c2, stream << 24 | layer), (seed % 2**32, seed >> 32))


def mask_words(seed, stream, step, layer, examples, units):
    """Section 3. The word of each unit of each example: an array of examples x units."""
    examples = np.asarray(examples, dtype=np.uint64)[:, None]
    units = np.asarray(units, dtype=np.uint64)[None, :]
    counter = 16 * (units // 64) + units % 16
    words = np.stack(draw(seed, stream, layer, counter, examples, step))
    which = np.broadcast_to(units // 16 % 4, words.shape[1:])
    return np.take_along_axis(words, which[None].astype(np.int64), axis=0)[0]


def owners(stream, places, examples, sharing):
    """Section 3. Whose mask the rows at these places of a batch take: c1 of their words."""
    if sharing == "per-example" or stream != STREAMS["dropout"]:
        return np.asarray(examples)
    rows = 2**32 - 1 if sharing == "batch" else int(sharing)
    if not 1 <= rows < 2**32:
        raise ValueError(f"sharing = {sharing}: per-example, batch, or a number of rows from 1 to 2^32 - 1")
    return np.asarray(places) // rows


def threshold(p):
    """Section 4. T = p * 2^32 rounded to the nearest integer, halves up."""
    if not 0.0 <= p <= 1.0:  # false for NaN
        raise ValueError(f"dropout = {p}: a drop probability lies between 0 and 1")
    scaled = p * 2.0**32  # exact
    whole = math.floor(scaled)
    return whole + (scaled - whole >= 0.5)  # the difference is exact too; floor(scaled + 0.5) would not be


def scale(p):
    """Section 4. What a kept value is multiplied by."""
    return np.float32(1.0 / (1.0 - p)) if p < 1.0 else np.float32(0.0)


def mask(seed, stream, step, layer, examples, units, p):
    """Section 4. True where the unit is kept: an array of examples x units."""
    return mask_words(seed, stream, step, layer, examples, units) >= threshold(p)


def dropout(x, kept, p):
    """Section 4. Forward, and with dL/dy for x, backward."""
    x = np.asarray(x, dtype=np.float32)
    if p == 0.0:
        return x.copy()
    with np.errstate(invalid="ignore", over="ignore"):
        return np.where(kept, x * scale(p), np.float32(0.0))


def ln(x):
    """Section 4, kinds. The natural logarithm of positive normal float32, each operation rounded to float32."""
    bits = ((x.view(np.uint32).astype(np.int64) - 0x3F3504F3) % 2**32).astype(np.uint32)
    n = (bits.view(np.int32) >> np.int32(23)).astype(np.float32)
    m = ((bits & np.uint32(0x007FFFFF)) + np.uint32(0x3F3504F3)).view(np.float32) - np.float32(1)
    p = horner(LN, m)
    square = m * m
    return m + (m * square * p - np.float32(0.5) * square) + n * np.float32(0.6931472)


def horner(coefficients, x):
    """The polynomial with these float32 coefficients, highest power first, innermost product first."""
    p = np.float32(coefficients[0])
    for c in coefficients[1:]:
        p = p * x + np.float32(c)
    return p


LN = (0.070376836, -0.1151461, 0.116769984, -0.12420141, 0.14249323, -0.16668057, 0.20000714, -0.24999994, 0.3333333)
NEAR = (59.109375, 159.29114, 50.434273, 3.3871326), (67.18756, 78.75776, 17.89517, 1.0)
FAR = (0.17023821, 1.3067285, 2.7568154, 1.4234372), (0.12021133, 0.73700166, 1.0)


def normal(words):
    """Section 4, kinds. The normal numbers of words."""
    words = np.asarray(words, dtype=np.uint32)
    lower = words < 2**31
    steps = np.where(lower, words, ~words)
    half, unit = np.float32(0.5), np.float32(2.0**-32)
    tail = (steps.astype(np.float32) + half) * unit
    q = ((np.uint32(2**31 - 1) - steps).astype(np.float32) + half) * unit
    r = np.float32(0.180625) - q * q
    near = q * (horner(NEAR[0], r) / horner(NEAR[1], r))
    s = np.sqrt(-ln(tail)) - np.float32(1.6)
    far = horner(FAR[0], s) / horner(FAR[1], s)
    size = np.where(q <= np.float32(0.425), near, far)
    return np.where(lower, -size, size)


SELU_DROPPED = -(1.0507009873554805 * 1.6732632423543772)


def noise(words, x, kind, p):
    """Section 4, kinds. What becomes of the value x under these words, and what dL/dy is multiplied by."""
    if p == 1.0:
        raise ValueError(f"dropout = {p}: {kind} dropout takes a p below 1")
    shape, x = words.shape, np.float32(x)
    threshold(p)  # refuses what is no probability
    if p == 0.0:
        return np.full(shape, x), np.full(shape, np.float32(1))
    if kind == "gaussian":
        factors = np.float32(1) + np.float32(math.sqrt(p / (1.0 - p))) * normal(words)
        return x * factors, factors
    a = 1.0 / math.sqrt((1.0 - p) * (1.0 + p * (SELU_DROPPED * SELU_DROPPED)))
    b = -(a * p * SELU_DROPPED)
    kept = words >= threshold(p)
    zero, dropped = np.float32(0), np.float32(a * SELU_DROPPED + b)
    return np.where(kept, x * np.float32(a) + np.float32(b), dropped), np.where(kept, np.float32(a), zero)


def epoch_order(seed, epoch, examples):
    """Section 5. The ids 0 .. examples-1 in the order of an epoch."""
    words = np.stack(draw(seed, STREAMS["order"], 0, np.arange(examples // 2 + 1), 0, epoch))
    order = list(range(examples))
    for i in range(examples - 1, 0, -1):
        low, high = (int(w) for w in words[2 * (i % 2) :, i // 2][:2])
        partner = (high << 32 | low) * (i + 1) >> 64
        order[i], order[partner] = order[partner], order[i]
    return np.array(order, dtype="<u4")


def initial_weights(seed, layer, init, inputs, outputs):
    """Section 6. The weights of a linear layer, row-major, inputs x outputs, as float32."""
    name, _, size = init.partition(":")
    count = inputs * outputs
    block = np.arange((count + 3) // 4, dtype=np.uint64)
    words = draw(seed, STREAMS["init"], layer, block & LOW, block >> np.uint64(32), 0)
    u = [(w.astype(np.float64) + 0.5) / 2.0**32 for w in words]
    if name in ("normal", "kaiming", "lecun"):
        gains = {"kaiming": 2.0, "lecun": 1.0}
        deviation = math.sqrt(gains[name] / inputs) if name in gains else float(size or 0.01)
        values = []
        for a, b in (u[0:2], u[2:4]):
            radius = np.sqrt(-2.0 * np.log(a))
            angle = 2.0 * math.pi * b
            values += [radius * np.cos(angle) * deviation, radius * np.sin(angle) * deviation]
    else:
        bound = math.sqrt(6.0 / (inputs + outputs)) if name == "xavier" else float(size)
        values = [(2.0 * v - 1.0) * bound for v in u]
    return np.stack(values, axis=1).ravel()[:count].astype(np.float32)


# ---- Known answers ------------------------------------------------------------------------------------------

def answer(question):
    """A question with its answer added. Bits are packed example after example, lowest bit of a byte first."""
    q = dict(question)
    if q["kind"] == "mask":
        units = np.arange(q["first_unit"], q["first_unit"] + q["units"])
        owner = owners(q["stream"], q["places"], q["examples"], q["sharing"]) if "sharing" in q else q["examples"]
        kept = mask(q["seed"], q["stream"], q["step"], q["layer"], owner, units, q["p"])
        packed = np.packbits(kept.ravel(), bitorder="little").tobytes()
        q |= {"threshold": threshold(q["p"]), "scale": f"{scale(q['p']).view(np.uint32):08x}", "kept": int(kept.sum())}
        q |= {"bits": packed.hex()} if kept.size <= 256 else {"sha256": hashlib.sha256(packed).hexdigest()}
    elif q["kind"] == "noise":
        units = np.arange(q["first_unit"], q["first_unit"] + q["units"])
        words = mask_words(q["seed"], q["stream"], q["step"], q["layer"], q["examples"], units)
        for name, numbers in zip(("values", "slopes"), noise(words, q["x"], q["noise"], q["p"])):
            numbers = numbers.astype("<f4")
            short = " ".join(f"{w:08x}" for w in numbers.ravel().view("<u4"))
            q[name] = short if numbers.size <= 16 else hashlib.sha256(numbers.tobytes()).hexdigest()
    elif q["kind"] == "order":
        order = epoch_order(q["seed"], q["epoch"], q["examples"])
        q |= {"first": order[:8].tolist(), "sha256": hashlib.sha256(order.tobytes()).hexdigest()}
    else:
        weights = initial_weights(q["seed"], q["layer"], q["init"], q["inputs"], q["outputs"])
        q["weights"] = " ".join(f"{w:08x}" for w in weights.view(np.uint32))
    return q


def mask_question(p, units, examples=(0, 1, 2, 255, 59_999), seed=1, stream=2, step=0, layer=1, first_unit=0):
    examples = list(examples)
    return {"kind": "mask", "seed": seed, "stream": stream, "step": step, "layer": layer, "examples": examples,
            "first_unit": first_unit, "units": units, "p": p}


def questions():
    """What the committed fixture asks."""
    seeds = 0, 1, 2**32 - 1, 2**32, 0x9E3779B97F4A7C15, 2**64 - 1
    tiny, nearly = 2.0**-30, 1.0 - 2.0**-20
    for units in (1, 15, 16, 17, 63, 64, 65, 256, 784, 1000):
        for p in (0.2, 0.5, 0.9):
            yield mask_question(p, units)
    for seed in seeds:
        for step in (0, 1, 65_536, 2**32 - 1):
            yield mask_question(0.5, 65, seed=seed, step=step, examples=(0, 2**32 - 1))
    for layer in (0, 1, 2, 255, 256, 65_536, 2**24 - 1):
        for stream in (2, 3):
            yield mask_question(0.2, 130, layer=layer, stream=stream, step=7, seed=2**40 + 3)
    # Passes of sampled predictions: the sample takes the place of the step.
    for sample in (0, 1, 99, 2**32 - 1):
        for layer, units, p in ((0, 784, 0.1), (1, 256, 0.2), (2, 256, 0.5)):
            yield mask_question(p, units, stream=3, step=sample, layer=layer, examples=(0, 1, 9_999))
    # Masks of weights: inputs in the place of examples.
    for stream in (4, 6):
        for layer, p in ((0, 0.5), (1, 0.2), (2, 0.9)):
            yield mask_question(p, 130, stream=stream, step=7, layer=layer, examples=(0, 1, 2, 63, 64, 4095))
    for p in (0.0, 2.0**-34, 2.0**-33, tiny, 0.01, 0.1, 1 / 3, 0.999, nearly, 1.0 - 2.0**-33, 1.0 - 2.0**-53, 1.0):
        yield mask_question(p, 1000, step=3, seed=9, examples=range(64))
    for first in (64, 999, 2**31, 2**32 - 200):
        yield mask_question(0.5, 200, first_unit=first, examples=(2**31, 2**32 - 2))
    # The word of a unit as its own threshold: p just so that it is kept, dropped, rounded up and rounded down.
    for unit in range(64):
        word = int(mask_words(1, 2, 5, 1, [3], [unit])[0, 0])
        if word % 2 == 0 and word < 2**31 and unit % 3 == 0:
            for p in (word / 2**32, (word + 1) / 2**32, (word + 0.5) / 2**32, (word + 0.5 - 2.0**-20) / 2**32):
                yield mask_question(p, 1, step=5, examples=(3,), first_unit=unit)
    # Shared masks: whole and broken groups, groups of one, a whole batch; nothing is shared by sampled predictions.
    places = (0, 1, 2, 3, 15, 16, 17, 63, 64, 255, 2**32 - 2)
    for stream in (2, 3):
        for sharing in (1, 2, 3, 16, 64, 2**32 - 1, "batch", "per-example"):
            examples = [(7 * place + 5) % 60_000 for place in places]
            yield mask_question(0.5, 70, stream=stream, step=6, examples=examples) | {"places": list(places), "sharing": sharing}
    # Other kinds of noise: short ones to read, long ones that meet rare words, and both ends of p.
    for kind in KINDS[1:]:
        for p, units, x in ((0.5, 16, 1.0), (0.2, 16, -1.5), (0.0, 3, 2.0), (0.1, 65, 0.75), (2.0**-40, 100, 1.0), (1.0 - 2.0**-30, 100, 0.5)):
            yield mask_question(p, units, examples=(59_999,), step=41, seed=2**33 + 1) | {"kind": "noise", "noise": kind, "x": x}
        for stream in (2, 3):
            yield mask_question(0.5, 1000, examples=range(512), stream=stream) | {"kind": "noise", "noise": kind, "x": 1.0}
    for seed, epoch, examples in ((0, 0, 8), (1, 0, 0), (1, 0, 1), (1, 2, 2), (1, 3, 3), (7, 2**32 - 1, 1001),
                                  (2**40, 9, 1797)):
        yield {"kind": "order", "seed": seed, "epoch": epoch, "examples": examples}
    for init in ("normal:0.01", "normal:1.5", "kaiming", "lecun", "xavier", "uniform:0.25"):
        for seed, layer, inputs, outputs in ((1, 0, 1, 1), (1, 0, 3, 5), (2**33, 2, 7, 9)):
            yield {"kind": "init", "seed": seed, "layer": layer, "init": init, "inputs": inputs, "outputs": outputs}


def to_json(answers):
    rows = ",\n".join(json.dumps(a) for a in answers)
    return f'{{"version": {VERSION}, "answers": [\n{rows}\n]}}\n'


def ulps(a, b):
    """The greatest distance between two texts of float32 bits; values of either sign of zero are 0 apart."""
    a, b = (np.array([int(w, 16) for w in text.split()], dtype=np.int64) for text in (a, b))
    a, b = (np.where(v >= 2**31, 2**31 - v, v) for v in (a, b))
    return int(np.abs(a - b).max(initial=0))


def check(path):
    """Compares everything with the known answers; returns the number of answers that differ."""
    random123 = [
        ((0,) * 4, (0,) * 2, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ((2**32 - 1,) * 4, (2**32 - 1,) * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        ((0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0),
         "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ]
    wrong = 0
    for counter, key, expected in random123:
        seen = " ".join(f"{int(w):08x}" for w in philox4x32(counter, key))
        if seen != expected:
            wrong += 1
            print(f"philox4x32({counter}, {key}) is {seen}, not {expected}")
    known = json.loads(path.read_text())
    if known["version"] != VERSION:
        sys.exit(f"{path} has version {known['version']}; this script has version {VERSION}")
    for expected in known["answers"]:
        seen = answer(expected)
        if seen["kind"] == "init" and ulps(seen["weights"], expected["weights"]) <= 1:
            continue
        if seen != expected:
            wrong += 1
            print(f"differs:\n  known {json.dumps(expected)}\n  here  {json.dumps(seen)}")
    print(f"{len(random123) + len(known['answers'])} known answers, {wrong} differ")
    return wrong


# ---- Command line -----------------------------------------------------------------------------------------

def mask_table(a):
    """One row of a mask as the page's worked examples show it."""
    units = range(a.first_unit, a.first_unit + a.units)
    stream = STREAMS[a.stream]
    owner = int(owners(stream, [a.place], [a.example], a.sharing)[0])
    taken = mask_words(a.seed, stream, a.step, a.layer, [owner], units)[0]
    if a.kind != "bernoulli":
        yield f"{a.kind}, seed {a.seed}, {a.stream}, step {a.step}, layer {a.layer}, example {a.example}, p {a.p}"
        for unit, word, y, slope in zip(units, taken, *noise(taken, 1.0, a.kind, a.p)):
            yield f"unit {unit:>3}: word {word:>10}, normal {normal(word)!s}, 1 -> {y!s}, slope {slope!s}"
        return
    kept = taken >= threshold(a.p)
    y = dropout(np.ones(a.units), kept, a.p)
    shared = "" if a.sharing == "per-example" else f", place {a.place}, sharing {a.sharing}"
    yield f"seed {a.seed}, {a.stream}, step {a.step}, layer {a.layer}, example {a.example}{shared}, p {a.p}"
    yield f"key {a.seed % 2**32:08x} {a.seed >> 32:08x}, threshold {threshold(a.p)}, scale {scale(a.p)!s}"
    for unit, word, keep, out in zip(units, taken, kept, y):
        c0 = 16 * (unit // 64) + unit % 16
        counter = c0, owner, a.step, stream << 24 | a.layer
        words = draw(a.seed, stream, a.layer, *counter[:3])
        yield (f"unit {unit:>3}: " + " ".join(f"{c:08x}" for c in counter) + " -> "
               + " ".join(f"{int(w):08x}" for w in words)
               + f", word {unit // 16 % 4} = {word:>10}, {'kept' if keep else 'dropped'}, 1 -> {out!s}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", nargs="?", type=Path, const=FIXTURE, metavar="FILE")
    commands = parser.add_subparsers(dest="command")
    one = commands.add_parser("mask")
    one.add_argument("--stream", choices=["dropout", "monte-carlo", "drop-connect", "drop-connect-monte-carlo"], default="dropout")
    one.add_argument("--kind", choices=KINDS, default="bernoulli")
    one.add_argument("--p", type=float, required=True)
    one.add_argument("--sharing", default="per-example", metavar="N|batch")
    for name, default in (("seed", 0), ("step", 0), ("layer", 1), ("example", 0), ("place", 0), ("first-unit", 0), ("units", 8)):
        one.add_argument(f"--{name}", type=int, default=default)
    order = commands.add_parser("order")
    for name, default in (("seed", 0), ("epoch", 0), ("examples", 8)):
        order.add_argument(f"--{name}", type=int, default=default)
    init = commands.add_parser("init")
    init.add_argument("--init", default="normal:0.01")
    for name, default in (("seed", 0), ("layer", 0), ("inputs", 1), ("outputs", 4)):
        init.add_argument(f"--{name}", type=int, default=default)
    commands.add_parser("fixture")
    commands.add_parser("answer")
    a = parser.parse_args()
    try:
        run(parser, a)
    except ValueError as e:
        parser.error(str(e))


def run(parser, a):
    if a.check:
        sys.exit(check(a.check) > 0)
    elif a.command == "mask":
        print("\n".join(mask_table(a)))
    elif a.command == "order":
        print(*epoch_order(a.seed, a.epoch, a.examples))
    elif a.command == "init":
        print(*initial_weights(a.seed, a.layer, a.init, a.inputs, a.outputs))
    elif a.command == "fixture":
        print(to_json(map(answer, questions())), end="")
    elif a.command == "answer":
        print(to_json(map(answer, json.load(sys.stdin))), end="")
    else:
        parser.error("say what to do: --check, mask, order, init, fixture or answer")


if __name__ == "__main__":
    main()
