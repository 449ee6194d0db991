"""Damages what lies inside of containers and closes them again: else a checksum would refuse nearly everything."""

import functools
import gzip
import json
import random
import struct
import zlib
from collections.abc import Sequence

from tests.fuzz.mutations import changed_json, mutated


def png(rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    """Changes chunks of a PNG, or what is compressed in them; the checksums are right again."""
    if rng.random() < 0.3:
        return mutated(rng, "bytes", seeds)
    data = rng.choice(seeds)
    chunks, position = [], 8
    while position + 12 <= len(data):
        (length,) = struct.unpack(">I", data[position : position + 4])
        chunks.append((data[position + 4 : position + 8], data[position + 8 : position + 8 + length]))
        position += 12 + length
    bodies = [body for _, body in chunks]
    for _ in range(rng.choice((1, 1, 2, 4))):
        place = rng.randrange(len(chunks))
        kind, body = chunks[place]
        match rng.randrange(6):
            case 0:
                del chunks[place]
            case 1:
                chunks.insert(rng.randrange(len(chunks) + 1), (kind, body))
            case 2:
                kinds = (
                    b"IDAT",
                    b"IHDR",
                    b"tRNS",
                    b"PLTE",
                    b"gAMA",
                    b"zTXt",
                    b"iTXt",
                    b"iCCP",
                    b"eXIf",
                    b"acTL",
                    b"fcTL",
                    b"fdAT",
                )
                chunks[place] = (rng.choice(kinds), body)
            case 3 if kind == b"IDAT":
                try:
                    raw = mutated(rng, "bytes", [zlib.decompress(body)])
                    chunks[place] = (kind, zlib.compress(raw, 1))
                except zlib.error:
                    pass
            case _:
                chunks[place] = (kind, mutated(rng, "bytes", bodies, body))
        if not chunks:
            break
    packed = (
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )
    return data[:8] + b"".join(packed)


def gzipped(rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    """Changes a gzipped text, or the file itself."""
    if rng.random() < 0.4:
        return mutated(rng, "bytes", seeds)
    texts = [gzip.decompress(seed) for seed in seeds]
    return gzip.compress(mutated(rng, "text", texts), 1)


def ogg(rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    """Changes an Ogg file and puts the checksums of its pages right."""
    data = bytearray(mutated(rng, "bytes", seeds))
    if rng.random() < 0.3:
        return bytes(data)
    start = data.find(b"OggS")
    while start >= 0:
        count = data[start + 26] if start + 27 <= len(data) else 0
        end = start + 27 + count + sum(data[start + 27 : start + 27 + count])
        if start + 27 <= len(data) and end <= len(data):
            data[start + 22 : start + 26] = bytes(4)
            data[start + 22 : start + 26] = struct.pack("<I", _ogg_checksum(bytes(data[start:end])))
        start = data.find(b"OggS", start + 4)
    return bytes(data)


@functools.cache
def _ogg_table() -> list[int]:
    table = []
    for byte in range(256):
        value = byte << 24
        for _ in range(8):
            value = (value << 1) ^ (0x04C11DB7 if value & 0x80000000 else 0)
        table.append(value & 0xFFFFFFFF)
    return table


def _ogg_checksum(page: bytes) -> int:
    table, value = _ogg_table(), 0
    for byte in page:
        value = ((value << 8) & 0xFFFFFFFF) ^ table[(value >> 24) ^ byte]
    return value


def safetensors(rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    """Changes the header of a safetensors file, the JSON in it, or the numbers, and tells the length as it is then."""
    choice = rng.random()
    if choice < 0.2:
        return mutated(rng, "bytes", seeds)
    data = rng.choice(seeds)
    (length,) = struct.unpack("<Q", data[:8])
    header, numbers = json.loads(data[8 : 8 + length]), data[8 + length :]
    # Files without one are read, as whoever makes a file on purpose knows.
    del header["__metadata__"]["checksum"]
    if choice < 0.7:  # what seqlabel has put there
        metadata = header["__metadata__"]
        key = max(metadata, key=lambda name: len(metadata[name]))
        if rng.random() < 0.1:
            metadata[key] = mutated(rng, "text", [metadata[key].encode()]).decode("utf-8", "replace")
        else:
            document = json.loads(metadata[key])
            for _ in range(rng.choice((1, 1, 1, 2, 4))):
                document, raw = changed_json(rng, document)
                text = json.dumps(document)
                if raw is not None:
                    text = text.replace('"@raw@"', raw)
                    break
            metadata[key] = text
    elif choice < 0.9:
        header, raw = changed_json(rng, header)
        if raw is not None:
            text = json.dumps(header).replace('"@raw@"', raw).encode("utf-8", "surrogatepass")
            return struct.pack("<Q", len(text)) + text + numbers
    else:
        numbers = mutated(rng, "bytes", [numbers])
    text = json.dumps(header).encode("utf-8", "surrogatepass")
    return struct.pack("<Q", len(text)) + text + numbers
