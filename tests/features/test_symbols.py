import pytest

from seqlabel.errors import ConfigError, FormatError
from seqlabel.features import SymbolsConfig
from seqlabel.records import Symbols


def test_each_symbol_is_its_place_in_the_table() -> None:
    feature = SymbolsConfig(table=("a", "b", "c")).build()
    assert feature(Symbols(("b", "b", "a"))).tolist() == [[2], [2], [1]]


def test_a_symbol_may_take_several_frames() -> None:
    feature = SymbolsConfig(table=("a", "b"), repeat=2).build()
    assert feature(Symbols(("b", "a"))).tolist() == [[2], [2], [1], [1]]


def test_a_symbol_outside_of_the_table_is_named() -> None:
    with pytest.raises(FormatError, match="symbol 'x' is not in the table of 2"):
        SymbolsConfig(table=("a", "b")).build()(Symbols(("a", "x")))


@pytest.mark.parametrize("settings", [{"table": ()}, {"table": ("a", "a")}, {"table": ("a",), "repeat": 0}])
def test_settings_that_make_no_table_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="expected"):
        SymbolsConfig(**settings)  # type: ignore[arg-type]
