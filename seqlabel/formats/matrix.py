"""Feature matrices that somebody else has computed: NumPy, Sphinx, HTK and Kaldi files.

Kaldi archives have a reader of their own here rather than kaldiio's: kaldiio runs the shell command in a
path that ends with a pipe and trusts the sizes in a header, and neither is wanted for files of strangers.
kaldiio is the oracle in the tests.
"""

import io
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from jaxtyping import Float32, Float64, UInt8

from seqlabel.errors import FormatError
from seqlabel.formats.files import open_file, write_bytes
from seqlabel.records import Matrix

MAX_VALUES = 1 << 26
"""Numbers of a matrix: 4.6 hours of 40 values every 10 ms."""
# NumPy writes 118 bytes; a header is read as Python is, whose parser runs out of room on long nonsense.
_MAX_HEADER_BYTES = 1000
_MAX_LINE_BYTES = 1 << 24
_BLOCK_VALUES = 1 << 18
MATRIX_SUFFIXES = frozenset({".npy", ".mfc", ".htk", ".ark"})

# HTKBook 3.4, section 5.10.1 (table 5.1): the low six bits are the kind, the others qualifiers.
_HTK_KIND_MASK = 0o77
_HTK_COMPRESSED = 0o2000
_HTK_CHECKSUM = 0o10000
_EXPECTED = "a matrix file (.npy, Sphinx .mfc, HTK, Kaldi .ark or .ark:offset)"
_HTK_NOT_FLOAT = {0: "WAVEFORM", 5: "IREFC", 10: "DISCRETE"}


def read_matrix(path: Path, *, sphinx_width: int = 13) -> Matrix:
    """The frames in a .npy, .mfc, .htk or .ark file.

    The content decides, not only the suffix: `.mfc` files are Sphinx's or HTK's. `archive.ark:1234` is the
    matrix whose data begin at byte 1234 (as `feats.scp` says it); a bare `.ark` must hold exactly one matrix.

    Args:
        path: the file, or an archive with an offset.
        sphinx_width: the number of values in a frame of a Sphinx file, which does not say it itself.

    Raises:
        FormatError: not a matrix file, damaged, not two-dimensional, without frames, or with values that are
            not finite.
    """
    archive, offset = split_ark_address(path)
    suffix = archive.suffix.lower()
    with open_file(archive, _EXPECTED) as (file, size):
        head = file.read(6)
        file.seek(0)
        if offset is not None or suffix == ".ark":
            values = _read_ark(path, file, size, offset)
        elif head == b"\x93NUMPY":
            values = _read_npy(path)
        elif suffix == ".npy":
            raise FormatError(f"{path}: does not begin with NumPy's magic bytes; expected a .npy file")
        elif suffix in (".mfc", ".htk"):
            values = _read_sphinx_or_htk(path, file, size, sphinx_width)
        else:
            raise FormatError(f"{path}: unknown kind of file {suffix!r}; expected {_EXPECTED}")
    return Matrix(_checked(path, values))


def matrix_shape(path: Path) -> tuple[int, int | None] | None:
    """Returns frames and values of a frame, as the header of a matrix file tells them; nothing else is read.

    Args:
        path: as for `read_matrix`.

    Returns:
        For a Sphinx file, whose header does not tell the width, the number of its values, and None; None for a Kaldi
        matrix in text, which has no header.

    Raises:
        FormatError: as `read_matrix`, for what a header tells.
    """
    archive, offset = split_ark_address(path)
    suffix = archive.suffix.lower()
    with open_file(archive, _EXPECTED) as (file, size):
        head = file.read(6)
        file.seek(0)
        if offset is not None or suffix == ".ark":
            return _ark_shape(path, file, size, offset)
        if head == b"\x93NUMPY":
            shape = _read_npy(path).shape
            if len(shape) != 2:
                raise FormatError(
                    f"{path}: array of {len(shape)} dimensions; expected 2 (frames, values in a frame)"
                )
            return shape
        if suffix in (".mfc", ".htk"):
            head = file.read(12)
            if (order := _sphinx_order(head, size)) is not None:
                return struct.unpack(order + "i", head[:4])[0], None
            if (found := _htk_header(head, size)) is not None:
                _, num_frames, frame_bytes, kind = found
                # Of a compressed file four frames are the room of its scales.
                is_compressed = bool(kind & _HTK_COMPRESSED)
                return (num_frames - 4, frame_bytes // 2) if is_compressed else (num_frames, frame_bytes // 4)
    raise FormatError(f"{path}: its beginning is not that of a matrix; expected {_EXPECTED}")


def _ark_shape(path: Path, file: BinaryIO, size: int, offset: int | None) -> tuple[int, int] | None:
    if offset is None:
        _read_key(path, file)
    elif offset >= size:
        raise FormatError(f"{path}: offset {offset} is outside of the archive, which has {size} bytes")
    else:
        file.seek(offset)
    if file.read(2) != b"\0B":
        return None
    token = _take(path, file, 3).rstrip(b" ")
    if token in (b"FM", b"DM"):
        rows, columns = struct.unpack("<xixi", _take(path, file, 10))
        return rows, columns
    if token in (b"CM", b"CM2", b"CM3"):
        _take(path, file, 8 if token == b"CM" else 9)
        rows, columns = struct.unpack("<ii", _take(path, file, 8))
        return rows, columns
    raise FormatError(f"{path}: unknown Kaldi type {token!r}; expected FM, DM or CM")


def write_npy(path: Path, matrix: Matrix) -> None:
    """Write a matrix as a .npy file (float32).

    Raises:
        FormatError: the file cannot be written.
    """
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(matrix.values, dtype=np.float32), allow_pickle=False)
    write_bytes(path, buffer.getvalue())


