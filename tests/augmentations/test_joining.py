import numpy as np
import pytest

from seqlabel.augmentations.joining import joined
from seqlabel.records import LineImage, Matrix, Signal, Strokes, Symbols, Waveform


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def line(height: int, width: int, paper: int) -> LineImage:
    pixels = np.full((height, width), paper, np.uint8)
    pixels[height // 3 : height // 2, 2:-2] = 20
    return LineImage(pixels)


def test_line_images_stand_side_by_side_with_paper_between_them() -> None:
    first, second = line(40, 100, 220), line(40, 60, 200)
    both = joined(first, second, rng())
    assert isinstance(both, LineImage)
    gap = both.pixels[:, 100:-60]
    assert np.array_equal(both.pixels[:, :100], first.pixels)
    assert np.array_equal(both.pixels[:, -60:], second.pixels)
    assert 4 <= gap.shape[1] <= 16
    assert gap.min() >= 199 and gap.max() <= 220


def test_a_line_image_of_another_height_is_brought_to_that_of_the_first() -> None:
    both = joined(line(40, 100, 220), line(80, 100, 220), rng())
    assert isinstance(both, LineImage)
    assert both.pixels.shape[0] == 40
    assert 150 + 4 <= both.pixels.shape[1] <= 150 + 16


def stroke(*points: tuple[float, float]) -> np.ndarray:
    return np.array(points, np.float32)


def test_ink_follows_to_the_right_at_the_level_of_the_first() -> None:
    first = Strokes((stroke((0, 0), (10, 20)), stroke((12, 10))))
    second = Strokes((stroke((500, 1000), (510, 1020), (505, 1010)),))
    both = joined(first, second, rng())
    assert isinstance(both, Strokes)
    assert all(np.array_equal(a, b) for a, b in zip(both.strokes, first.strokes, strict=False))
    added = both.strokes[-1]
    assert np.allclose(added - added[0], second.strokes[0] - second.strokes[0][0])
    assert 12 < added[:, 0].min() < 12 + 20
    assert np.median(added[:, 1]) == pytest.approx(10)


def test_times_go_on_after_a_pause_and_pressures_stay() -> None:
    first = Strokes((stroke((0, 0), (1, 1)),), (np.float32([0, 0.5]),), (np.float32([7, 8]),))
    second = Strokes((stroke((0, 0)), stroke((2, 2))), (np.float32([0]), np.float32([0.25])), None)
    both = joined(first, second, rng())
    assert isinstance(both, Strokes) and both.times is not None
    assert both.pressures is None
    times = np.concatenate(both.times)
    assert 0.7 <= times[2] <= 1.1
    assert times[3] - times[2] == pytest.approx(0.25)


def test_ink_without_a_point_is_not_joined() -> None:
    assert joined(Strokes((stroke((0, 0)),)), Strokes(()), rng()) is None


def test_speech_is_parted_by_noise_as_loud_as_its_quietest_moment() -> None:
    loud = (0.5 * np.sin(np.arange(8000))).astype(np.float32)
    quiet = np.random.default_rng(2).normal(0, 0.01, 2000).astype(np.float32)
    first, second = Waveform(np.concatenate([loud, quiet]), 8000), Waveform(loud, 8000)
    both = joined(first, second, rng())
    assert isinstance(both, Waveform)
    pause = both.samples[10000:-8000]
    assert 0.05 * 8000 <= len(pause) <= 0.3 * 8000
    assert 0.005 < pause.std() < 0.012
    assert np.array_equal(both.samples[:10000], first.samples)
    assert np.array_equal(both.samples[-8000:], second.samples)


def test_matrices_and_symbols_follow_each_other_directly() -> None:
    matrix = joined(Matrix(np.ones((3, 2), np.float32)), Matrix(np.zeros((2, 2), np.float32)), rng())
    assert isinstance(matrix, Matrix) and matrix.values[:, 0].tolist() == [1, 1, 1, 0, 0]
    symbols = joined(Symbols(("a",)), Symbols(("b", "c")), rng())
    assert isinstance(symbols, Symbols) and symbols.names == ("a", "b", "c")


@pytest.mark.parametrize(
    "second",
    [
        Waveform(np.zeros(10, np.float32), 16000),
        Matrix(np.ones((3, 2), np.float32)),
        LineImage(np.zeros((0, 0), np.uint8)),
    ],
    ids=["another rate", "another kind", "nothing"],
)
def test_what_does_not_go_together_is_not_joined(second: Signal) -> None:
    assert joined(Waveform(np.zeros(10, np.float32), 8000), second, rng()) is None
    assert joined(line(4, 4, 255), second, rng()) is None


def test_ink_that_runs_from_right_to_left_goes_on_at_the_left() -> None:
    stroke = np.array([[10, 0], [14, 4], [20, 1]], np.float32)
    found = joined(Strokes((stroke,)), Strokes((stroke + 300,)), np.random.default_rng(1), is_from_right=True)
    assert isinstance(found, Strokes)
    first, second = found.strokes
    assert first.tolist() == stroke.tolist()
    assert second[:, 0].max() < first[:, 0].min() < second[:, 0].max() + 4
