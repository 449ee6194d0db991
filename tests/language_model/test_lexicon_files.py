from pathlib import Path

import pytest

from seqlabel.errors import FormatError
from seqlabel.language_model import Pronunciation, read_lexicon


def test_words_alone_are_spelt_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("ab\n\nbé\nab\n", encoding="utf-8")
    assert read_lexicon(tmp_path / "words.txt") == (Pronunciation("ab", "ab"), Pronunciation("bé", "bé"))


def test_words_with_phones_are_read_as_cmu_and_kaldi_write_them(tmp_path: Path) -> None:
    (tmp_path / "lexicon.txt").write_text(";;; CMU\nREAD  R EH D\nREAD(2)  R IY D\n(PAREN  P\n")
    assert read_lexicon(tmp_path / "lexicon.txt") == (
        Pronunciation("READ", "R EH D"),
        Pronunciation("READ", "R IY D"),
        Pronunciation("(PAREN", "P"),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"a b\nc\n", ":2: found 'c', expected a word and its phones"),
        (b"a\nb c\n", ":2: found 'b c', expected a word alone"),
        (b"\n\n", "has no words"),
        (b"\xe9", "not UTF-8"),
    ],
)
def test_a_lexicon_that_is_none_is_refused(tmp_path: Path, text: bytes, message: str) -> None:
    (tmp_path / "lexicon.txt").write_bytes(text)
    with pytest.raises(FormatError, match=message):
        read_lexicon(tmp_path / "lexicon.txt")
    with pytest.raises(FormatError, match="No such file"):
        read_lexicon(tmp_path / "none.txt")
