"""Mistakes that once ended in a traceback, or in nothing being said at all."""

from pathlib import Path

import pytest

from data_prep.corpus_source import read_lines
from seqlabel.encoders import ConvLayerConfig
from seqlabel.errors import ConfigError, FormatError
from seqlabel.formats import read_audio


def test_bare_samples_are_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "call.raw").write_bytes(b"\1\2" * 5000)
    with pytest.raises(FormatError, match=r"call\.raw: bare samples"):
        read_audio(tmp_path / "call.raw", sample_rate=8000)


def test_a_filter_of_an_even_size_is_refused_since_lengths_would_be_off_by_one() -> None:
    with pytest.raises(ConfigError, match="kernel 4 x 3: expected odd sizes"):
        ConvLayerConfig(channels=1, kernel=(4, 3))


def test_only_line_ends_end_a_line_of_a_corpus_and_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "table.tsv").write_bytes("\ufeffid\r\na\u2028b\n".encode())
    assert read_lines(tmp_path / "table.tsv") == ["id", "a\u2028b"]
