"""Smaller SVGs: draw.py writes them, and needs nothing but this file beside it."""

import re


def slim(svg):
    """The same picture in fewer bytes: no metadata, no names, no spaces between tags, two decimals.

    >>> slim('<svg>\\n <g id="a">\\n  <path d="M 1.23456 2 \\nL 3 4\\n" style="fill: #fff; opacity: 1"/>\\n </g>\\n</svg>')
    '<svg><g><path d="M 1.23 2 L 3 4" style="fill:#fff;opacity:1"/></g></svg>\\n'
    """
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->|<!DOCTYPE.*?>|<\?xml.*?\?>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(<g) id="[^"]*"|( transform="rotate\(-0 [^"]*\)")', r"\1", svg)
    svg = re.sub(r'style="[^"]*"', lambda style: re.sub(r"([:;,]) ", r"\1", style[0]), svg)
    svg = re.sub(r"<[^>]*>", lambda tag: re.sub(r"\d+\.\d{3,}", two_decimals, tag[0]), svg)
    svg = re.sub(r">\s+<", "><", re.sub(r'\s+(")', r"\1", svg))
    return re.sub(r"\s+", " ", svg).strip() + "\n"


def two_decimals(number):
    return f"{float(number[0]):.2f}".rstrip("0").rstrip(".")
