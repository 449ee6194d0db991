from pathlib import Path

import pytest

from seqlabel.errors import ManifestError
from seqlabel.list_files import lines


def test_only_a_line_feed_ends_a_line_and_blank_ones_count_but_do_not_come(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_bytes("\ufeffone\r\n\n \ntwo\u2028two\x0b\nthree".encode())
    assert list(lines(path)) == [
        (f"{path}:1", "one"),
        (f"{path}:4", "two\u2028two\x0b"),
        (f"{path}:5", "three"),
    ]


def test_what_is_not_utf_8_is_told_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_bytes(b"one\ntwo \xff\n")
    with pytest.raises(ManifestError, match=r"list:2: byte 0xff is not UTF-8; save the file in UTF-8"):
        list(lines(path))


@pytest.mark.parametrize("name", ["missing", "nul\0"])
def test_a_file_that_cannot_be_read_is_told(name: str, tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"cannot be read .*expected a \.jsonl manifest"):
        list(lines(tmp_path / name))
