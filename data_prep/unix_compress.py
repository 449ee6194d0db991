"""Unpacks files of the Unix program `compress` (.Z): UCI still serves them, Python has no reader."""

from pathlib import Path

from seqlabel.errors import FormatError
from seqlabel.input_files import read_input

_MAGIC = b"\x1f\x9d"
_CLEAR = 256
MAX_BYTES = 1 << 28
"""Unpacked: a byte can become thousands of them."""


def read_compressed(path: Path) -> bytes:
    """Returns the unpacked bytes of a .Z file (LZW, Welch 1984, codes of 9 to 16 bits, as in compress 4.0).

    Raises:
        FormatError: not a .Z file, or damaged.
    """
    try:
        data = read_input(path, MAX_BYTES)
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror}).") from error
    if len(data) < 3 or data[:2] != _MAGIC:
        raise FormatError(
            f"{path}: is not a file of Unix compress (.Z): it begins with {data[:2].hex() or 'nothing'}."
        )
    max_bits, has_clear = data[2] & 0x1F, bool(data[2] & 0x80)
    if not 9 <= max_bits <= 16:
        raise FormatError(f"{path}: has codes of {max_bits} bits; expected 9 to 16. The file is damaged.")
    first_free = 257 if has_clear else 256
    table = [bytes((byte,)) for byte in range(256)] + [b""] * (first_free - 256)
    out: list[bytes] = []
    previous = b""
    num_unpacked = 0
    width, position, block_start = 9, 24, 24  # all three in bits; the header is 3 bytes
    num_bits = 8 * len(data)
    while position + width <= num_bits:
        first_byte = position // 8
        word = int.from_bytes(data[first_byte : first_byte + 3], "little")
        code = (word >> (position % 8)) & ((1 << width) - 1)
        position += width
        if code == _CLEAR and has_clear:
            del table[first_free:]
            previous = b""
            position, width = _next_block(position, block_start, width), 9
            block_start = position
            continue
        if code < len(table):
            entry = table[code]
        elif code == len(table) and previous:
            entry = previous + previous[:1]
        else:
            raise FormatError(
                f"{path}: code {code} at byte {first_byte} is not in the table. The file is damaged."
            )
        out.append(entry)
        num_unpacked += len(entry)
        if num_unpacked > MAX_BYTES:
            raise FormatError(f"{path}: becomes larger than {MAX_BYTES:,} bytes. The file is damaged.")
        if previous and len(table) < 1 << max_bits:
            table.append(previous + entry[:1])
            if len(table) == 1 << width and width < max_bits:
                position = _next_block(position, block_start, width)
                block_start = position
                width += 1
        previous = entry
    return b"".join(out)


def _next_block(position: int, block_start: int, width: int) -> int:
    # compress writes codes in groups of 8 and fills the group up whenever the width changes.
    group = 8 * width
    return block_start + -(-(position - block_start) // group) * group