def split_ark_address(path: Path) -> tuple[Path, int | None]:
    """`feats.ark:17` as (`feats.ark`, 17); any other path as itself and None."""
    match = re.fullmatch(r"(.+):([0-9]{1,18})", str(path), re.DOTALL)
    if match is None:
        return path, None
    return Path(match[1]), int(match[2])


def _checked(path: Path, values: np.ndarray) -> Float32[np.ndarray, "T F"]:
    if values.ndim != 2:
        raise FormatError(
            f"{path}: array of {values.ndim} dimensions; expected 2 (frames, values in a frame)"
        )
    if values.dtype.kind not in "fiub":
        raise FormatError(f"{path}: values of type {values.dtype}; expected real numbers")
    if 0 in values.shape:
        raise FormatError(f"{path}: matrix of shape {values.shape} is empty; expected at least one frame")
    _refuse_large(path, values.size)
    with np.errstate(over="ignore", invalid="ignore"):
        result = np.array(values, dtype=np.float32, order="C")
    bad = np.flatnonzero(~np.isfinite(result).all(axis=1))
    if len(bad):
        raise FormatError(
            f"{path}: {len(bad)} of {len(result)} frames hold NaN, infinity or a value beyond float32, "
            f"the first is frame {bad[0]}; expected finite numbers"
        )
    return result


def _refuse_large(path: Path, num_values: int) -> None:
    if num_values > MAX_VALUES:
        raise FormatError(f"{path}: {num_values:,} values; expected at most {MAX_VALUES:,}, split the matrix")


def _read_npy(path: Path) -> np.ndarray:
    try:
        # Mapped, so that a header that promises more than the file holds is an error and not an allocation.
        mapped = np.load(path, mmap_mode="r", allow_pickle=False, max_header_size=_MAX_HEADER_BYTES)
    except Exception as error:  # a broken header raises ValueError, SyntaxError, tokenize errors, ...
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise FormatError(f"{path}: cannot be read as .npy ({reason}); it may be truncated") from error
    return np.asarray(mapped)


