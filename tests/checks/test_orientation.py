from pathlib import Path

import numpy as np
import pytest

from seqlabel.checks.contents import read_content
from seqlabel.checks.orientation import LEAST_LINES, turned_difference, upside_down
from seqlabel.manifest import read_manifest
from tests.checks.made_up import line

TURNED = [7, 31, 50]


def differences(num_lines: int, turned: list[int]) -> list[np.ndarray]:
    found = []
    for number in range(num_lines):
        is_ink = line(20, seed=number) < 128
        difference = turned_difference(is_ink[::-1, ::-1] if number in turned else is_ink)
        assert difference is not None
        found.append(difference)
    return found


def test_a_turned_line_differs_from_itself_by_the_opposite() -> None:
    is_ink = np.kron(np.random.default_rng(0).random((16, 160)) < 0.3, np.ones((2, 2), bool))
    first, second = turned_difference(is_ink), turned_difference(is_ink[::-1, ::-1])
    assert first is not None and second is not None
    assert np.allclose(first, -second, atol=2e-3)
    assert np.abs(first).max() > 0.01


def test_lines_upside_down_are_found_among_others() -> None:
    keys = [f"page {number // 8}" for number in range(100)]
    assert upside_down(differences(100, TURNED), keys) == TURNED


def test_nothing_is_found_among_upright_lines() -> None:
    assert upside_down(differences(100, []), [str(number) for number in range(100)]) == []


def test_of_few_lines_and_of_lines_that_look_the_same_either_way_nothing_is_said() -> None:
    few = differences(LEAST_LINES - 1, [])
    assert upside_down(few, [str(number) for number in range(len(few))]) is None
    rng = np.random.default_rng(0)
    noise = [turned_difference(rng.random((20, 200)) < 0.3) for _ in range(100)]
    assert upside_down([one for one in noise if one is not None], list(map(str, range(100)))) is None


def test_a_short_line_is_not_judged() -> None:
    assert turned_difference(line(3) < 128) is None
    assert turned_difference(np.zeros((20, 300), bool)) is None


@pytest.mark.slow
def test_of_real_lines_most_that_are_turned_are_found_and_hardly_any_other() -> None:
    manifest = Path(__file__).resolve().parents[2] / "data" / "poilus" / "train.jsonl"
    if not manifest.is_file():
        pytest.skip(f"no prepared corpus at {manifest}; run python -m data_prep.poilus data/poilus")
    examples = read_manifest(manifest)[:1200]
    contents = [read_content(example, "line image").turned for example in examples]
    judged = [
        (turned, example.group or "")
        for turned, example in zip(contents, examples, strict=True)
        if turned is not None
    ]
    chosen = set(np.random.default_rng(0).choice(len(judged), 20, replace=False).tolist())
    turned = [-one if number in chosen else one for number, (one, _) in enumerate(judged)]
    found = upside_down(turned, [group for _, group in judged])
    assert found is not None
    assert len(chosen & set(found)) >= 12
    assert len(set(found) - chosen) <= 3
