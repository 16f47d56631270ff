"""Mutations: of bytes, of text and its cells, of names, of plain data."""

import json
import re
from typing import Any

import numpy as np

from benchmarks.fuzz.seeds import Tree

Rng = np.random.Generator

WORDS = (
    "",
    " ",
    "nan",
    "NaN",
    "inf",
    "-inf",
    "1e999",
    "-0",
    "0x10",
    "1_000",
    "1,5",
    "9" * 400,
    "true",
    "null",
    "None",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "=cmd()",
    '=HYPERLINK("http://x","y")',
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "a\nb",
    "a\r\nb",
    '"',
    "'",
    '"a""b"',
    "\\",
    "\x00",
    "\x1b[31m",
    "\u202eevil\u202c",
    "שלום",
    "مرحبا",
    "🦄🏳️‍🌈",
    "e\u0301" * 50,
    "\ufeff",
    "\ud7ff",
    "../../etc/passwd",
    "/etc/passwd",
    "C:\\Windows",
    "~root",
    "{{7*7}}",
    "${HOME}",
    "%s%n",
    "$x^2$",
    "__import__('os')",
    "a" * 5000,
    "+",
    "-",
    "--help",
    "[1,2",
    "{}",
    "[]",
    "1e-320",
    "2147483648",
    "18446744073709551616",
    "label_a",
)
_CELL = re.compile(rb"[,;\t|:=\n\[\]{} ]")
NUMBERS: tuple[Any, ...] = (
    0,
    -1,
    1,
    2**31,
    2**63,
    -(2**63),
    10**30,
    0.5,
    -0.0,
    1e308,
    float("nan"),
)


def word(rng: Rng) -> str:
    """A nasty word."""
    return WORDS[int(rng.integers(len(WORDS)))]


def mutate_bytes(data: bytes, rng: Rng) -> bytes:
    """One to four changes: bits, cuts, repeats, zeros, words in place of cells."""
    out = bytearray(data)
    for _ in range(int(rng.integers(1, 5))):
        way = int(rng.integers(9))
        if not out:
            out += word(rng).encode("utf-8", "surrogatepass")
            continue
        at = int(rng.integers(len(out)))
        length = int(min(len(out) - at, 2 ** rng.integers(0, 10)))
        if way == 0:
            out[at] ^= 1 << int(rng.integers(8))
        elif way == 1:
            out[at : at + length] = rng.bytes(length)
        elif way == 2:
            del out[at : at + length]
        elif way == 3:
            out[at:at] = out[at : at + length] * int(rng.integers(1, 20))
        elif way == 4:
            del out[at:]
        elif way == 5:
            out[at : at + length] = bytes(length)
        elif way == 6:
            other = int(rng.integers(len(out)))
            out[at : at + length] = out[other : other + length]
        else:
            _put_word(out, rng)
    return bytes(out[:4_000_000])


def _put_word(out: bytearray, rng: Rng) -> None:
    """Replace one cell of a text by a nasty word."""
    edges = [m.start() for m in _CELL.finditer(out)]
    if len(edges) < 2:
        out += word(rng).encode("utf-8", "surrogatepass")
        return
    i = int(rng.integers(len(edges) - 1))
    out[edges[i] + 1 : edges[i + 1]] = word(rng).encode("utf-8", "surrogatepass")


def mutate_tree(tree: Tree, rng: Rng) -> Tree:
    """Change one or two files; now and then rename, drop, double or empty one."""
    found = dict(tree)
    for _ in range(int(rng.integers(1, 3))):
        name = list(found)[int(rng.integers(len(found)))]
        way = int(rng.integers(12))
        if way == 0 and len(found) > 1:
            del found[name]
        elif way == 1:
            found[_safe(word(rng)) + name.replace("/", "_")] = found.pop(name)
        elif way == 2:
            found[name] = b""
        elif way == 3:
            found["copy of " + name.replace("/", "_")] = found[name]
        elif way == 4:
            other = list(found)[int(rng.integers(len(found)))]
            found[name] = found[other]
        else:
            found[name] = mutate_bytes(found[name], rng)
    return found


def _safe(text: str) -> str:
    """A word that a file system takes as part of a name."""
    kept = "".join(c for c in text if c not in "/\0").encode("utf-8", "ignore")[:100]
    return kept.decode("utf-8", "ignore").lstrip(".")


def mutate_plain(value: Any, rng: Rng, depth: int = 0) -> Any:
    """Change something in nested plain data: a value, a type, a key, a length."""
    if isinstance(value, dict) and value and rng.random() < 0.85:
        key = list(value)[int(rng.integers(len(value)))]
        way = int(rng.integers(8))
        if way == 0:
            return {k: v for k, v in value.items() if k != key}
        if way == 1:
            return {**value, word(rng): _leaf(rng)}
        return {**value, key: mutate_plain(value[key], rng, depth + 1)}
    if isinstance(value, list) and value and rng.random() < 0.8:
        at, way = int(rng.integers(len(value))), int(rng.integers(6))
        if way == 0:
            return value[:at]
        if way == 1:
            return [*value, *value]
        return [*value[:at], mutate_plain(value[at], rng, depth + 1), *value[at + 1 :]]
    return _leaf(rng)


def _leaf(rng: Rng) -> Any:
    way = int(rng.integers(8))
    if way < 3:
        return word(rng)
    if way < 5:
        return NUMBERS[int(rng.integers(len(NUMBERS)))]
    return [None, True, [], {}, [word(rng)], {word(rng): 1}, [[[]]]][int(rng.integers(7))]


def as_json(value: Any) -> bytes:
    """Plain data as JSON bytes, NaN and lone surrogates included."""
    return json.dumps(value, default=str).encode("utf-8", "surrogatepass")