def _read_sphinx_or_htk(path: Path, file: BinaryIO, size: int, width: int) -> np.ndarray:
    head = file.read(12)
    if (order := _sphinx_order(head, size)) is not None:
        _refuse_large(path, (size - 4) // 4)
        file.seek(4)
        values = np.frombuffer(file.read(), dtype=f"{order}f4")
        if len(values) % width:
            raise FormatError(
                f"{path}: {len(values)} values are not a whole number of frames of {width}; "
                "say how many values a frame of this Sphinx file has"
            )
        return values.reshape(-1, width)
    if (found := _htk_header(head, size)) is not None:
        return _read_htk(path, file, *found)
    raise FormatError(
        f"{path}: the header of a file of {size} bytes fits neither Sphinx nor HTK in either byte order; "
        "expected a whole .mfc or .htk file (truncated?)"
    )


def _sphinx_order(head: bytes, size: int) -> str | None:
    """The byte order of a Sphinx file: an int32 number of float32 values, then the values, as the machine has them."""
    orders = (order for order in "<>" if len(head) >= 4)
    return next((order for order in orders if 4 + 4 * struct.unpack(order + "i", head[:4])[0] == size), None)


def _htk_header(head: bytes, size: int) -> tuple[str, int, int, int] | None:
    """Byte order, frames, bytes of a frame and kind of an HTK file."""
    # HTK is big-endian by its book; NATURALWRITEORDER on a PC makes little-endian files.
    for order in "><" if len(head) == 12 else "":
        num_frames, _, frame_bytes, kind = struct.unpack(order + "iihh", head)
        checksum_bytes = 2 if kind & _HTK_CHECKSUM else 0
        if num_frames > 0 and frame_bytes > 0 and 12 + num_frames * frame_bytes + checksum_bytes == size:
            return order, num_frames, frame_bytes, kind
    return None


def _read_htk(
    path: Path, file: BinaryIO, order: str, num_frames: int, frame_bytes: int, kind: int
) -> np.ndarray:
    if (kind & _HTK_KIND_MASK) in _HTK_NOT_FLOAT:
        name = _HTK_NOT_FLOAT[kind & _HTK_KIND_MASK]
        raise FormatError(f"{path}: HTK file of kind {name}; expected features such as MFCC, PLP or FBANK")
    _refuse_large(path, num_frames * frame_bytes // 4)
    file.seek(12)
    data = file.read(num_frames * frame_bytes)
    if not kind & _HTK_COMPRESSED:
        if frame_bytes % 4:
            raise FormatError(
                f"{path}: HTK frames of {frame_bytes} bytes; expected a multiple of 4 (float32)"
            )
        return np.frombuffer(data, dtype=f"{order}f4").reshape(num_frames, -1)
    # HTKBook 5.10.1: x = (X + B) / A with the float vectors A and B first; they take the room of four frames
    # of int16, which the number of frames in the header counts.
    if frame_bytes % 2 or num_frames <= 4:
        raise FormatError(
            f"{path}: compressed HTK file with {num_frames} frames of {frame_bytes} bytes; "
            "expected more than 4 frames of int16"
        )
    width = frame_bytes // 2
    vectors = np.frombuffer(data, dtype=f"{order}f4", count=2 * width).reshape(2, width)
    shorts = np.frombuffer(data, dtype=f"{order}i2", offset=8 * width).reshape(-1, width)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        scale, shift = vectors.astype(np.float64)
        return np.asarray((shorts + shift) / scale)


def _read_ark(path: Path, file: BinaryIO, size: int, offset: int | None) -> np.ndarray:
    if offset is not None:
        if offset >= size:
            raise FormatError(f"{path}: offset {offset} is outside of the archive, which has {size} bytes")
        file.seek(offset)
        return _read_kaldi_matrix(path, file, size)
    _read_key(path, file)
    values = _read_kaldi_matrix(path, file, size)
    if file.read(1):
        raise FormatError(
            f"{path}: holds more than one matrix; name one by its offset, "
            f"as in {path.name}:{_example_offset(path)}"
        )
    return values


def _example_offset(path: Path) -> int:
    with open(path, "rb") as file:
        return len(_read_key(path, file)) + 1


def _read_key(path: Path, file: BinaryIO) -> bytes:
    start = file.tell()
    head = file.read(4096)
    key, space, _ = head.partition(b" ")
    if not space or not key or b"\0" in key or b"\n" in key:
        raise FormatError(f"{path}: no key at byte {start}; expected a Kaldi archive (key, space, matrix)")
    file.seek(start + len(key) + 1)
    return key


def _read_kaldi_matrix(path: Path, file: BinaryIO, size: int) -> np.ndarray:
    start = file.tell()
    if file.read(2) != b"\0B":
        file.seek(start)
        return _read_kaldi_text(path, file, start)
    token = _take(path, file, 3).rstrip(b" ")
    if token in (b"CM2", b"CM3"):
        _take(path, file, 1)  # the space after the longer token
    if token in (b"FM", b"DM"):
        rows, columns = struct.unpack("<xixi", _take(path, file, 10))
        itemsize = 4 if token == b"FM" else 8
        data = _take_matrix(path, file, size, rows, columns, rows * columns * itemsize)
        return np.frombuffer(data, dtype=f"<f{itemsize}").reshape(rows, columns)
    if token in (b"CM", b"CM2", b"CM3"):
        low, span, rows, columns = struct.unpack("<ffii", _take(path, file, 16))
        return _read_compressed(path, file, size, token, low, span, rows, columns)
    if token in (b"FV", b"DV"):
        raise FormatError(f"{path}: a Kaldi vector at byte {start}; expected a matrix")
    raise FormatError(f"{path}: unknown Kaldi type {token!r} at byte {start}; expected FM, DM or CM")


def _read_compressed(
    path: Path, file: BinaryIO, size: int, token: bytes, low: float, span: float, rows: int, columns: int
) -> np.ndarray:
    """Kaldi, src/matrix/compressed-matrix.h: CM with percentiles for each column, CM2 uint16, CM3 uint8."""
    if token == b"CM2":
        data = _take_matrix(path, file, size, rows, columns, 2 * rows * columns)
        return _spread(np.frombuffer(data, dtype="<u2").reshape(rows, columns), low, span / 65535.0)
    if token == b"CM3":
        data = _take_matrix(path, file, size, rows, columns, rows * columns)
        return _spread(np.frombuffer(data, dtype=np.uint8).reshape(rows, columns), low, span / 255.0)
    data = _take_matrix(path, file, size, rows, columns, 8 * columns + rows * columns)
    quantiles = _spread(
        np.frombuffer(data, dtype="<u2", count=4 * columns).reshape(columns, 4), low, span / 65535.0
    )
    codes = np.frombuffer(data, dtype=np.uint8, offset=8 * columns).reshape(columns, rows)
    values = np.empty((columns, rows), np.float32)
    step = max(1, _BLOCK_VALUES // max(1, rows))  # a byte takes 50 of them on its way
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is told of later
        for first in range(0, columns, step):
            place = slice(first, first + step)
            values[place] = _decoded(codes[place], quantiles[place])
    return values.T


def _spread(codes: np.ndarray, low: float, step: float) -> np.ndarray:
    with np.errstate(over="ignore", invalid="ignore"):  # as above
        return np.asarray(low + codes * step)


def _decoded(
    codes: UInt8[np.ndarray, "columns rows"], quantiles: Float64[np.ndarray, "columns 4"]
) -> Float64[np.ndarray, "columns rows"]:
    q0, q25, q75, q100 = (quantiles[:, i : i + 1] for i in range(4))
    code = codes.astype(np.float64)
    values: Float64[np.ndarray, "columns rows"] = np.where(
        codes <= 64,
        q0 + (q25 - q0) * code / 64.0,
        np.where(
            codes <= 192,
            q25 + (q75 - q25) * (code - 64.0) / 128.0,
            q75 + (q100 - q75) * (code - 192.0) / 63.0,
        ),
    )
    return values


def _take(path: Path, file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise FormatError(f"{path}: the Kaldi archive ends inside a matrix; it is truncated")
    return data


def _take_matrix(path: Path, file: BinaryIO, size: int, rows: int, columns: int, num_bytes: int) -> bytes:
    # Checked against the file first: a damaged header must not become an allocation of gigabytes.
    if rows < 0 or columns < 0 or num_bytes > size - file.tell():
        raise FormatError(
            f"{path}: the header says {rows} x {columns} values ({num_bytes} bytes), "
            f"the file has {size - file.tell()} bytes left; it is truncated or damaged"
        )
    _refuse_large(path, rows * columns)
    return _take(path, file, num_bytes)


def _read_kaldi_text(path: Path, file: BinaryIO, start: int) -> np.ndarray:
    if b"[" not in file.readline(4096).partition(b"[")[1]:
        raise FormatError(f"{path}: neither a binary nor a text Kaldi matrix at byte {start}")
    file.seek(start)
    rows: list[np.ndarray] = []
    num_values = 0
    for words in _text_rows(path, file):
        num_values += len(words)
        _refuse_large(path, num_values)
        try:
            rows.append(np.array([float(word) for word in words], dtype=np.float64))
        except ValueError as error:
            raise FormatError(
                f"{path}: {error}; expected numbers in the text matrix at byte {start}"
            ) from error
    widths = {len(row) for row in rows}
    if len(widths) > 1:
        raise FormatError(f"{path}: rows of {min(widths)} to {max(widths)} values; expected equal rows")
    return np.stack(rows) if rows else np.zeros((0, 0))


def _text_rows(path: Path, file: BinaryIO) -> Iterator[list[bytes]]:
    line = file.readline(_MAX_LINE_BYTES).partition(b"[")[2]
    while True:
        if len(line) == _MAX_LINE_BYTES:
            raise FormatError(
                f"{path}: a line of more than {_MAX_LINE_BYTES:,} bytes; expected a row on each line"
            )
        row, closing, _ = line.partition(b"]")
        if values := row.split():
            yield values
        if closing:
            return
        line = file.readline(_MAX_LINE_BYTES)
        if not line:
            raise FormatError(f"{path}: the text matrix has no closing ]; the archive is truncated")
