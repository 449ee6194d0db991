from pathlib import Path

import numpy as np

from seqlabel.features import MatrixConfig
from seqlabel.records import Example


def test_a_sphinx_file_is_read_at_the_width_of_the_setting(tmp_path: Path) -> None:
    values = np.arange(4 * 39, dtype="<f4").reshape(4, 39)
    path = tmp_path / "wide.mfc"
    path.write_bytes(np.int32(values.size).tobytes() + values.tobytes())
    signal = MatrixConfig(dim=39).build().read(Example(id="wide", source=path))
    np.testing.assert_array_equal(signal.values, values)
