import pytest

from seqlabel.errors import MOST_CHARACTERS, FormatError, one_line


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("a\nb\r\nc", r"a\nb\r\nc"),
        ("\x1b[31mred\x9b", r"\x1b[31mred\x9b"),
        ("x\u202ey\u2028z", r"x\u202ey\u2028z"),
        ("\ud800", r"\ud800"),
        ("d\xe9j\xe0 \u05d0 \u3000 \xa0 \u200d", "d\xe9j\xe0 \u05d0 \u3000 \xa0 \u200d"),
        ("path \udcff", "path \udcff"),
    ],
)
def test_a_message_is_one_line_that_steers_no_terminal(message: str, shown: str) -> None:
    assert str(FormatError(message)) == shown == one_line(message)


def test_a_message_as_long_as_a_file_is_cut_in_the_middle() -> None:
    shown = one_line("begin" + "x" * 1_000_000 + "end")
    assert shown.startswith("begin") and shown.endswith("end") and len(shown) < MOST_CHARACTERS + 50
    assert "998008 characters left out" in shown
