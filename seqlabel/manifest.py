"""Manifests: which examples there are. Our own JSON Lines, and the lists that other toolkits keep.

Our own has one object on a line, with `source` relative to the manifest's folder:

    {"id": "3_theo_4", "source": "../fsdd/3_theo_4.wav", "text": "three", "group": "theo"}
"""

import csv
import glob
import io
import math
import os
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np

from seqlabel.errors import FormatError, ManifestError
from seqlabel.formats import (
    IMAGE_SUFFIXES,
    PAGE_SUFFIX,
    has_area,
    image_of_page,
    is_page,
    page_address,
    page_image,
    read_page,
    split_page_address,
)
from seqlabel.kaldi_folder import read_kaldi
from seqlabel.list_files import KINDS, lines, not_empty, read_text, resolve
from seqlabel.records import Example
from seqlabel.whole_files import write_whole

MOST_CHANNELS = 1 << 16
_TEXT_COLUMNS = ("text", "transcription", "sentence")
_GROUP_COLUMNS = ("group", "speaker", "speaker_id", "writer", "writer_id")


class _Row(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    source: str
    text: str | None
    start_seconds: float | None = None
    end_seconds: float | None = None
    group: str | None = None
    labels: tuple[tuple[str, float], ...] | None = None
    channel: int | None = None


class _NemoRow(msgspec.Struct):
    audio_filepath: str
    text: str | None = None
    offset: float | None = None
    duration: float | None = None
    speaker: str | int | None = None


RowType = TypeVar("RowType", _Row, _NemoRow)


class NoDataFolderError(ManifestError):
    """A folder in which nothing is that could be read as a manifest.

    Attributes:
        what: the message without the folder.
    """

    def __init__(self, folder: Path, what: str) -> None:
        super().__init__(f"{folder}: {what}")
        self.what = what


def read_manifest(path: Path) -> list[Example]:
    """The examples of a manifest, in its order, with their texts as they are written.

    In which Unicode form they are learnt and scored, the settings of a model say (`texts.TextConfig`).

    Args:
        path: our own .jsonl or NeMo's (`audio_filepath`, `duration`, `offset`, `text`); a Kaldi data folder
            (`wav.scp` or `feats.scp`, and `text`, `utt2spk`, `segments` where they are); a folder of line
            images `X.png` with `X.gt.txt`; a Hugging Face folder with `metadata.csv` or `metadata.jsonl`; an ALTO or
            PAGE file, or a folder of them, whose lines are the examples and whose pages are the groups (a line that
            nobody has transcribed, or without an outline on its page, has no text). A pattern such as `pages/*.xml`
            stands for all files that match it.

    Raises:
        ManifestError: none of these, or a line that is wrong; the message begins with `file:line:`.
    """
    [examples] = read_manifests([path])
    return examples


def read_manifests(paths: Sequence[Path]) -> list[list[Example]]:
    """The examples of several manifests that are used together.

    Where pages of two of them share a name, these pages are named with as many of their folders as tell them apart:
    `a/scans/1.xml` and `b/scans/1.xml` become `a/scans/1` and `b/scans/1`, others stay as they are.

    Raises:
        ManifestError: as `read_manifest`, or a page that two of them name.
    """
    return [list(examples) for examples in scan_manifests(paths)]


def scan_manifests(paths: Sequence[Path]) -> list[Iterator[Example]]:
    """The examples of several manifests one after the other, as `read_manifests` has them, none of them kept.

    Raises:
        ManifestError: as `read_manifests`, when it comes to it; an id that stands there twice is told at the end.
    """
    sources = [_page_source(path) for path in paths]
    names = _page_names([source for source in sources if source is not None])
    images: dict[Path, Path] = {}
    return [
        _checked(path, partial(_located, path, None if source is None else source[0], names, images))
        for path, source in zip(paths, sources, strict=True)
    ]


def _located(
    path: Path, pages: list[Path] | None, names: dict[Path, str], images: dict[Path, Path]
) -> "_Located":
    if pages is not None:
        return _read_pages(pages, names, images)
    if path.is_dir():
        return _read_folder(path)
    if path.suffix.lower() == ".csv":
        return _read_metadata_csv(path)
    if path.name in ("wav.scp", "feats.scp"):
        return read_kaldi(path.parent, path.name)
    return _read_json_lines(path)


def _checked(path: Path, located: "Callable[[], _Located]") -> Iterator[Example]:
    hashes = array("q")  # of the ids: a set of a million strings would take more memory than all else here
    try:
        for where, example in located():
            _check(where, example)
            hashes.append(hash(example.id))
            yield example
        if len(np.unique(np.frombuffer(hashes, np.int64) if hashes else [])) < len(hashes):
            _refuse_twice(located())
    except OSError as error:
        raise ManifestError(f"{path}: cannot be read ({error.strerror or error})") from error
    if not hashes:
        raise ManifestError(f"{path}: no example in it; expected at least one in {KINDS}")


def _refuse_twice(located: "_Located") -> None:
    """Raises a ManifestError where an id stands there twice; two ids of one hash do not."""
    seen: dict[str, str] = {}
    for where, example in located:
        if example.id in seen:
            raise ManifestError(
                f"{where}: id {example.id!r} stands already at {seen[example.id]}; expected each id once"
            )
        seen[example.id] = where


def without_untold_lines(examples: Sequence[Example]) -> list[Example]:
    """Returns the examples without those lines of pages that nobody has transcribed or that have no outline.

    Pages come out of a segmentation with many such lines; an example of a manifest without its text is a mistake.
    """
    return [example for example in examples if not is_untold_line(example)]


def is_untold_line(example: Example) -> bool:
    """Returns whether it is a line of a page that nobody has transcribed, or that has no outline."""
    return example.text is None and split_page_address(example.source) is not None


def write_manifest(path: Path, examples: Iterable[Example]) -> None:
    """Write our own JSON Lines, in UTF-8; the whole file or nothing.

    Sources near the manifest's folder are written relative to it, those elsewhere as they are from the root.

    Raises:
        ManifestError: an id that occurs twice, an example that could not be read back, or no right to write.
    """
    folder = os.path.realpath(path.parent)
    lines: list[bytes] = []
    seen: set[str] = set()
    for example in examples:
        where = f"{path}:{len(lines) + 1}"
        _check(where, example)
        if example.id in seen:
            raise ManifestError(f"{where}: id {example.id!r} occurs twice; expected each id once")
        seen.add(example.id)
        row: dict[str, Any] = {
            "id": example.id,
            "source": _relative_source(example.source, folder),
            "text": example.text,
        }
        for key in ("start_seconds", "end_seconds", "channel", "group", "labels"):
            if (value := getattr(example, key)) is not None:
                row[key] = value
        try:
            lines.append(msgspec.json.encode(row))
        except UnicodeEncodeError as error:
            raise ManifestError(
                f"{where}: {example.id!r} holds characters that UTF-8 cannot encode"
            ) from error
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, b"".join(line + b"\n" for line in lines))
    except OSError as error:
        raise ManifestError(f"{path}: cannot be written ({error.strerror or error})") from error


