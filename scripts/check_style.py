#!/usr/bin/env python3
"""Checks what the house rules say and a machine can count.

    python3 scripts/check_style.py

Rust lines have at most 120 columns, comment lines 100 (code in documentation counts as code).
A function has at most 80 lines.
Files of a crate import each other in one direction: there is no circle. (What a folder's own file
holds is for the files in it to use.)
A public type's name is given once in the workspace (`Error` and `Result`, one a crate, apart).
A sentence of a page has at most 40 words.
README.md has at most 600 words.
The engine depends on at most 45 packages, directly or not.
What is neither code nor a page (results, pictures, fixtures, locks) takes less than 2 MB.
"""

import re
import subprocess
import sys
from pathlib import Path

LINE, COMMENT, FUNCTION, SENTENCE, WORDS, PACKAGES, MEGABYTES = 120, 100, 80, 40, 600, 45, 2
FN = re.compile(r'^(\s*)(?:pub(?:\([^)]*\))? )?(?:const |async |unsafe |extern "C" )*fn (\w+)')
USE = re.compile(r'^[ \t]*(pub(?:\([^)]*\))? )?use ([^;]+);', re.M)
INLINE = re.compile(r'\b(?:crate|super)(?:::\w+)+')


def tracked(*patterns):
    out = subprocess.run(["git", "ls-files", "-z", *patterns], check=True, capture_output=True).stdout
    return [Path(name) for name in out.decode().split("\0") if name and Path(name).exists()]


def columns(path, lines):
    fence = False
    for number, line in enumerate(lines, 1):
        comment = line.lstrip().startswith("//")
        fence = comment and fence != bool(re.match(r"\s*//[/!] ?\s*```", line))
        limit = COMMENT if comment and not fence else LINE
        if len(line) > limit:
            yield f"{path}:{number}: {len(line)} columns, {limit} are the most"


def sentences(path):
    """Of a page's text: tables and code are none."""
    fence = False
    for number, line in enumerate(path.read_text().split("\n"), 1):
        fence ^= line.lstrip().startswith("```")
        if fence or line.lstrip().startswith(("|", "```")):
            continue
        for sentence in re.split(r"(?<=[.!?])\s+", re.sub(r"\]\([^)]*\)", "]", line)):
            words = sum(1 for word in sentence.split() if re.search(r"\w", word))
            if words > SENTENCE:
                yield f"{path}:{number}: a sentence of {words} words, {SENTENCE} are the most"


def functions(path, lines):
    """rustfmt closes a function at its own indentation."""
    for start, line in enumerate(lines):
        found = FN.match(line)
        if not found or line.rstrip().endswith(("}", ";")):
            continue
        for end in range(start + 1, len(lines)):
            if lines[end].startswith(found[1] + "}"):
                break
            if lines[end].startswith(found[1]) and lines[end].rstrip().endswith(";") and not lines[end][len(found[1])].isspace():
                break
        if end - start + 1 > FUNCTION:
            yield f"{path}:{start + 1}: {found[2]} has {end - start + 1} lines, {FUNCTION} are the most"


def without_tests(text):
    text = re.split(r"^\s*#\[cfg\(test\)\]\s*\n\s*mod \w+ \{", text, maxsplit=1, flags=re.M)[0]
    return re.sub(r"^\s*//.*$", "", text, flags=re.M)


def expand(tree):
    """`a::{b, c::{d, e}}` as `a::b`, `a::c::d`, `a::c::e`.

    >>> expand("a::{b, c::{d, e as f}}")
    ['a::b', 'a::c::d', 'a::c::e']
    """
    tree = tree.strip()
    if "{" not in tree:
        return [tree.split(" as ")[0].strip()] if tree else []
    before, inner = tree.split("{", 1)
    inner, parts, depth, start = inner[: inner.rindex("}")], [], 0, 0
    for at, char in enumerate(inner + ","):
        depth += {"{": 1, "}": -1}.get(char, 0)
        if char == "," and depth == 0:
            parts.append(inner[start:at])
            start = at + 1
    return [before.strip() + path for part in parts for path in expand(part)]


