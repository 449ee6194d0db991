"""NIST SPHERE files as their makers wrote them, for tests."""

from pathlib import Path

import numpy as np


def write_sphere(
    path: Path, samples: np.ndarray, *, coding: str = "pcm", byte_order: str = "01", sample_rate: int = 16000
) -> Path:
    """`samples` are int16, or uint8 codes for ulaw; byte order `01` is little-endian, `10` big-endian."""
    data = samples.astype({"01": "<i2", "10": ">i2"}[byte_order]) if samples.dtype == np.int16 else samples
    fields = [
        f"sample_count -i {len(samples)}",
        f"sample_rate -i {sample_rate}",
        "channel_count -i 1",
        f"sample_n_bytes -i {data.dtype.itemsize}",
        f"sample_byte_format -s{len(byte_order)} {byte_order}" if data.dtype.itemsize == 2 else "",
        f"sample_coding -s{len(coding)} {coding}",
        f"sample_sig_bits -i {8 * data.dtype.itemsize}",
        "end_head",
    ]
    header = "NIST_1A\n   1024\n" + "".join(f"{field}\n" for field in fields if field)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(header.encode().ljust(1024) + data.tobytes())
    return path
