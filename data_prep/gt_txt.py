"""Any folder of line images with their texts beside them, as OCR-D, Calamari, tesstrain, OCRopus and kraken keep them.

    python -m data_prep.gt_txt SOURCE OUT [--split folder] [--group '(.*)_'] [--dev-share 0.1] [--test-share 0.1]

The tree on disk, whatever its folders are called and however deep they lie:

    gt_txt/
      book-a/0001/000001.png         the line; .tif, .jpg and the like also
      book-a/0001/000001.gt.txt      its text: one line of UTF-8
      book-a/0001/000002.bin.png     binarised, or .nrm.png: normalised (OCRopus, GT4HistOCR); 000002.png goes first
      book-a/0001/000002.gt.txt

Writes train and dev, with `--test-share` also test, referencing the images where they lie. Whole groups are set apart,
in the order of their MD5: the folders that images lie in, where there are several, otherwise each line. `--group` takes
what the first group of a regular expression finds in `book-a/0001/000001`, such as `(.*)/` or `^([^/]*)/`. `--split
folder` reads the splits from the highest folders instead: train or training; dev, val, valid, validation or eval; test.

Texts stay as they are but for their end of line, and Unicode's NFC, which is that of all manifests. Texts without an
image, images without a text, empty texts and images, and texts of several lines are counted and left out.
"""

import re
import sys
from collections import defaultdict
from pathlib import Path

from data_prep.corpus_source import Flags, Prepared, Published, read_lines, run
from data_prep.splitting import set_apart
from seqlabel.errors import ManifestError
from seqlabel.formats import IMAGE_SUFFIXES
from seqlabel.records import Example

PUBLISHED = Published(name="gt_txt", page="https://ocr-d.de/en/gt-guidelines/trans/", address=None)
TEXT_SUFFIX = ".gt.txt"
VARIANTS = ("", ".bin", ".nrm")
SPLIT_FOLDERS = {
    "train": ("train", "training"),
    "dev": ("dev", "val", "valid", "validation", "eval"),
    "test": ("test",),
}
FLAGS: Flags = {
    "--split": {"choices": ("share", "folder"), "default": "share", "help": "default: share"},
    "--group": {"default": None, "metavar": "PATTERN", "help": "names the group of an image (see above)"},
    "--dev-share": {"type": float, "default": 0.1, "help": "of all lines, for dev (default: 0.1)"},
    "--test-share": {"type": float, "default": 0.0, "help": "of all lines, for test (default: none)"},
}


def prepare(
    source: Path,
    out: Path,
    split: str = "share",
    group: str | None = None,
    dev_share: float = 0.1,
    test_share: float = 0.0,
) -> Prepared:
    """Returns the splits; nothing is written below `out`."""
    prepared = Prepared(unit="lines", group_unit="groups")
    lines = _read_lines_of(source, prepared)
    if not lines:
        raise ManifestError(
            f"{source}: no image with a text in it. Expected such as 0001.png and 0001{TEXT_SUFFIX}."
        )
    group_of = _groups(list(lines), group)
    examples = [
        Example(id=name, source=image, text=text, group=group_of[name])
        for name, (image, text) in sorted(lines.items())
    ]
    if split == "folder":
        prepared.splits = _by_folder(source, examples, prepared)
    else:
        prepared.splits = set_apart(examples, {"dev": dev_share, "test": test_share})
    return prepared


def _read_lines_of(source: Path, prepared: Prepared) -> dict[str, tuple[Path, str]]:
    """Path below `source` without its suffixes -> image and text."""
    texts: dict[str, Path] = {}
    images: dict[str, dict[str, list[Path]]] = defaultdict(lambda: defaultdict(list))
    for path in sorted(source.rglob("*")):
        name = path.relative_to(source).as_posix()
        if path.name.startswith(".") or not path.is_file():
            continue
        if name.endswith(TEXT_SUFFIX):
            texts[name.removesuffix(TEXT_SUFFIX)] = path
        elif path.suffix.lower() in IMAGE_SUFFIXES:
            stem = name.removesuffix(path.suffix)
            variant = next((end for end in VARIANTS[1:] if stem.endswith(end)), "")
            images[stem.removesuffix(variant)][variant].append(path)
    lines = {}
    for name, path in texts.items():
        found = next((images[name][variant] for variant in VARIANTS if images[name][variant]), [])
        content = read_lines(path)
        text = content[0].rstrip("\r") if content else ""
        if not found:
            prepared.leave_out("text without an image", path.relative_to(source).as_posix())
        elif len(found) > 1:
            prepared.leave_out("several images for one text", name)
        elif len(content) > 1:
            prepared.leave_out("text of several lines", name)
        elif not text.strip():
            prepared.leave_out("empty text", name)
        elif not found[0].stat().st_size:
            prepared.leave_out("image of 0 bytes", name)
        else:
            lines[name] = found[0], text
    for name in images:
        if name not in texts:
            prepared.leave_out("image without a text", name)
    return lines


def _groups(names: list[str], pattern: str | None) -> dict[str, str]:
    if pattern is None:
        folders = {name: name.rpartition("/")[0] for name in names}
        return folders if len(set(folders.values())) > 1 else {name: name for name in names}
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ManifestError(f"--group {pattern!r}: {error}. Expected a regular expression.") from error
    if not compiled.groups:
        raise ManifestError(f"--group {pattern!r}: has no group in parentheses. Expected such as '(.*)_'.")
    groups = {}
    for name in names:
        match = compiled.search(name)
        if match is None or not match[1]:
            raise ManifestError(
                f"--group {pattern!r}: finds nothing in {name!r}. Expected a group for each image."
            )
        groups[name] = match[1]
    return groups


def _by_folder(source: Path, examples: list[Example], prepared: Prepared) -> dict[str, list[Example]]:
    split_of = {folder: split for split, folders in SPLIT_FOLDERS.items() for folder in folders}
    splits: dict[str, list[Example]] = {"train": [], "dev": [], "test": []}
    for example in examples:
        folder = example.id.split("/")[0] if "/" in example.id else ""
        if folder.lower() in split_of:
            splits[split_of[folder.lower()]].append(example)
        else:
            prepared.leave_out("in no folder of a split", example.id)
    if not splits["train"]:
        raise ManifestError(
            f"{source}: no line below a folder train or training. Expected the splits as the highest folders."
        )
    return {name: found for name, found in splits.items() if found}


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    return run(prepare, PUBLISHED, __doc__, arguments, flags=FLAGS)


if __name__ == "__main__":
    sys.exit(main())
