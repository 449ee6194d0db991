from pathlib import Path

import msgspec
import pytest

from seqlabel.errors import ConfigError
from seqlabel.texts import RuleConfig, TextConfig, changes, read_rules

LONG_S = RuleConfig(pattern="\u017f", replacement="s")


def test_texts_of_different_forms_become_one() -> None:
    assert TextConfig().prepare("e\u0301") == "\u00e9"
    assert TextConfig(unicode_form="NFD").prepare("\u00e9") == "e\u0301"
    assert TextConfig(unicode_form=None).prepare("e\u0301\u00e9") == "e\u0301\u00e9"


def test_rules_are_applied_in_their_order() -> None:
    rules = (RuleConfig(pattern="a", replacement="b"), RuleConfig(pattern="b", replacement="c"))
    assert TextConfig(rules=rules).prepare("ab") == "cc"
    assert TextConfig(rules=rules[::-1]).prepare("ab") == "bc"


def test_a_pattern_is_taken_letter_by_letter_unless_it_is_an_expression() -> None:
    dot = RuleConfig(pattern=".", replacement="!")
    assert TextConfig(rules=(dot,)).prepare("a.") == "a!"
    every = RuleConfig(pattern=r"(\d)\s+(?=\d)", replacement=r"\1", is_regex=True)
    assert TextConfig(rules=(every,)).prepare("1 2  3 a") == "123 a"


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("pattern", ["\u00e9", "e\u0301"])
def test_a_pattern_meets_texts_of_another_form(pattern: str, form: str) -> None:
    config = TextConfig(unicode_form=form, rules=(RuleConfig(pattern=pattern, replacement="x"),))
    assert config.prepare("caf\u00e9 cafe\u0301") == "cafx cafx"


def test_expressions_know_unicode_properties_and_what_they_make_is_in_form_again() -> None:
    points = RuleConfig(pattern=r"\p{Mn}", replacement="", is_regex=True)
    assert TextConfig(rules=(points,)).prepare("\u05e9\u05c1\u05b8\u05dc") == "\u05e9\u05dc"
    accent = RuleConfig(pattern="'", replacement="\u0301")
    assert TextConfig(rules=(accent,)).prepare("e'") == "\u00e9"


def test_changes_count_the_texts_that_read_otherwise_and_not_their_form() -> None:
    texts = [("one", "e\u0301"), ("two", "\u017fo"), ("three", "so"), ("four", "\u017f"), ("five", "\u017f")]
    assert changes(TextConfig(), texts) is None
    found = changes(TextConfig(rules=(LONG_S,)), [*texts, ("six", "\u017f")])
    assert str(found) == (
        "rules changed 4 of 6 texts: two, four, five and 1 more; first '\u017fo' became 'so'"
    )
    assert changes(TextConfig(rules=(LONG_S,)), texts[:1]) is None


# --- files of rules ---------------------------------------------------------------------------------------


def test_a_file_has_a_rule_a_line(tmp_path: Path) -> None:
    path = tmp_path / "rules.tsv"
    path.write_text("# long s\n\u017f\ts\r\n\n#\tNo.\n\u204a\t\n\\d+\t#\tregex\n", encoding="utf-8-sig")
    assert read_rules(path) == (
        LONG_S,
        RuleConfig(pattern="#", replacement="No."),
        RuleConfig(pattern="\u204a", replacement=""),
        RuleConfig(pattern=r"\d+", replacement="#", is_regex=True),
    )


def test_a_file_of_json_can_have_any_character(tmp_path: Path) -> None:
    path = tmp_path / "rules.jsonl"
    path.write_text('{"from": "\\t", "to": " "}\n{"from": " +", "to": " ", "regex": true}\n')
    assert read_rules(path) == (
        RuleConfig(pattern="\t", replacement=" "),
        RuleConfig(pattern=" +", replacement=" ", is_regex=True),
    )


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("r.tsv", b"a\tb\n[a\tb\tregex\n", "r.tsv:2: rule '[a' -> 'b': unterminated character set"),
        ("r.tsv", b"a\t\\2\tregex\n", "r.tsv:1: rule 'a' -> '\\\\2': invalid group reference"),
        ("r.tsv", b"a b\n", "r.tsv:1: found 1 columns, expected FROM, tab, TO"),
        ("r.tsv", b"a\tb\tRegExp\n", "r.tsv:1: found 'RegExp' in the third column"),
        ("r.tsv", b"\tb\n", "r.tsv:1: a rule has nothing to replace"),
        ("r.tsv", b"# nothing\n", "r.tsv: has no rules"),
        ("r.tsv", b"\xe9\te\n", "r.tsv: byte 0 is not UTF-8"),
        ("r.json", b'{"from": "a"}\n', "r.json:1: Object missing required field `to`"),
        ("r.json", b'{"from": "a", "to": "b", "regexp": true}\n', "unknown field `regexp`"),
        ("r.json", b"{\n", "r.json:1: Input data was truncated"),
        ("gone.tsv", None, "gone.tsv: No such file or directory; name a file of rules"),
    ],
)
def test_a_file_that_has_no_rules_is_refused_with_its_line(
    name: str, content: bytes | None, said: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError) as refusal:
        read_rules(tmp_path / name)
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_the_rules_of_a_file_stand_behind_the_others_and_the_file_is_not_needed_again(tmp_path: Path) -> None:
    (tmp_path / "r.tsv").write_text("a\tb\n")
    config = TextConfig(rules=(LONG_S,), rules_file=str(tmp_path / "r.tsv")).with_file()
    assert config == TextConfig(rules=(LONG_S, RuleConfig(pattern="a", replacement="b")))
    assert config.with_file() is config
    assert msgspec.json.decode(msgspec.json.encode(config), type=TextConfig) == config


def test_white_space_can_be_replaced_and_lines_without_anything_are_none(tmp_path: Path) -> None:
    path = tmp_path / "rules.tsv"
    path.write_text("\u00a0\t \n  \n\t\t\n# spaces\n\u2009\t\n")
    assert TextConfig(rules=read_rules(path)).prepare("a\u00a0b\u2009c") == "a bc"
