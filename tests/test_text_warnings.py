from seqlabel.text_warnings import rare_tokens, unknown_tokens, warnings_of_texts
from seqlabel.texts import TextConfig
from seqlabel.tokens import TokenTable

PLAIN = [("one", "abc"), ("two", "\u00e9t\u00e9")]
ALEF, BET = "\u05d0", "\u05d1"


def test_plain_texts_are_not_talked_about() -> None:
    assert warnings_of_texts(PLAIN, PLAIN, TextConfig(), "character") == []
    assert rare_tokens([("one", "aabb")], TokenTable.from_texts(["ab"]), 2) is None
    assert unknown_tokens([("one", "ba")], TokenTable.from_texts(["ab"])) is None


def test_a_corpus_that_is_decomposed_throughout_is_not_mixed() -> None:
    assert warnings_of_texts([("one", "e\u0301te\u0301")], [("two", "abc")], TextConfig(), "character") == []


def test_characters_in_several_forms_are_counted_with_their_first_id() -> None:
    dev = [("three", "e\u0301te"), ("four", "a\u0300")]
    [line] = warnings_of_texts(PLAIN, dev, TextConfig(), "character")
    assert line == (
        "1 characters are written in several ways, learnt as one (NFC): "
        "'\u00e9' 3 times, of them 1 as U+0065 U+0301, first 'three'"
    )
    [line] = warnings_of_texts(PLAIN, dev, TextConfig(unicode_form=None), "character")
    assert "learnt as different tokens" in line and line.endswith("--texts.unicode-form NFC makes them one")


def test_of_many_mixed_characters_the_others_are_counted() -> None:
    letters = "aeiouy"
    composed = [("c", "\u00e1\u00e9\u00ed\u00f3\u00fa\u00fd")]
    [line] = warnings_of_texts(
        composed, [("d", "".join(f"{letter}\u0301" for letter in letters))], TextConfig(), "character"
    )
    assert line.startswith("6 characters") and line.endswith("; and 1 more characters")


def test_rare_characters_are_named_with_code_point_name_count_and_id() -> None:
    texts = [("one", "aaa\u017f"), ("two", "\u017fb")]
    tokens = TokenTable.from_texts(text for _, text in texts)
    assert rare_tokens(texts, tokens, 3) == (
        "2 of 3 characters are rare, fewer than 3 times in training: 'b' (U+0062, LATIN SMALL LETTER B) once, "
        "first 'two'; '\u017f' (U+017F, LATIN SMALL LETTER LONG S) 2 times, first 'one'"
    )


def test_of_many_rare_characters_the_others_are_counted_with_their_occurrences() -> None:
    line = rare_tokens([("one", "abcdefgg")], TokenTable.from_texts(["abcdefg"]), 3)
    assert line is not None and line.endswith("; and 2 more characters, 3 times in all")


def test_rare_words_and_graphemes_are_named_as_what_they_are() -> None:
    line = rare_tokens([("one", "ah ah b")], TokenTable.from_texts(["ah b"], "word"), 2)
    assert line == "1 of 2 words are rare, fewer than 2 times in training: 'b' once, first 'one'"
    line = rare_tokens([("one", "x\u0301")], TokenTable.from_texts(["x\u0301"], "grapheme"), 2)
    assert line is not None and "'x\u0301' (U+0078 U+0301) once" in line


def test_what_only_dev_has_is_counted() -> None:
    line = unknown_tokens([("one", "abc"), ("two", "cc")], TokenTable.from_texts(["ab"]))
    assert line == (
        "dev has 1 characters that no training text has, always counted as errors: "
        "'c' (U+0063, LATIN SMALL LETTER C) 3 times, first 'one'"
    )


def test_texts_that_look_like_others_on_paper_are_counted() -> None:
    texts = [("one", ALEF + BET), ("two", f"ab {ALEF} {BET} {ALEF}")]
    [line] = warnings_of_texts(texts, [], TextConfig(reading_order="visual"), "character")
    assert line.startswith("1 of 2 training texts cannot be told from their order on the line")
    assert "'two'" in line and line.endswith("set --texts.base-direction")
    fixed = TextConfig(reading_order="visual", base_direction="R")
    assert warnings_of_texts(texts, [], fixed, "character") == []
