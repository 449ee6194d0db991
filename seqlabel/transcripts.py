"""References and hypotheses from files, in pairs for scoring, and what is counted as what."""

import unicodedata
from collections.abc import Sequence
from pathlib import Path

import msgspec

from seqlabel.errors import FormatError, ManifestError
from seqlabel.formats import PAGE_SUFFIX
from seqlabel.input_files import MAX_LIST_BYTES, read_input
from seqlabel.line_scores import Line
from seqlabel.manifest import read_manifest, without_untold_lines

MANIFEST_SUFFIXES = frozenset({".json", ".jsonl", PAGE_SUFFIX})


def read_pairs(reference: Path, hypothesis: Path) -> list[Line]:
    """The references of one file with the hypotheses of another, in the order of the reference.

    Two manifests (JSON Lines files or folders, whatever `read_manifest` reads) are joined by id; two text
    files line by line. A hypothesis file need not be a manifest: each of its JSON objects has `id` and
    `hypothesis`, or `id` and `text`, which is what `seqlabel evaluate --out` and others write. Groups are those of
    the reference: of a manifest, or `group` of such an object; text files have none.

    Raises:
        ManifestError: a file cannot be read, the two are of different kinds, their ids or numbers of
            lines differ, or there is nothing in them.
    """
    kinds = ["manifest" if is_manifest(path) else "text file" for path in (reference, hypothesis)]
    if kinds[0] != kinds[1]:
        raise ManifestError(
            f"{reference} is a {kinds[0]} but {hypothesis} is a {kinds[1]}; give two manifests or two text files"
        )
    pairs = (
        _pairs_by_id(reference, hypothesis)
        if is_manifest(reference)
        else _pairs_by_line(reference, hypothesis)
    )
    if not pairs:
        raise ManifestError(f"{reference}: has no lines, so there is nothing to score; check the path")
    return pairs


def read_folding(path: Path) -> dict[str, str | None]:
    """What each word counts as in scoring: lines of `word counted-as`, or of a word that is not to be counted.

    Raises:
        ManifestError: the file cannot be read, a line has more words, or a word two lines.
    """
    folding: dict[str, str | None] = {}
    for number, line in enumerate(read_lines(path), start=1):
        words = unicodedata.normalize("NFC", line).split()
        if not words:
            continue
        if len(words) > 2:
            raise ManifestError(
                f"{path}:{number}: {line[:60]!r}; expected a word and what it counts as, such as 'ix ih'"
            )
        if words[0] in folding:
            raise ManifestError(f"{path}:{number}: {words[0]!r} was there before; expected each word once")
        folding[words[0]] = words[1] if len(words) == 2 else None
    if not folding:
        raise ManifestError(f"{path}: has no lines; expected words and what they count as, such as 'ix ih'")
    return folding


def is_manifest(path: Path) -> bool:
    """Whether `path` is read as a manifest (a folder, a page, .json or .jsonl) and not as lines of text."""
    return path.is_dir() or path.suffix.lower() in MANIFEST_SUFFIXES


def texts_of(paths: Sequence[Path]) -> list[str]:
    """The texts of text files and of manifests.

    Raises:
        FormatError, ManifestError: a file that cannot be read, or a manifest without texts.
    """
    found: list[str] = []
    for path in paths:
        if path.is_dir() or is_manifest(path):
            found.extend(example.text for example in read_manifest(path) if example.text)
            continue
        try:
            text = read_input(path, MAX_LIST_BYTES, is_pipe_allowed=True).decode("utf-8-sig")
            found.append(text.replace("\r\n", "\n").replace("\r", "\n"))
        except UnicodeDecodeError as error:
            raise FormatError(
                f"{path}: not UTF-8 ({error.reason} at byte {error.start}); convert it"
            ) from error
    return found


def read_lines(path: Path) -> list[str]:
    r"""The lines of a UTF-8 text file; `\n` and `\r\n` end them, and a byte order mark is left out.

    Raises:
        ManifestError: the file is missing, is not a file, is not UTF-8, or must not be read.
    """
    try:
        text = read_input(path, MAX_LIST_BYTES, is_pipe_allowed=True).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ManifestError(
            f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8 and try again"
        ) from error
    except FileNotFoundError as error:
        raise ManifestError(f"{path}: no such file; check the path") from error
    except OSError as error:
        raise ManifestError(f"{path}: cannot be read: {error.strerror}") from error
    # Not splitlines(): a text may hold U+2028 and its like.
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return [line.removesuffix("\r") for line in lines]


