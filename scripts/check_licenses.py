#!/usr/bin/env python3
"""Checks every dependency's license and source against deny.toml. Needs Python 3.9 and cargo, nothing else.

    scripts/check_licenses.py              check; the exit code is 1 if something is not allowed
    scripts/check_licenses.py --list       the same, and each crate with its license
    python3 -m doctest scripts/check_licenses.py

It asks what `cargo deny check licenses bans sources` asks, of the same list, without the minutes that building
cargo-deny takes. Dependencies of tests and of every platform are included.

Each direct dependency must have its line in docs/reference/dependencies.md, which says why it is used, and each line its dependency.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REGISTRY = "registry+https://github.com/rust-lang/crates.io-index"


def strings(toml, table, key):
    """The strings of the array `key` in `[table]`. Python has had a TOML reader since 3.11 only; this is enough
    for deny.toml, whose arrays hold plain strings. What is not there is an error.

    >>> strings('[a]\\nx = ["no"]\\n[b]\\nx = [ # "not this"\\n  "yes", "too", # why\\n]', "b", "x")
    ['yes', 'too']
    """
    toml = re.sub(r'("[^"\n]*")|#[^\n]*', r"\1", toml)
    body = re.search(rf"^\[{re.escape(table)}\]$(.*?)(?=^\[|\Z)", re.sub(r"[ \t]+$", "", toml, flags=re.M), re.M | re.S)
    array = body and re.search(rf'^{re.escape(key)}\s*=\s*\[((?:\s|,|"[^"\n]*")*)\]', body[1], re.M)
    if not array:
        raise SystemExit(f"deny.toml: [{table}] has no array of plain strings named {key}")
    return re.findall(r'"([^"\n]*)"', array[1])


def acceptable(expression, allowed):
    """Whether somebody who accepts the licenses in `allowed` may use what is under this SPDX expression. WITH binds
    before AND, AND before OR. A license with an exception is a license of its own. `/` is OR, as crates once wrote.

    >>> some = {"MIT", "ISC", "Apache-2.0 WITH LLVM-exception"}
    >>> [acceptable(text, some) for text in ("MIT", "GPL-3.0", "GPL-3.0 OR MIT", "GPL-3.0/MIT", "GPL-3.0 AND MIT")]
    [True, False, True, True, False]
    >>> [acceptable(text, some) for text in ("MIT OR ISC AND GPL-3.0", "(MIT OR ISC) AND GPL-3.0", "(X OR MIT) AND ISC")]
    [True, False, True]
    >>> [acceptable(text, some) for text in ("Apache-2.0", "Apache-2.0 WITH LLVM-exception", "MIT WITH LLVM-exception")]
    [False, True, False]
    >>> acceptable("MIT OR", some)
    Traceback (most recent call last):
    ValueError: 'MIT OR' is not a license expression
    """
    tokens = re.findall(r"[()/]|[^\s()/]+", expression)[::-1]
    malformed = ValueError(f"{expression!r} is not a license expression")

    def either():
        result = both()
        while tokens and tokens[-1] in ("OR", "/"):
            tokens.pop()
            result = both() or result
        return result

    def both():
        result = one()
        while tokens and tokens[-1] == "AND":
            tokens.pop()
            result = one() and result
        return result

    def one():
        if tokens and tokens[-1] == "(":
            tokens.pop()
            result = either()
            if not tokens or tokens.pop() != ")":
                raise malformed
            return result
        license = name()
        if tokens and tokens[-1] == "WITH":
            tokens.pop()
            license = f"{license} WITH {name()}"
        return license in allowed

    def name():
        if not tokens or not re.fullmatch(r"[A-Za-z0-9.:+-]+", tokens[-1]) or tokens[-1] in ("OR", "AND", "WITH"):
            raise malformed
        return tokens.pop()

    result = either()
    if tokens:
        raise malformed
    return result


def faults(package, allowed, banned):
    """What is wrong with a package of `cargo metadata`, in words.

    >>> crate = {"name": "a", "source": REGISTRY, "license": "MIT", "dependencies": []}
    >>> [list(faults({**crate, **other}, {"MIT"}, {"b"})) for other in ({}, {"name": "b"}, {"license": None})]
    [[], ['is banned'], ['names no license']]
    >>> list(faults({**crate, "source": "git+https://example.org/a"}, {"MIT"}, set()))
    ['comes from git+https://example.org/a, not from crates.io']
    >>> list(faults({**crate, "source": None, "dependencies": [{"name": "c", "req": "*", "source": REGISTRY}]}, {"MIT"}, set()))
    ['takes any version of c']
    """
    if package["name"] in banned:
        yield "is banned"
    if package["source"] not in (None, REGISTRY):
        yield f"comes from {package['source']}, not from crates.io"
    if not package["license"]:
        yield "names no license"
    else:
        try:
            if not acceptable(package["license"], allowed):
                yield f"is under {package['license']}, which deny.toml does not allow"
        except ValueError as error:
            yield str(error)
    if package["source"] is None:
        for dependency in package["dependencies"]:
            if dependency["req"] == "*" and dependency["source"]:
                yield f"takes any version of {dependency['name']}"


def reasons(page):
    """The names in the first column of the page's tables.

    >>> sorted(reasons("| crate | why |\\n|---|---|\\n| `a` | it is fast |\\n| `b-c` | |\\ntext `d`"))
    ['a', 'b-c']
    """
    return set(re.findall(r"^\| `([^`]+)` \|", page, re.M))


def unexplained(packages, page):
    """What the page of dependencies lacks, and what it names in vain.

    >>> ours = {"name": "z", "source": None, "dependencies": [{"name": "a", "source": REGISTRY}, {"name": "y", "source": None}]}
    >>> list(unexplained([ours], "| `b` | why |"))
    ['a has no reason in docs/reference/dependencies.md', 'b is no dependency, but docs/reference/dependencies.md names it']
    """
    used = {one["name"] for package in packages if package["source"] is None for one in package["dependencies"] if one["source"]}
    yield from (f"{name} has no reason in docs/reference/dependencies.md" for name in sorted(used - reasons(page)))
    yield from (f"{name} is no dependency, but docs/reference/dependencies.md names it" for name in sorted(reasons(page) - used))


def main():
    toml = (ROOT / "deny.toml").read_text(encoding="utf-8")
    allowed, banned = set(strings(toml, "licenses", "allow")), set(strings(toml, "bans", "deny"))
    command = ["cargo", "metadata", "--format-version", "1", "--all-features", "--locked"]
    metadata = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=False)
    if metadata.returncode:
        return f"{' '.join(command)} failed"
    packages = json.loads(metadata.stdout)["packages"]
    found = 0
    for package in packages:
        if "--list" in sys.argv[1:]:
            print(f"{package['name']} {package['version']}: {package['license']}")
        for fault in faults(package, allowed, banned):
            print(f"{package['name']} {package['version']} {fault}", file=sys.stderr)
            found += 1
    for fault in unexplained(packages, (ROOT / "docs/reference/dependencies.md").read_text(encoding="utf-8")):
        print(fault, file=sys.stderr)
        found += 1
    if found:
        return f"{found} faults in {len(packages)} packages"
    print(f"{len(packages)} packages: licenses, bans, sources and reasons are as they should be")
    return 0


if __name__ == "__main__":
    sys.exit(main())
