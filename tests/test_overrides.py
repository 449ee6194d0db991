import re
from pathlib import Path
from typing import Literal

import pytest

from seqlabel.config import Config, Count, Positive, Share
from seqlabel.errors import ConfigError
from seqlabel.experiment import load_recipe
from seqlabel.overrides import check, describe, override, settings

RECIPES = sorted(
    path for path in (Path(__file__).parents[1] / "recipes").glob("*/*.py") if path.stem == path.parent.name
)


class Left(Config, frozen=True, tag="left"):
    depth: Count = 1


class Right(Config, frozen=True, tag="right"):
    width: Positive = 1.0


class Part(Config, frozen=True):
    sizes: tuple[Count, ...] = (1, 2)
    pair: tuple[int, int] = (3, 3)
    side: Left | Right = Left()
    sides: tuple[Left | Right, ...] = (Left(), Right())
    maybe: Left | None = None


class Whole(Config, frozen=True):
    name: str = "whole"
    share: Share | None = 0.5
    is_on: bool = True
    kind: Literal["one", "two"] = "one"
    part: Part = Part()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("--name other", Whole(name="other")),
        ("--name 3", Whole(name="3")),
        ("--share 0.25", Whole(share=0.25)),
        ("--share=0", Whole(share=0.0)),
        ("--share none", Whole(share=None)),
        ("--is-on false", Whole(is_on=False)),
        ("--is_on false", Whole(is_on=False)),
        ("--kind two", Whole(kind="two")),
        ("--part.sizes 4 5 6", Whole(part=Part(sizes=(4, 5, 6)))),
        ("--part.sizes 4", Whole(part=Part(sizes=(4,)))),
        ("--part.sizes []", Whole(part=Part(sizes=()))),
        ("--part.sizes.1 7", Whole(part=Part(sizes=(1, 7)))),
        ("--part.pair 1 -2", Whole(part=Part(pair=(1, -2)))),
        ("--part.side.depth 9", Whole(part=Part(side=Left(depth=9)))),
        ("--part.side right", Whole(part=Part(side=Right()))),
        ("--part.side right --part.side.width 2", Whole(part=Part(side=Right(width=2.0)))),
        ('--part.side {"type":"right","width":3}', Whole(part=Part(side=Right(width=3.0)))),
        ("--part.sides.1.width 4", Whole(part=Part(sides=(Left(), Right(width=4.0))))),
        ('--part.maybe {"type":"left"}', Whole(part=Part(maybe=Left()))),
        ("--name a --name b", Whole(name="b")),
    ],
)
def test_a_setting_is_replaced_by_its_name(words: str, expected: Whole) -> None:
    assert override(Whole(), words.split()) == expected


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--nam x", "--nam: no setting 'nam' in a recipe; did you mean name?"),
        ("--part.siezs 1", "--part.siezs: no setting 'siezs' in part; did you mean sizes?"),
        ("--zzz 1", "there are name, share, is-on, kind, part"),
        ("--name.x 1", "nothing can be set below name"),
        ("--part.sides.2.depth 1", "no setting '2' in part.sides"),
        ("--share 1", "--share 1: expected a number from 0 below 1 or none"),
        ("--share nan", "expected a number from 0 below 1"),
        ("--share", "--share: has no value"),
        ("--share=", "expected a number"),
        ("--is-on yes", "expected true or false"),
        ("--kind three", "expected one or two"),
        ("--name a b", "found 2 values"),
        ("--part.pair 1", "expected 2 values"),
        ("--part.sizes 0", "one or more of: a whole number from 1"),
        ("--part.side up", "expected left or right"),
        ("--part.side {", "not JSON"),
        ("--part 3", "expected a group of settings"),
        ("--part.side.width 3", "no setting 'width' in part.side"),
        ("stray", "'stray'"),
    ],
)
def test_what_cannot_be_set_is_refused_with_what_can(words: str, said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)):
        override(Whole(), words.split())


@pytest.mark.parametrize("word", ["inf", "-inf", "nan"])
def test_a_number_is_finite(word: str) -> None:
    with pytest.raises(ConfigError, match="expected a number above 0"):
        override(Right(), ["--width", word])


def test_nothing_to_override_changes_nothing() -> None:
    assert override(Whole(), []) == Whole()


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_setting_of_a_recipe_can_be_typed_as_it_is_listed(path: Path) -> None:
    config = load_recipe(path)
    for name, value in settings(config):
        assert override(config, [name, *value.split()]) == config, name


def test_a_value_of_the_wrong_type_is_found_by_its_place() -> None:
    wrong = Whole(part=Part(side=Left(depth="deep")))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"part\.side\.depth: expected `int`, got `str`"):
        check(wrong)


def test_a_value_out_of_its_range_is_found_by_its_place() -> None:
    with pytest.raises(ConfigError, match=r"share: expected `float`"):
        check(Whole(share=1.5))


def test_a_right_configuration_passes() -> None:
    check(Whole())


def test_types_read_as_people_say_them() -> None:
    assert describe(Share | None) == "a number from 0 below 1 or none"
    assert describe(tuple[Count, ...]) == "one or more of: a whole number from 1"