# --- what every kind needs --------------------------------------------------------------------------------

_Located = Iterator[tuple[str, Example]]  # `file:line`, and the example that stands there


def _check(where: str, example: Example) -> None:
    if not example.id.strip():
        raise ManifestError(f"{where}: empty id; expected a name that no other example has")
    if "\0" in str(example.source) or str(example.source) in ("", "."):
        raise ManifestError(f"{where}: source {str(example.source)!r} is not a path; expected a file")
    start, end = example.start_seconds, example.end_seconds
    if any(time is not None and not (math.isfinite(time) and time >= 0) for time in (start, end)):
        raise ManifestError(f"{where}: times {start} to {end}; expected seconds, 0 or more")
    if example.labels is not None:
        lengths = [length for _, length in example.labels]
        if not all(math.isfinite(length) and length > 0 for length in lengths) or not lengths:
            raise ManifestError(
                f"{where}: labels of lengths {lengths[:8]}; expected some, each longer than 0"
            )
    if example.channel is not None and not 0 <= example.channel <= MOST_CHANNELS:
        raise ManifestError(
            f"{where}: channel {example.channel}; expected 0 for the first channel, 1 for the second and so on"
        )
    if end is not None and end <= (start or 0.0):
        raise ManifestError(f"{where}: ends at {end} s, which is not after its start at {start or 0.0} s")


def _relative_source(source: Path, folder: str) -> str:
    absolute = os.path.abspath(source)
    relative = os.path.relpath(absolute, folder)
    is_near = relative.split(os.sep).count("..") <= 3 and os.path.commonpath([absolute, folder]) != os.sep
    return relative if is_near else absolute


# --- JSON Lines: our own, NeMo, Hugging Face --------------------------------------------------------------


def _read_json_lines(path: Path) -> _Located:
    for where, line in lines(path):
        try:
            row = msgspec.json.decode(line)
        except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
            hint = "; a list over several lines is not read" if line.lstrip().startswith("[") else ""
            raise ManifestError(f"{where}: {error}; expected one JSON object on the line{hint}") from error
        if not isinstance(row, dict):
            raise ManifestError(f"{where}: {type(row).__name__} on the line; expected one JSON object a line")
        if "audio_filepath" in row:
            yield where, _from_nemo(where, path.parent, row)
        elif "file_name" in row:
            yield where, _from_metadata(where, path.parent, row)
        else:
            found = _convert(where, row, _Row)
            source = resolve(path.parent, not_empty(where, "source", found.source))
            yield (
                where,
                Example(
                    id=found.id,
                    source=source,
                    text=found.text,
                    start_seconds=found.start_seconds,
                    end_seconds=found.end_seconds,
                    group=found.group,
                    labels=found.labels,
                    channel=found.channel,
                ),
            )


