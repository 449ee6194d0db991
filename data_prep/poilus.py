"""CREMMA "Testaments de poilus": handwritten French wills 1898-1918, page images with ALTO. CC BY 4.0.

    python -m data_prep.poilus [SOURCE] OUT

The tree on disk (the pages may lie in folders, as in the published `data/**`):

    poilus/
      TestamentsDePoilus_will_AD78_0003-0.xml   ALTO 4: polygon, base line and text of each line
      TestamentsDePoilus_will_AD78_0003-0.jpg   the page, named in the ALTO file

Writes train and dev, and below OUT one grey PNG for each text line: the line's polygon cut out of the page,
everything outside of it filled with the paper's tone, scaled down to at most 128 pixels of height (never up).
The line is straightened first: where the base line runs up or down the page (writing in the margin) the page
is turned by a quarter, and each column is moved so that the base line becomes level. Without that a sloping
line's box is several lines high, and scaling it down leaves nothing to read.

A hand is the image's file name up to its last hyphen, and also the group of its lines; dev are the hands
whose MD5, read as one integer, leaves 1 modulo 10. Texts are in Unicode's NFC. Lines without text or without
an area on the page, and pages without lines, are counted and left out.
"""

import hashlib
import sys
import unicodedata
from pathlib import Path

import numpy as np

from data_prep.corpus_source import Prepared, Published, run
from seqlabel.errors import FormatError, ManifestError
from seqlabel.formats import AltoLine, AltoPage, cut_line, read_alto, read_line_image, write_line_image
from seqlabel.records import Example, LineImage

PUBLISHED = Published(
    name="poilus",
    page="https://github.com/HTR-United/CREMMA-AN-TestamentDePoilus",
    address="https://github.com/HTR-United/CREMMA-AN-TestamentDePoilus/archive/HEAD.zip",
    num_signals=2800,
)
MAX_HEIGHT_PIXELS = 128


def prepare(source: Path, out: Path) -> Prepared:
    """Returns the splits after the line images stand in `out/lines`."""
    prepared = Prepared(unit="lines", group_unit="hands", splits={"train": [], "dev": []})
    pages = [page for page in sorted(source.rglob("*.xml")) if page.name.lower() != "mets.xml"]
    if not pages:
        raise ManifestError(
            f"{source}: no ALTO file (*.xml) in it. Expected page images with an ALTO file for each."
        )
    for alto_path in pages:
        page = read_alto(alto_path)
        hand = hand_of(Path(page.image_name or alto_path.name).name)
        split = "dev" if is_dev_hand(hand) else "train"
        prepared.splits[split] += _cut_page(alto_path, page, hand, out, prepared)
    return prepared


def hand_of(image_name: str) -> str:
    """Returns the image's file name up to its last hyphen.

    >>> hand_of("TestamentsDePoilus_will_AD78_0003-1.jpg")
    'TestamentsDePoilus_will_AD78_0003'
    """
    return image_name.rsplit("-", 1)[0]


def is_dev_hand(hand: str) -> bool:
    """Tells whether the lines of a hand are held out: about every tenth hand is."""
    return int(hashlib.md5(hand.encode(), usedforsecurity=False).hexdigest(), 16) % 10 == 1


def shrink(image: LineImage, max_height: int = MAX_HEIGHT_PIXELS) -> LineImage:
    """Returns the image at most `max_height` pixels high, each new pixel the mean of the area it covers."""
    height, width = image.pixels.shape
    if height <= max_height:
        return image
    new_width = max(1, round(width * max_height / height))
    pixels = _area_means(_area_means(image.pixels.astype(np.float64), max_height).T, new_width).T
    return LineImage(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))


