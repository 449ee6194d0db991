from pathlib import Path

import pytest

from seqlabel.errors import FormatError
from seqlabel.formats import read_symbols


def test_a_line_is_named_by_its_number(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("HH AH0\nW ER1  L D\r\n", encoding="utf-8")
    assert read_symbols(tmp_path / "words.txt:1").names == ("HH", "AH0")
    assert read_symbols(tmp_path / "words.txt:2").names == ("W", "ER1", "L", "D")


def test_a_file_of_one_line_needs_no_number(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("e\u0301 a\n", encoding="utf-8")
    assert read_symbols(tmp_path / "a.txt", "character").names == ("é", " ", "a")


def test_a_file_that_has_changed_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("a\n")
    assert read_symbols(path).names == ("a",)
    path.write_text("b c\n")
    assert read_symbols(path).names == ("b", "c")


@pytest.mark.parametrize(
    ("content", "address", "message"),
    [
        (b"a\nb\n", "x.txt", "has 2 lines; expected one"),
        (b"a\nb\n", "x.txt:3", "there is no line 3; expected 1 to 2"),
        (b"a\nb\n", "x.txt:0", "there is no line 0"),
        (b"a\n\nb\n", "x.txt:2", "the line is empty"),
        (b"\xff\n", "x.txt", "is not UTF-8"),
        (b"", "x.txt", "is empty"),
        (b"a\n", "y.txt:1", "y.txt: no such file"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(
    content: bytes, address: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / "x.txt").write_bytes(content)
    with pytest.raises(FormatError) as caught:
        read_symbols(tmp_path / address)
    assert message in str(caught.value) and "\n" not in str(caught.value)
