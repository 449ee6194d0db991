"""Damages files the way that accidents and attackers do: bits, chunks, numbers, tokens, elements, values of JSON."""

import copy
import json
import random
import re
import struct
from collections.abc import Callable, Sequence
from typing import Any

MAX_BYTES = 1 << 18
"""Inputs are kept small: what a reader makes of a few bytes is what it has to keep within its limits."""

NUMBERS: tuple[str, ...] = (
    "0", "-0", "-1", "1", "2", "255", "256", "65535", "65536", "2147483647", "2147483648", "-2147483648", "4294967295",
    "4294967296", "9223372036854775807", "9223372036854775808", "99999999999999999999999", "1e308", "-1e308", "1e309",
    "1e-400", "3.5e38", "nan", "inf", "-inf", "Infinity", "NaN", "0x10", "1_000", "00012", "1.5", "-0.0", ".5", "5.",
    "1e", "1e5", "1e9", "1000000", "1000000000", "\u0661\u0662", "+7", "1,5", "", "9" * 5000, "1" * 400 + "e-400",
)  # fmt: skip
_NUMBER = re.compile(rb"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_WORD = re.compile(rb"[\w.:-]+")
TEXTS = (
    b"\0", b"\xef\xbb\xbf", b"\xff\xfe", b"\r", b"\r\n", b"\n\n", b"\t", b"\xe2\x80\xa8", b"\xe2\x80\xae", b"\x1b[31m",
    b"\xed\xa0\x80", b"\xff", b"\xc2\xa0", b"\xcc\x81", b"\\u0000", b"../", b"/etc/passwd", b"/dev/zero", b"|", b"\"",
    b"'", b"`id`", b"$(id)", b"%s%n", b":9", b"a" * 300, b"\xf0\x9f\x91\xa9\xe2\x80\x8d",
)  # fmt: skip
_FLOATS = (float("nan"), float("inf"), float("-inf"), 3.4e38, -3.4e38, 1e-45, 0.0, -0.0)

Operation = Callable[[random.Random, bytes, Sequence[bytes]], bytes]


def span(rng: random.Random, data: bytes) -> tuple[int, int]:
    """Returns a stretch of data, mostly a short one."""
    start = rng.randrange(len(data) + 1)
    longest = rng.choice((1, 2, 4, 16, 64, len(data)))
    return start, min(len(data), start + rng.randint(0, max(1, longest)))


# --- bytes ------------------------------------------------------------------------------------------------


def flip_bits(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8))):
        if changed:
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def set_byte(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    if not data:
        return b"\0"
    place = rng.randrange(len(data))
    return data[:place] + bytes([rng.choice((0, 1, 127, 128, 255, rng.randrange(256)))]) + data[place + 1 :]


def set_integer(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Puts an extreme number over 2, 4 or 8 bytes, mostly near the beginning, where headers stand."""
    size = rng.choice((2, 4, 4, 8))
    if len(data) < size:
        return data
    reach = len(data) - size + 1
    place = rng.randrange(min(reach, rng.choice((64, 256, reach))))
    high = 1 << (8 * size)
    value = rng.choice(
        (0, 1, high - 1, high // 2, high // 2 - 1, high // 256, rng.randrange(high), rng.randrange(300))
    )
    return data[:place] + value.to_bytes(size, rng.choice(("little", "big"))) + data[place + size :]


def set_float(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    form = rng.choice(("<f", ">f", "<d", ">d"))
    size = struct.calcsize(form)
    if len(data) < size:
        return data
    place = rng.randrange(len(data) - size + 1)
    return data[:place] + struct.pack(form, rng.choice(_FLOATS)) + data[place + size :]


def delete(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    start, end = span(rng, data)
    return data[:start] + data[end:]


def duplicate(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    start, end = span(rng, data)
    times = rng.choice((1, 1, 2, 10, 1000))
    return data[:end] + data[start:end] * min(times, MAX_BYTES // max(1, end - start)) + data[end:]


def truncate(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def insert(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    place = rng.randrange(len(data) + 1)
    return data[:place] + rng.randbytes(rng.choice((1, 2, 4, 16, 256))) + data[place:]


def splice(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Joins the beginning of one file to the end of another, or puts a piece of another into it."""
    other = rng.choice(others)
    place = rng.randrange(len(data) + 1)
    if rng.random() < 0.5:
        return data[:place] + other[rng.randrange(len(other) + 1) :]
    start, end = span(rng, other)
    return data[:place] + other[start:end] + data[place:]


def overwrite(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    start, end = span(rng, data)
    fill = rng.choice((b"\0", b"\xff", b" ", rng.randbytes(1)))
    return data[:start] + fill * (end - start) + data[end:]


BYTES: tuple[Operation, ...] = (
    flip_bits, set_byte, set_integer, set_integer, set_float, delete, duplicate, truncate, insert, splice, overwrite,
)  # fmt: skip


# --- text -------------------------------------------------------------------------------------------------


def replace_number(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    return _replace(rng, data, _NUMBER, rng.choice(NUMBERS).encode())


def replace_word(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    words = _WORD.findall(rng.choice((data, rng.choice(others))))
    return _replace(rng, data, _WORD, rng.choice(words) if words else b"")


def insert_text(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    place = rng.randrange(len(data) + 1)
    return data[:place] + rng.choice(TEXTS) * rng.choice((1, 1, 1, 3)) + data[place:]


def insert_blanks(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Long runs of blanks are what regular expressions choke on."""
    place = rng.randrange(len(data) + 1)
    return (
        data[:place]
        + rng.choice((b" ", b"\t", b" \n", b",", b"(")) * rng.choice((3, 100, 20_000))
        + data[place:]
    )


def change_lines(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    lines = data.split(b"\n")
    place = rng.randrange(len(lines))
    match rng.randrange(5):
        case 0:
            del lines[place]
        case 1:
            lines.insert(rng.randrange(len(lines) + 1), lines[place])
        case 2:
            other = rng.randrange(len(lines))
            lines[place], lines[other] = lines[other], lines[place]
        case 3:
            lines[place:place] = [lines[place]] * min(
                rng.choice((10, 10, 1000)), MAX_BYTES // (len(lines[place]) + 1)
            )
        case _:
            lines[place : place + 2] = [b" ".join(lines[place : place + 2])]
    return b"\n".join(lines)


def _replace(rng: random.Random, data: bytes, pattern: re.Pattern[bytes], new: bytes) -> bytes:
    """Replaces one of what the pattern finds."""
    # From a random place on: all of them need not be found for one.
    match = pattern.search(data, rng.randrange(len(data) + 1)) or pattern.search(data)
    return data if match is None else data[: match.start()] + new + data[match.end() :]


TEXT: tuple[Operation, ...] = (
    replace_number, replace_number, replace_word, insert_text, insert_blanks, change_lines, change_lines,
    flip_bits, delete, duplicate, truncate, splice,
)  # fmt: skip


# --- XML --------------------------------------------------------------------------------------------------

_TAG = re.compile(rb"<[^<>]*>")
# The look behind it keeps a long word without an equals sign from being tried from each of its letters on.
_ATTRIBUTE = re.compile(rb"(?<![\w:-])([\w:-]+)=\"([^\"]*)\"")
_DOCTYPES = (
    b"<!DOCTYPE x>",
    b'<!DOCTYPE x SYSTEM "file:///etc/passwd">',
    b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">',
    b'<!DOCTYPE x [<!ENTITY a "' + b"a" * 99 + b'">' + b"".join(
        b'<!ENTITY %c "%s">' % (98 + i, b"&%c;" % (97 + i) * 20) for i in range(9)
    ) + b"]>",
    b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
    b'<!DOCTYPE x [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]>',
)  # fmt: skip
_PIECES = (
    b"&j;", b"&e;", b"&#0;", b"&#x110000;", b"&lt;", b"<![CDATA[<x>]]>", b"<!-- x -->", b"<?x y?>", b"<x>", b"</x>",
    b"<x/>", b"]]>", b'<xi:include href="file:///etc/passwd"/>', b'<?xml version="1.1"?>', b"<x>" * 5000, b'id="a"',
)  # fmt: skip
_CODECS = (
    b"utf-7",
    b"utf-16",
    b"utf-8",
    b"iso-8859-1",
    b"ebcdic-cp-us",
    b"idna",
    b"hex",
    b"zip",
    b"undefined",
    b"gb18030",
)


def change_element(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    tags = list(_TAG.finditer(data))
    if not tags:
        return data
    first = rng.randrange(len(tags))
    last = min(len(tags) - 1, first + rng.choice((0, 0, 1, 2, 5, 20)))
    start, end = tags[first].start(), tags[last].end()
    piece = data[start:end]
    match rng.randrange(5):
        case 0:
            return data[:start] + data[end:]
        case 1:
            times = min(rng.choice((1, 2, 30, 1000)), MAX_BYTES // len(piece))
            return data[:end] + piece * times + data[end:]
        case 2:
            place = rng.choice(tags).start()
            return data[:place] + piece + data[place:]
        case 3:  # inside of itself
            name = re.match(rb"<([\w:-]+)", piece)
            if name is None or tags[first].group().endswith(b"/>"):
                return data
            depth = rng.choice((2, 50, 199, 201, 3000))
            return (
                data[:start]
                + tags[first].group() * depth
                + data[tags[first].end() :]
                + b"</%s>" % name[1] * (depth - 1)
            )
        case _:
            other = rng.choice(others)
            theirs = list(_TAG.finditer(other))
            return data[:start] + rng.choice(theirs).group() + data[end:] if theirs else data


def change_attribute(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    found = list(_ATTRIBUTE.finditer(data))
    if not found:
        return data
    one, other = rng.choice(found), rng.choice(found)
    match rng.randrange(5):
        case 0:
            new = b""
        case 1:
            new = b'%s="%s"' % (one[1], other[2])
        case 2:
            new = b'%s="%s"' % (one[1], rng.choice(NUMBERS).encode())
        case 3:
            new = b'%s="%s"' % (other[1], one[2])
        case _:
            new = b'%s="%s"' % (
                one[1],
                rng.choice(((one[2] + b" ") * rng.choice((2, 3, 500)), b" " * 20_000, b"#" + other[2])),
            )
    return data[: one.start()] + new + data[one.end() :]


def insert_markup(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    match rng.randrange(4):
        case 0:
            end = data.find(b"?>") + 2 if b"?>" in data[:200] else 0
            return data[:end] + rng.choice(_DOCTYPES) + data[end:]
        case 1:
            return re.sub(rb'encoding="[^"]*"', b'encoding="%s"' % rng.choice(_CODECS), data, count=1)
        case 2:
            try:
                return data.decode().encode(
                    rng.choice(("utf-16", "utf-16-le", "utf-32", "utf-8-sig", "utf-7"))
                )
            except UnicodeError:
                return data
        case _:
            place = rng.randrange(len(data) + 1)
            return data[:place] + rng.choice(_PIECES) + data[place:]


XML: tuple[Operation, ...] = (
    change_element, change_element, change_element, change_attribute, change_attribute, change_attribute,
    insert_markup, replace_number, replace_number, insert_text, insert_blanks, flip_bits, delete, duplicate, truncate,
    splice,
)  # fmt: skip


# --- JSON -------------------------------------------------------------------------------------------------


_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 7, 1.5, -0.5, 1e300, 10**30, 2**31, 2**53, 2**63, 2**64, "", "a", "\0", "../x",
    "/dev/zero", "\u2028", "\u202e", "x" * 3000, "\u0301", "nan", [], {}, [[]], [None], [1, 2], [[1, 2]], {"x": 1},
    {"type": "x"},
    "((a*)*)*b", "a{1000}{1000}", 1_000_000_000, 100_000, 65536, 1e-300,
)  # fmt: skip
_RAW = (
    "1e400",
    "-1e400",
    "NaN",
    "Infinity",
    "1" * 400,
    "1e99999999",
    "[" * 2000 + "]" * 2000,
    '{"a":' * 2000 + "1" + "}" * 2000,
    '"\\ud800"',
    "01",
    "",
)


def change_value(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Replaces, removes, doubles or moves a value of one of the lines of JSON."""
    lines = data.split(b"\n")
    place = rng.randrange(len(lines))
    try:
        document = json.loads(lines[place])
    except (ValueError, RecursionError):
        return data
    document, raw = changed_json(rng, document)
    text = json.dumps(document, ensure_ascii=False)
    if raw is not None:
        text = text.replace('"@raw@"', raw)
    lines[place] = text.encode("utf-8", "surrogatepass")
    return b"\n".join(lines)


def changed_json(rng: random.Random, document: Any) -> tuple[Any, str | None]:
    """Returns a document with one value changed, and what is to be written for "@raw@" in it."""
    places = list(_places(document))
    if not places:
        return rng.choice(_VALUES), None
    holder, key = rng.choice(places)
    raw = None
    match rng.randrange(8):
        case 0:
            del holder[key]
        case 1:
            other, its_key = rng.choice(places)
            holder[key] = json.loads(json.dumps(other[its_key])) if its_key in _keys(other) else None
        case 2:
            raw = rng.choice(_RAW)
            holder[key] = "@raw@"
        case 3 if isinstance(holder, list):
            holder[key:key] = [holder[key]] * rng.choice((1, 2, 50))
        case 3:
            holder[rng.choice(("x", "", "text", "id", "type", "_" + str(key)))] = holder.pop(key)
        case 4:
            value = holder[key]
            if isinstance(value, int | float) and abs(value) < 1e200 and not isinstance(value, bool):
                holder[key] = rng.choice((-value, value + 1, value * 1000, value / 3, value * 1e9))
            elif isinstance(value, str):
                holder[key] = rng.choice((value * 3, value[:-1], value[::-1], value.upper(), [value]))
            else:
                holder[key] = [value]
        case _:
            # A copy: what is changed later may be set into itself.
            holder[key] = copy.deepcopy(rng.choice(_VALUES))
    return document, raw


def _keys(holder: Any) -> Any:
    return holder if isinstance(holder, dict) else range(len(holder))


def _places(document: Any, depth: int = 0) -> Any:
    if depth < 50 and isinstance(document, dict | list):
        for key in list(_keys(document)):
            yield document, key
            yield from _places(document[key], depth + 1)


JSON: tuple[Operation, ...] = (change_value, change_value, change_value, change_value, *TEXT)

KINDS = {"bytes": BYTES, "text": TEXT, "xml": XML, "json": JSON}


def mutated(rng: random.Random, kind: str, seeds: Sequence[bytes], base: bytes | None = None) -> bytes:
    """Returns one of the seeds, damaged once or several times."""
    data = rng.choice(seeds) if base is None else base
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 5, 9))):
        data = rng.choice(KINDS[kind])(rng, data, seeds)[:MAX_BYTES]
    return data