def straighten(page: np.ndarray, line: AltoLine) -> tuple[np.ndarray, np.ndarray]:
    """Returns a page on which the line's base line is level, and the line's polygon (n, 2) on it.

    Only the strip around the polygon is made. A line without a base line is taken to be level.
    """
    polygon = line.polygon
    baseline = line.baseline if line.baseline is not None else np.zeros((0, 2))
    if len(baseline) >= 2:
        run, fall = baseline[-1] - baseline[0]
        if abs(fall) > abs(run):
            page, polygon, baseline = _quarter_turn(page, polygon, baseline, is_downwards=bool(fall > 0))
        baseline = baseline[np.argsort(baseline[:, 0], kind="stable")]
    height, width = page.shape
    left = int(np.clip(np.floor(polygon[:, 0].min()), 0, width - 1))
    right = int(np.clip(np.ceil(polygon[:, 0].max()) + 1, left + 1, width))
    if len(baseline) < 2:
        return page[:, left:right], polygon - [left, 0]
    heights = np.interp(np.arange(left, right), baseline[:, 0], baseline[:, 1])
    level = heights.mean()
    moved = polygon[:, 1] - np.interp(polygon[:, 0], baseline[:, 0], baseline[:, 1]) + level
    top, bottom = int(np.floor(moved.min())), int(np.ceil(moved.max())) + 1
    rows = np.arange(top, bottom)[:, None] + np.rint(heights - level).astype(np.int64)[None, :]
    strip = page[rows.clip(0, height - 1), np.arange(left, right)[None, :]]
    return strip, np.column_stack([polygon[:, 0] - left, moved - top])


def _quarter_turn(
    page: np.ndarray, polygon: np.ndarray, baseline: np.ndarray, *, is_downwards: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns page and points turned so that writing down (or else up) the page runs to the right."""
    height, width = page.shape
    if is_downwards:
        turned = [np.column_stack([points[:, 1], width - 1 - points[:, 0]]) for points in (polygon, baseline)]
        return np.rot90(page, 1), turned[0], turned[1]
    turned = [np.column_stack([height - 1 - points[:, 1], points[:, 0]]) for points in (polygon, baseline)]
    return np.rot90(page, -1), turned[0], turned[1]


def _area_means(values: np.ndarray, num_rows: int) -> np.ndarray:
    """Returns `num_rows` rows, each the mean of an equal share of the rows; border rows count in part."""
    sums = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    edges = np.linspace(0, len(values), num_rows + 1)
    whole = np.minimum(edges.astype(np.int64), len(values) - 1)
    at_edges = sums[whole] + (edges - whole)[:, None] * values[whole]
    means: np.ndarray = np.diff(at_edges, axis=0) * (num_rows / len(values))
    return means


def _cut_page(alto_path: Path, page: AltoPage, hand: str, out: Path, prepared: Prepared) -> list[Example]:
    if not page.lines:
        prepared.leave_out("page without lines", alto_path.name)
        return []
    pixels = read_line_image(_page_image(alto_path, page)).pixels
    examples = []
    for number, line in enumerate(page.lines):
        line_id = f"{alto_path.stem}-{number:03d}"
        text = " ".join(unicodedata.normalize("NFC", line.text).split())
        if not text:
            prepared.leave_out("no text", line_id)
            continue
        if not _has_area(line.polygon, pixels):
            prepared.leave_out("no area on the page", line_id)
            continue
        try:
            image = shrink(cut_line(*straighten(pixels, line)))
        except FormatError as error:
            raise FormatError(f"{alto_path}: line {line.id}: {error}") from error
        target = out / "lines" / hand / f"{line_id}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        write_line_image(target, image)
        examples.append(Example(id=line_id, source=target, text=text, group=hand))
    return examples


def _page_image(alto_path: Path, page: AltoPage) -> Path:
    # The page stands beside its ALTO file under the same name; the entry may be the name in another export.
    candidates = [alto_path.with_name(Path(page.image_name).name)] if page.image_name else []
    candidates += [alto_path.with_suffix(suffix) for suffix in (".jpg", ".jpeg", ".png", ".tif")]
    for path in candidates:
        if path.is_file():
            return path
    raise ManifestError(f"{alto_path}: its page image {candidates[0].name} does not stand beside it.")


def _has_area(polygon: np.ndarray, page: np.ndarray) -> bool:
    """Tells whether the polygon encloses at least one square pixel, with some of its box on the page."""
    if len(polygon) < 3:
        return False
    height, width = page.shape
    x, y = polygon.T
    area = abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2  # the shoelace formula
    return bool(area >= 1 and x.max() >= 0 and y.max() >= 0 and x.min() < width and y.min() < height)


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    return run(prepare, PUBLISHED, __doc__, arguments)


if __name__ == "__main__":
    sys.exit(main())