def _convert(where: str, row: dict[str, Any], kind: type[RowType]) -> RowType:
    try:
        return msgspec.convert(row, kind)
    except msgspec.ValidationError as error:
        name = f"example {row['id']!r}: " if isinstance(row.get("id"), str) else ""
        keys = ", ".join(field for field in kind.__struct_fields__)
        raise ManifestError(f"{where}: {name}{error}; the keys are {keys}") from error


def _from_nemo(where: str, folder: Path, row: dict[str, Any]) -> Example:
    found = _convert(where, row, _NemoRow)
    audio = not_empty(where, "audio_filepath", found.audio_filepath)
    start = found.offset
    end = None if found.duration is None else (start or 0.0) + found.duration
    # NeMo has no ids: the file names it, and its offset where there may be several parts.
    name = os.path.splitext(audio)[0] + ("" if start is None else f"@{start:.12g}")
    return Example(
        id=name,
        source=resolve(folder, audio),
        text=found.text,
        start_seconds=start,
        end_seconds=end,
        group=None if found.speaker is None else str(found.speaker),
    )


def _from_metadata(where: str, folder: Path, row: dict[str, Any]) -> Example:
    column = next((name for name in _TEXT_COLUMNS if name in row), None)
    if column is None:
        raise ManifestError(
            f"{where}: columns {', '.join(map(str, row))}; expected one of {', '.join(_TEXT_COLUMNS)}"
        )
    name, text = row.get("file_name"), row[column]
    if not isinstance(name, str) or not name:
        raise ManifestError(f"{where}: file_name {name!r}; expected a path")
    # Such folders are fetched from others; their paths are below the folder by the rules of their makers.
    if os.path.isabs(name) or os.path.normpath(name).split(os.sep)[0] == os.pardir:
        raise ManifestError(
            f"{where}: file_name {name!r} leads out of the folder; write a .jsonl manifest to use files elsewhere"
        )
    if not isinstance(text, str | None):
        raise ManifestError(f"{where}: {column} {text!r}; expected a string")
    group = next((row[key] for key in _GROUP_COLUMNS if row.get(key) not in (None, "")), None)
    return Example(
        id=os.path.splitext(name)[0],
        source=resolve(folder, name),
        text=text,
        group=None if group is None else str(group),
    )


def _read_metadata_csv(path: Path) -> _Located:
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    try:
        header = next(reader, [])
        if "file_name" not in header:
            raise ManifestError(f"{path}:1: columns {', '.join(header)}; expected file_name among them")
        line = reader.line_num + 1
        for cells in reader:
            if not cells:  # a blank line
                line = reader.line_num + 1
                continue
            if len(cells) != len(header):
                raise ManifestError(
                    f"{path}:{line}: {len(cells)} cells; expected {len(header)} as in the header"
                )
            yield (
                f"{path}:{line}",
                _from_metadata(f"{path}:{line}", path.parent, dict(zip(header, cells, strict=True))),
            )
            line = reader.line_num + 1
    except csv.Error as error:
        raise ManifestError(f"{path}:{reader.line_num}: {error}; expected comma-separated values") from error


# --- folders ----------------------------------------------------------------------------------------------


def _read_folder(folder: Path) -> _Located:
    if (folder / "metadata.jsonl").is_file():
        return _read_json_lines(folder / "metadata.jsonl")
    if (folder / "metadata.csv").is_file():
        return _read_metadata_csv(folder / "metadata.csv")
    for name in ("wav.scp", "feats.scp"):
        if (folder / name).is_file():
            return read_kaldi(folder, name)
    texts = sorted(folder.rglob("*.gt.txt"))
    if texts:
        return _read_line_images(folder, texts)
    manifests = sorted(path.name for path in folder.glob("*.jsonl"))
    hint = f"; it holds {', '.join(manifests[:3])}: name the one you mean" if manifests else ""
    raise NoDataFolderError(folder, f"not a data folder; expected {KINDS}{hint}")


