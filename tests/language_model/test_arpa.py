import gzip
from pathlib import Path

import numpy as np
import pytest

from seqlabel.errors import FormatError
from seqlabel.language_model import corpus, estimate, read_arpa, write_arpa
from tests.language_model.reference import ArpaReference

# As SRILM writes it: <s> at -99, no back-off weight where nothing follows, tabs and a blank line here and there.
SRILM = """
\\data\\
ngram 1=5
ngram 2=4
ngram 3=2

\\1-grams:
-1.0\t</s>
-99\t<s>\t-0.30103
-0.5\ta\t-0.2
-0.7\tb\t-0.1
-2.5e0\tc

\\2-grams:
-0.2\t<s> a\t-0.05
-0.9\ta b\t-0.15
-1.1\ta </s>
-.4\tb a

\\3-grams:
-0.1\t<s> a b
-0.3\ta b a

\\end\\
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "model.arpa"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("sentence", ["a b a", "b b c", "c", "", "a a a b a b", "c b a b"])
def test_scores_are_those_of_the_format(tmp_path: Path, sentence: str) -> None:
    path = written(tmp_path, SRILM)
    wanted = ArpaReference(path).sentence(sentence.split())
    np.testing.assert_allclose(read_arpa(path).log_probs(sentence.split()) / np.log(10), wanted, rtol=1e-6)


def test_windows_lines_spaces_and_gzip_are_read_alike(tmp_path: Path) -> None:
    plain = read_arpa(written(tmp_path, SRILM))
    (tmp_path / "other.arpa.gz").write_bytes(
        gzip.compress(SRILM.replace("\n", "\r\n").replace("\t", " ").encode())
    )
    other = read_arpa(tmp_path / "other.arpa.gz")
    assert other.words == plain.words
    np.testing.assert_array_equal(other.log_probs(["a", "b"]), plain.log_probs(["a", "b"]))


def test_a_history_that_was_cut_out_is_put_back_without_changing_anything(tmp_path: Path) -> None:
    text = SRILM.replace("-0.9\ta b\t-0.15\n", "").replace("ngram 2=4", "ngram 2=3")
    path = written(tmp_path, text)
    model, reference = read_arpa(path), ArpaReference(path)
    for sentence in ("a b a b", "b a b a", "c a b"):
        wanted = reference.sentence(sentence.split())
        np.testing.assert_allclose(model.log_probs(sentence.split()) / np.log(10), wanted, rtol=1e-5)


def test_words_without_unk_cost_what_kenlm_says(tmp_path: Path) -> None:
    # Minus 100 for what is unknown, and what it costs to fall back from <s>.
    log_prob = read_arpa(written(tmp_path, SRILM)).log_probs(["zebra"])[0]
    assert log_prob == pytest.approx(-100.30103 * np.log(10))


@pytest.mark.parametrize(
    ("wrong", "right", "reason"),
    [
        ("-0.9\ta b\t-0.15", "x.9\ta b\t-0.15", r":16: expected a number"),
        ("-0.9\ta b\t-0.15", "-0.9\ta", r":16: has fewer words"),
        ("-0.9\ta b\t-0.15", "-0.9\ta b -0.15 c", r":16: has more"),
        ("-0.9\ta b\t-0.15", "-0.9\ta z\t-0.15", r":16: has a word that is not among the 1-grams"),
        ("-0.9\ta b\t-0.15\n", "", r":19: the section ends before"),
        ("-0.9\ta b\t-0.15", "0.9\ta b\t-0.15", r":16: has a probability above one"),
        ("ngram 1=5", "ngram 1=\u00b2", r":3: expected `ngram 1=NUMBER`"),
        ("ngram 2=4", "ngram 2=400000", r":4: 400000 n-grams cannot be in this file"),
        ("a b\t-0.15", "a b\t1e39", r":16: has more"),
        ("ngram 2=4", "ngram 2=3", r":18: has more"),
        ("ngram 2=4", "ngram 3=4", r":4: expected `ngram 2=NUMBER`"),
        ("\\3-grams:", "\\4-grams:", r":20: expected \\3-grams:"),
        ("\\end\\", "", r"breaks off before \\end\\"),
        ("\\data\\", "data", r"expected \\data\\ first"),
        ("-2.5e0\tc", "-2.5e0\ta", "stands twice"),
        ("-1.1\ta </s>", "-1.1\ta b", "stands there twice"),
    ],
)
def test_a_broken_file_is_refused_with_line_and_reason(
    tmp_path: Path, wrong: str, right: str, reason: str
) -> None:
    assert wrong in SRILM
    with pytest.raises(FormatError, match=reason):
        read_arpa(written(tmp_path, SRILM.replace(wrong, right)))


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no such file"):
        read_arpa(tmp_path / "none.arpa")
    with pytest.raises(FormatError, match="is a folder"):
        read_arpa(tmp_path)
    with pytest.raises(FormatError, match="breaks off"):
        read_arpa(written(tmp_path, ""))
    (tmp_path / "cut.gz").write_bytes(gzip.compress(SRILM.encode())[:-20])
    with pytest.raises(FormatError, match="cannot be read"):
        read_arpa(tmp_path / "cut.gz")


def test_every_prefix_of_a_file_is_refused(tmp_path: Path) -> None:
    whole = SRILM.strip()
    for length in range(0, len(whole) - 1, 7):
        with pytest.raises(FormatError):
            read_arpa(written(tmp_path, whole[:length]))


def test_a_model_of_our_own_scores_like_its_file(tmp_path: Path) -> None:
    text = "il lègue à sa femme\nil donne tout à sa mère\nfait à paris le deux août\nil lègue tout à elle"
    path = tmp_path / "model.arpa"
    write_arpa(path, estimate(corpus([text], "char"), 5).model)
    reference, model = ArpaReference(path), read_arpa(path)
    for line in ("il donne à sa femme", "zut alors"):
        words = ["<space>" if c == " " else c for c in line]
        np.testing.assert_allclose(model.log_probs(words) / np.log(10), reference.sentence(words), atol=2e-5)


def test_a_link_stays_a_link_and_a_device_a_device(tmp_path: Path) -> None:
    model = estimate(corpus(["a b"], "word"), 1).model
    target = tmp_path / "target.arpa"
    (tmp_path / "link.arpa").symlink_to(target)
    write_arpa(tmp_path / "link.arpa", model)
    assert (tmp_path / "link.arpa").is_symlink() and target.is_file()
    write_arpa(Path("/dev/null"), model)
    assert Path("/dev/null").is_char_device()