class Crate:
    """The modules of a crate: the file of each, and whose child a re-exported name is of."""

    def __init__(self, src):
        self.text, self.file, self.exports = {}, {}, {}
        for path in tracked(f"{src}/*.rs"):
            parts = list(path.relative_to(src).with_suffix("").parts)
            if "tests" in parts or "tests.rs" in path.name:
                continue
            if parts[-1] in ("mod", "lib", "main"):
                parts.pop()
            module = tuple(parts)
            self.file[module], self.text[module] = path, without_tests(path.read_text())
        for module, text in self.text.items():
            for public, tree in USE.findall(text):
                for name in expand(tree) if public else []:
                    head, *rest = name.removeprefix("self::").split("::")
                    if module + (head,) in self.file and rest:
                        self.exports.setdefault(module, {})[rest[-1]] = module + (head,), rest

    def target(self, module, names):
        """The module that has the item `names`, seen from `module`."""
        while names and module + (names[0],) in self.file:
            module, names = module + (names[0],), names[1:]
        if names and names[0] in self.exports.get(module, {}):
            child, rest = self.exports[module][names[0]]
            return self.target(child, rest)
        return module

    def uses(self, module):
        text = self.text[module]
        paths = [path for public, tree in USE.findall(text) for path in expand(tree)
                 if not (public and module + (path.removeprefix("self::").split("::")[0],) in self.file)]
        for path in paths + INLINE.findall(USE.sub("", text)):
            names, base = path.split("::"), module
            if names[0] == "crate":
                base, names = (), names[1:]
            elif names[0] in ("super", "self"):
                while names and names[0] in ("super", "self"):
                    base, names = base[:-1] if names[0] == "super" else base, names[1:]
            elif module + (names[0],) not in self.file:
                continue
            found = self.target(base, names)
            # A folder's own file is the room that its modules share: they may use what stands there.
            if found in self.file and found != module[: len(found)]:
                yield found

    def circles(self):
        edges = {module: set(self.uses(module)) for module in self.file}
        done, path = set(), []

        def visit(module):
            if module in path:
                yield [self.file[m] for m in path[path.index(module):]]
            elif module not in done:
                path.append(module)
                for other in sorted(edges[module]):
                    yield from visit(other)
                path.pop()
                done.add(module)

        for module in sorted(edges):
            yield from visit(module)


def names_given_twice():
    places = {}
    for path in tracked("crates/*/src/*.rs"):
        for name in re.findall(r"^\s*pub (?:struct|enum|trait|type) (\w+)", without_tests(path.read_text()), re.M):
            places.setdefault(name, []).append(str(path))
    for name, paths in sorted(places.items()):
        if len(paths) > 1 and name not in ("Error", "Result"):
            yield f"{name} is a public name of {len(paths)} types: " + ", ".join(paths)


def main():
    wrong = [*names_given_twice()]
    for path in tracked("*.rs"):
        lines = path.read_text().split("\n")
        wrong += [*columns(path, lines), *functions(path, lines)]
    for path in tracked("*.md"):
        if "results" not in path.parts:
            wrong += sentences(path)
    for src in sorted(Path("crates").glob("*/src")):
        for circle in Crate(src).circles():
            wrong.append("a circle of imports: " + " -> ".join(str(path) for path in circle))
    words = len(Path("README.md").read_text().split())
    if words > WORDS:
        wrong.append(f"README.md: {words} words, {WORDS} are the most")
    tree = ["cargo", "tree", "--locked", "-p", "furlough", "-e", "normal", "--prefix", "none"]
    tree = subprocess.run(tree, check=True, capture_output=True, text=True).stdout
    packages = len({line.split()[0] for line in tree.splitlines() if line} - {"furlough"})
    if packages > PACKAGES:
        wrong.append(f"crates/furlough: {packages} packages in its tree, {PACKAGES} are the most")
    written = {".rs", ".md", ".py", ".sh", ".toml", ".css", ".ts", ".js", ".snap"}
    size = sum(path.stat().st_size for path in tracked() if path.suffix not in written) / 1e6
    if size >= MEGABYTES:
        wrong.append(f"results, pictures, fixtures and locks take {size:.1f} MB, {MEGABYTES} are too many")
    print("\n".join(wrong) or f"README.md {words} words, the engine's tree {packages} packages, {size:.1f} MB of data tracked, no circles")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