def _read_line_images(folder: Path, texts: list[Path]) -> _Located:
    for path in texts:
        stem = path.name.removesuffix(".gt.txt")
        # OCRopus keeps the binarised or normalised image as X.bin.png or X.nrm.png.
        names = [f"{stem}{middle}" for middle in ("", ".bin", ".nrm")]
        beside = [other for other in path.parent.iterdir() if other.suffix.lower() in IMAGE_SUFFIXES]
        images = next(
            (found for name in names if (found := [image for image in beside if image.stem == name])), []
        )
        if len(images) != 1:
            found_names = ", ".join(sorted(image.name for image in images)) or "none"
            raise ManifestError(
                f"{path}:1: image of this text: {found_names}; expected one, such as {stem}.png"
            )
        written = list(lines(path))
        if len(written) > 1:
            raise ManifestError(f"{written[1][0]}: a second line of text; expected one line for a line image")
        text = written[0][1] if written else ""
        name = str(path.relative_to(folder)).removesuffix(".gt.txt")
        yield f"{path}:1", Example(id=name, source=images[0], text=text)


# --- pages ------------------------------------------------------------------------------------------------


def page_files(folder: Path) -> list[Path]:
    """Returns the ALTO and PAGE files below a folder, by name; other XML files and hidden ones are none."""
    found = (path for path in folder.rglob("*") if path.suffix.lower() == PAGE_SUFFIX and path.is_file())
    return sorted(path for path in found if not path.name.startswith(".") and is_page(path))


def _page_source(path: Path) -> tuple[list[Path], Path] | None:
    """Returns the pages that a pattern, a folder or a file stands for and the folder they are named from, else None."""
    if glob.has_magic(str(path)) and not path.exists():
        return _matching(path)
    if path.is_dir():
        lists = ("metadata.jsonl", "metadata.csv", "wav.scp", "feats.scp")
        is_other = any((path / name).is_file() for name in lists) or any(path.rglob("*.gt.txt"))
        pages = [] if is_other else page_files(path)
        return (pages, path) if pages else None
    return ([path], path.parent) if path.suffix.lower() == PAGE_SUFFIX else None


def _page_names(sources: Sequence[tuple[list[Path], Path]]) -> dict[Path, str]:
    """Returns the names of pages: their paths from the folder of their own source, or more where these clash."""
    names: dict[Path, str] = {}
    alike: dict[str, list[Path]] = {}
    for paths, root in sources:
        for path in paths:
            alike.setdefault(os.path.splitext(os.path.relpath(path, root))[0], []).append(path)
    for name, paths in alike.items():
        tails = [name]
        parts = [Path(os.path.splitext(os.path.abspath(path))[0]).parts for path in paths]
        length = len(Path(name).parts)
        while len(set(tails)) < len(paths) or (len(paths) > 1 and not alike.keys().isdisjoint(tails)):
            length += 1
            if length > max(map(len, parts)):
                raise ManifestError(
                    f"{paths[-1]}: stands there twice, or has the name of another page; name it once"
                )
            tails = [os.path.join(*part[-length:]) for part in parts]
        names.update(zip(paths, tails, strict=True))
    return names


def _matching(pattern: Path) -> tuple[list[Path], Path]:
    found = sorted(Path(name) for name in glob.glob(str(pattern), recursive=True))
    if not found:
        raise ManifestError(f"{pattern}: no file matches this pattern; check the folder that it names")
    pages = [path for path in found if path.suffix.lower() == PAGE_SUFFIX]
    if len(pages) < len(found):
        other = next(path for path in found if path.suffix.lower() != PAGE_SUFFIX)
        raise ManifestError(
            f"{pattern}: matches {other.name}, which is no page; patterns are for ALTO and PAGE files, such as "
            "pages/*.xml"
        )
    # The METS file that eScriptorium and Transkribus put beside the pages matches as well.
    pages = [path for path in pages if is_page(path)] or pages
    return pages, Path(os.path.commonpath([path.parent for path in pages]))


def _read_pages(paths: list[Path], names: dict[Path, str], images: dict[Path, Path]) -> _Located:
    for path in paths:
        name = names[path]
        try:
            page = read_page(path)
        except FormatError as error:
            raise ManifestError(str(error)) from error
        with suppress(FormatError):  # told when its first line is read
            image = image_of_page(path, page, Path(os.path.realpath(page_image(path, page))))
            if (other := images.setdefault(image, path)) is not path:
                raise ManifestError(
                    f"{path}: is of the same image as {other}, so that each line would stand twice; name the "
                    "folder of one of the two"
                )
        seen: set[str] = set()
        for index, line in enumerate(page.lines):
            # Some programs give several lines one ID.
            line_id = f"{name}#{line.id if line.id not in seen else f'{line.id}@{index}'}"
            seen.add(line.id)
            text = " ".join(line.text.split()) if has_area(line.polygon, page.size) else ""
            yield (
                f"{path}: line {line.id}",
                Example(
                    id=line_id,
                    source=page_address(path, index),
                    text=text or None,
                    group=name,
                ),
            )
