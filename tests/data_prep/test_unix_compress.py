import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from data_prep.unix_compress import read_compressed
from seqlabel.errors import FormatError


def compress(data: bytes, max_bits: int = 16) -> bytes:
    """What `compress -b max_bits` writes, but for clearing the table whenever it is full."""
    out = bytearray(b"\x1f\x9d" + bytes([0x80 | max_bits]))
    block: list[int] = []
    width = 9

    def flush(pad: bool) -> None:
        bits = sum(code << (place * width) for place, code in enumerate(block))
        num_bytes = width * -(-len(block) // 8) if pad else -(-len(block) * width // 8)
        out.extend(bits.to_bytes(num_bytes, "little"))
        block.clear()

    table = {bytes([byte]): byte for byte in range(256)}
    next_code = 257
    phrase = b""
    for byte in data:
        longer = phrase + bytes([byte])
        if longer in table:
            phrase = longer
            continue
        block.append(table[phrase])
        if next_code < 1 << max_bits:
            # The reader adds each entry one code later than the writer.
            if next_code > (1 << width) - 1 and width < max_bits:
                flush(pad=True)
                width += 1
            table[longer] = next_code
            next_code += 1
        else:
            block.append(256)
            flush(pad=True)
            width = 9
            table = {bytes([byte]): byte for byte in range(256)}
            next_code = 257
        phrase = bytes([byte])
    if phrase:
        block.append(table[phrase])
    flush(pad=False)
    return bytes(out)


def texts() -> list[bytes]:
    rng = np.random.default_rng(0)
    return [
        b"",
        b"a",
        b"aaaaaaaaaaaaaaaaaaaaa",
        b".PEN_DOWN\n 267  333\n 267  336\n" * 400,
        rng.integers(0, 256, 20_000, dtype=np.uint8).tobytes(),
        rng.integers(48, 58, 200_000, dtype=np.uint8).tobytes(),
    ]


@pytest.mark.parametrize("max_bits", [9, 12, 16])
@pytest.mark.parametrize("number", range(6))
def test_what_was_compressed_comes_back(number: int, max_bits: int, tmp_path: Path) -> None:
    data = texts()[number]
    (tmp_path / "data.Z").write_bytes(compress(data, max_bits))
    assert read_compressed(tmp_path / "data.Z") == data


@pytest.mark.skipif(shutil.which("gzip") is None, reason="gzip is not installed")
@pytest.mark.parametrize("number", range(1, 6))
def test_gzip_reads_the_same(number: int, tmp_path: Path) -> None:
    (tmp_path / "data.Z").write_bytes(compress(texts()[number], 12))
    peer = subprocess.run(["gzip", "-dc", str(tmp_path / "data.Z")], capture_output=True, check=True).stdout
    assert read_compressed(tmp_path / "data.Z") == peer


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data.Z").write_bytes(b"\x1f\x8b\x08 gzip")
    with pytest.raises(FormatError, match=r"data\.Z: is not a file of Unix compress"):
        read_compressed(tmp_path / "data.Z")


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data.Z").write_bytes(b"")
    with pytest.raises(FormatError, match="begins with nothing"):
        read_compressed(tmp_path / "data.Z")


def test_a_code_outside_of_the_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data.Z").write_bytes(b"\x1f\x9d\x90\xff\xff\xff")
    with pytest.raises(FormatError, match="damaged"):
        read_compressed(tmp_path / "data.Z")
