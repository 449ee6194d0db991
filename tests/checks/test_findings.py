import unicodedata
from pathlib import Path

from seqlabel.checks import KINDS, LEVELS
from seqlabel.checks.look_alikes import SCRIPT_OF, TWINS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "checking.md"


def test_every_kind_has_a_name_of_its_own_and_the_gravest_come_first() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS)
    levels = [LEVELS.index(kind.level) for kind in KINDS]
    assert levels == sorted(levels)


def test_the_page_on_checking_names_every_kind() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [kind.name for kind in KINDS if f"`{kind.name}`" not in page] == []


def test_letters_with_twins_are_of_the_script_that_is_said_and_twins_are_mutual() -> None:
    for letter, script in SCRIPT_OF.items():
        assert unicodedata.name(letter).startswith(script.upper()), letter
        for other, twin in TWINS[letter].items():
            assert SCRIPT_OF[twin] == other != script
            assert TWINS[twin][script] == letter
