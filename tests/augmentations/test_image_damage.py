import numpy as np
import pytest

from seqlabel.augmentations import ImageDamageConfig
from seqlabel.records import LineImage

WHOLE = dict.fromkeys(("bleed", "cutout", "show_through", "rules", "stains", "light", "gamma"), 0.0)
PAPER = 220
KINDS = tuple(WHOLE)


def line(height: int = 64, width: int = 600, paper: int = PAPER) -> LineImage:
    pixels = np.full((height, width), paper, np.uint8)
    for left in range(30, width - 30, 40):
        pixels[height // 4 : 3 * height // 4, left : left + 5] = 40
    return LineImage(pixels)


def dark(width: int) -> LineImage:
    """Ink in the upper part of all columns, so that no patch falls beside it."""
    rows = np.where(np.arange(64)[:, None] < 44, 0, PAPER)
    return LineImage(np.tile(rows, (1, width)).astype(np.uint8))


def blank(height: int = 64, width: int = 600) -> LineImage:
    return LineImage(np.full((height, width), PAPER, np.uint8))


def damaged(kind: str, image: LineImage, seed: int = 1, **settings: float) -> np.ndarray:
    augment = ImageDamageConfig(**{**WHOLE, kind: 1.0, **settings}).build()
    return augment(image, np.random.default_rng(seed)).pixels


every_kind = pytest.mark.parametrize("kind", KINDS)
some_seeds = pytest.mark.parametrize("seed", range(8))


@every_kind
def test_each_kind_changes_the_line_and_keeps_its_size_and_bytes(kind: str) -> None:
    image = dark(600) if kind == "cutout" else line()
    found = [damaged(kind, image, seed) for seed in range(20)]
    assert all(pixels.shape == (64, 600) and pixels.dtype == np.uint8 for pixels in found)
    assert np.mean([(pixels != image.pixels).any() for pixels in found]) >= 0.9


@every_kind
def test_a_kind_comes_as_often_as_its_probability_says(kind: str) -> None:
    augment = ImageDamageConfig(**{**WHOLE, kind: 0.3}).build()
    image = dark(200) if kind == "cutout" else line(width=200)
    changed = [
        augment(image, np.random.default_rng(seed)).pixels is not image.pixels
        and (augment(image, np.random.default_rng(seed)).pixels != image.pixels).any()
        for seed in range(400)
    ]
    assert 0.2 < np.mean(changed) < 0.37


@every_kind
def test_one_kind_that_is_on_does_not_hang_on_the_probability_of_another(kind: str) -> None:
    # Whether a kind comes is drawn for itself, so that one more kind leaves lines without it as they were.
    others = {name: 0.4 for name in KINDS if name != kind}
    image = line(width=200)
    with_it, without = (
        [
            ImageDamageConfig(**others, **{kind: p}).build()(image, np.random.default_rng(s)).pixels
            for s in range(40)
        ]
        for p in (0.5, 0.0)
    )
    same = np.mean([np.array_equal(a, b) for a, b in zip(with_it, without, strict=True)])
    assert 0.25 < same < 0.85


@every_kind
@pytest.mark.parametrize("shape", [(1, 1), (2, 300), (64, 3), (128, 2000)])
def test_odd_shapes_survive(kind: str, shape: tuple[int, int]) -> None:
    for value in (0, 255):
        image = LineImage(np.full(shape, value, np.uint8))
        for seed in range(4):
            assert damaged(kind, image, seed).shape == shape


def test_an_image_without_pixels_is_left_alone() -> None:
    image = LineImage(np.zeros((0, 5), np.uint8))
    assert ImageDamageConfig().build()(image, np.random.default_rng(1)) is image


@some_seeds
@pytest.mark.parametrize("kind", ["bleed", "show_through", "rules", "stains", "light"])
def test_what_takes_light_makes_no_pixel_lighter(kind: str, seed: int) -> None:
    assert (damaged(kind, line(), seed) <= line().pixels).all()


@some_seeds
@pytest.mark.parametrize("kind", ["show_through", "rules", "stains", "light"])
def test_no_more_light_is_taken_than_the_strength_says(kind: str, seed: int) -> None:
    pixels = damaged(kind, line(), seed, **{f"{kind}_strength": 0.2})
    assert (pixels >= 0.8 * line().pixels.astype(float) - 1).all()


@some_seeds
def test_ink_runs_near_the_strokes_alone(seed: int) -> None:
    pixels = damaged("bleed", line(), seed)
    is_ink = line().pixels < 128
    changed = pixels != line().pixels
    reach = np.zeros_like(is_ink)
    for column in np.flatnonzero(is_ink.any(axis=0)):
        reach[8:56, max(0, column - 8) : column + 9] = True
    assert changed.any() and not changed[~reach].any()


def test_the_longer_the_reach_the_broader_the_strokes() -> None:
    darkness = [
        float(
            np.mean([255.0 - damaged("bleed", line(), seed, bleed_reach=reach).mean() for seed in range(8)])
        )
        for reach in (0.01, 0.03, 0.08)
    ]
    assert darkness[0] < darkness[1] < darkness[2]


@some_seeds
def test_patches_are_paper_and_the_rest_is_left_alone(seed: int) -> None:
    pixels = damaged("cutout", line(), seed)
    changed = pixels != line().pixels
    assert (pixels[changed] == PAPER).all()
    assert changed.mean() < 0.05


def test_every_part_of_the_line_can_lose_its_ink() -> None:
    lost = sum((damaged("cutout", dark(300), seed) != dark(300).pixels).astype(int) for seed in range(800))
    columns = lost[:44].sum(axis=0)
    assert columns.min() > 0
    for part in (columns[:40], columns[130:170], columns[-40:]):
        assert 0.65 < part.mean() / columns.mean() < 1.4


def test_a_patch_is_no_wider_than_asked_for() -> None:
    widths = [
        int((damaged("cutout", dark(64), s, cutout_size=0.25) == PAPER)[:40].any(axis=0).sum())
        for s in range(60)
    ]
    # One patch in most of the lines of this length.
    assert np.median(widths) <= 16 and max(widths) > 8


@some_seeds
def test_the_back_of_the_page_is_mirrored(seed: int) -> None:
    pixels = np.full((64, 600), PAPER, np.uint8)
    rng = np.random.default_rng(100 + seed)
    for left in np.cumsum(rng.integers(12, 60, 9)):
        pixels[:, left : left + 9] = 40
    through = damaged("show_through", LineImage(pixels), seed, show_through_strength=0.5)
    ghost = pixels.astype(float).mean(axis=0) - through.mean(axis=0)
    ghost[pixels[0] < 128] = 0  # on ink of its own there is little to be seen
    ink = (PAPER - pixels.astype(float)).mean(axis=0)

    def match(back: np.ndarray) -> float:
        return float(np.fft.irfft(np.fft.rfft(ghost) * np.conj(np.fft.rfft(back))).max())

    assert match(ink[::-1]) > 1.1 * match(ink)


def test_blank_paper_shows_nothing_through() -> None:
    np.testing.assert_array_equal(damaged("show_through", blank()), blank().pixels)


def test_rules_stand_at_one_distance() -> None:
    spread = []
    for seed in range(100):
        column = np.median(damaged("rules", blank(), seed)[:, 280:320], axis=1)
        starts = np.flatnonzero(np.diff((column < column.max()).astype(int)) == 1)
        if len(starts) > 2:
            spread.append(int(np.ptp(np.diff(starts))))
    assert len(spread) > 5
    assert max(spread) <= 2


@some_seeds
def test_rules_run_through_from_one_end_to_the_other(seed: int) -> None:
    assert (damaged("rules", blank(height=64, width=64), seed).min(axis=0) < PAPER).mean() in (0.0, 1.0)


def test_upright_rules_come_in_a_third_of_the_cases() -> None:
    # Between level lines the rows of a line without upright ones are all alike.
    found = []
    for seed in range(150):
        pixels = damaged("rules", blank(height=64, width=600), seed)
        found.append(
            (np.median(pixels, axis=0) < PAPER).any() and not (np.median(pixels, axis=0) < PAPER).all()
        )
    assert 0.2 < np.mean(found) < 0.5


@some_seeds
def test_stains_have_an_outside(seed: int) -> None:
    found = [float((damaged("stains", blank(width=1200), 10 * seed + i) == PAPER).mean()) for i in range(6)]
    assert 0.4 < np.mean(found) < 0.98


@some_seeds
def test_light_changes_slowly_and_is_a_factor(seed: int) -> None:
    light = damaged("light", LineImage(np.full((64, 600), 250, np.uint8)), seed).astype(float)
    assert np.abs(np.diff(light, axis=1)).max() <= 4
    assert np.abs(np.diff(light, axis=0)).max() <= 3
    written = damaged("light", line(), seed).astype(float)
    np.testing.assert_allclose(written / line().pixels, light / 250, atol=0.02)


@some_seeds
def test_gamma_keeps_black_white_and_the_order_of_the_grey_values(seed: int) -> None:
    ramp = LineImage(np.tile(np.arange(256, dtype=np.uint8), (4, 1)))
    tone = damaged("gamma", ramp, seed)[0].astype(int)
    assert tone[0] == 0 and tone[255] == 255
    assert (np.diff(tone) >= 0).all()


def test_gamma_makes_lines_both_lighter_and_darker() -> None:
    ramp = LineImage(np.full((4, 4), 128, np.uint8))
    tones = [int(damaged("gamma", ramp, seed, gamma_strength=0.5)[0, 0]) for seed in range(60)]
    assert 81 <= min(tones) < 100 and 150 < max(tones) <= 168