def _pairs_by_line(reference: Path, hypothesis: Path) -> list[Line]:
    references, hypotheses = read_lines(reference), read_lines(hypothesis)
    if len(references) != len(hypotheses):
        raise ManifestError(
            f"{hypothesis}: found {len(hypotheses)} lines, expected the {len(references)} of {reference}; "
            "line n of one is scored against line n of the other, an empty hypothesis is an empty line"
        )
    pairs = zip(references, hypotheses, strict=True)
    return [Line(str(number), ours, theirs) for number, (ours, theirs) in enumerate(pairs, start=1)]


def _pairs_by_id(reference: Path, hypothesis: Path) -> list[Line]:
    references = _texts_by_id(reference, ("text", "reference"))
    hypotheses = _texts_by_id(hypothesis, ("hypothesis", "text"))
    missing = [id_ for id_ in references if id_ not in hypotheses]
    if missing:
        raise ManifestError(
            f"{hypothesis}: {len(missing)} of the {len(references)} ids of {reference} are not in it, "
            f"first {missing[0]!r}; each reference needs its hypothesis, an empty one where nothing was read"
        )
    surplus = [id_ for id_ in hypotheses if id_ not in references]
    if surplus:
        raise ManifestError(
            f"{hypothesis}: {len(surplus)} of its {len(hypotheses)} ids are not in {reference}, "
            f"first {surplus[0]!r}; are these hypotheses of another set?"
        )
    return [Line(id_, text, hypotheses[id_][0], group) for id_, (text, group) in references.items()]


_Texts = dict[str, tuple[str, str | None]]
"""Text and group by id."""


def _texts_by_id(path: Path, keys: tuple[str, ...]) -> _Texts:
    """The text and the group of each id; of `keys`, the first that a line has holds the text."""
    if not path.is_dir() and path.suffix.lower() != PAGE_SUFFIX:
        objects = _read_objects(path)
        if not objects or "id" in objects[0][1]:
            return _texts_of_objects(path, objects, keys)
    texts: _Texts = {}
    for example in without_untold_lines(read_manifest(path)):
        if example.text is None:
            raise ManifestError(
                f"{path}: example {example.id!r} has no text; scoring needs one for every example"
            )
        texts[example.id] = (example.text, example.group)
    return texts


def _read_objects(path: Path) -> list[tuple[int, dict[str, object]]]:
    """The JSON objects of a file, one a line, with their line numbers from 1."""
    objects = []
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip():
            continue
        try:
            found = msgspec.json.decode(line)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise ManifestError(
                f"{path}:{number}: not JSON: {error}; expected one JSON object a line"
            ) from error
        if not isinstance(found, dict):
            raise ManifestError(
                f"{path}:{number}: found {type(found).__name__}, expected one JSON object a line"
            )
        objects.append((number, found))
    return objects


def _texts_of_objects(
    path: Path, objects: list[tuple[int, dict[str, object]]], keys: tuple[str, ...]
) -> _Texts:
    texts: _Texts = {}
    for number, found in objects:
        id_ = found.get("id")
        if not isinstance(id_, str):
            raise ManifestError(f"{path}:{number}: 'id' is {id_!r}, expected a string")
        if id_ in texts:
            raise ManifestError(f"{path}:{number}: id {id_!r} was there before; ids are unique in a file")
        text = next((found[key] for key in keys if key in found), None)
        if not isinstance(text, str):
            wanted = " or ".join(repr(key) for key in keys)
            raise ManifestError(
                f"{path}:{number}: example {id_!r} has {text!r} under {wanted}, expected a text"
            )
        group = found.get("group")
        if isinstance(group, int):
            group = str(group)
        if not isinstance(group, str | None):
            raise ManifestError(
                f"{path}:{number}: 'group' of example {id_!r} is {group!r}, expected a string or null"
            )
        texts[id_] = (text, group)
    return texts
