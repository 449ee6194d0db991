"""Kaldi data folders: wav.scp or feats.scp, and beside it segments, text and utt2spk.

Source: Kaldi's documentation, "Data preparation".
"""

import re
from collections.abc import Iterator
from pathlib import Path

from seqlabel.errors import ManifestError
from seqlabel.list_files import is_file, lines, not_empty, resolve
from seqlabel.records import Example


def _read_table(path: Path) -> dict[str, tuple[str, str]]:
    """A Kaldi table: key -> (`file:line`, the rest of the line)."""
    table: dict[str, tuple[str, str]] = {}
    for where, line in lines(path):
        # Kaldi splits at blanks and tabs, not at every space that Unicode knows.
        key, *rest = re.split(r"[ \t]+", line.strip(" \t"), maxsplit=1)
        if key in table:
            raise ManifestError(f"{where}: {key!r} stands already at {table[key][0]}; expected each key once")
        table[key] = (where, rest[0] if rest else "")
    return table


def read_kaldi(folder: Path, list_name: str) -> Iterator[tuple[str, Example]]:
    """Yields the utterances of a folder, each with the `file:line` where it stands; `list_name` lists its recordings.

    Raises:
        ManifestError: a file of the folder cannot be read, or does not go with the others.
    """
    recordings = _read_table(folder / list_name)
    segments: dict[str, tuple[str, str]] | None = None
    if list_name == "wav.scp" and (folder / "segments").is_file():  # feats.scp lists utterances, already cut
        segments = _read_table(folder / "segments")
    texts = _read_table(folder / "text") if (folder / "text").is_file() else None
    speakers = _read_table(folder / "utt2spk") if (folder / "utt2spk").is_file() else {}
    utterances = recordings if segments is None else segments
    if texts is not None:
        _refuse_difference(folder, "text", set(texts), set(utterances))
    for name, (where, rest) in utterances.items():
        start = end = channel = None
        recording = (where, rest)
        if segments is not None:
            recording_name, start, end, channel = _segment(where, rest)
            if recording_name not in recordings:
                raise ManifestError(f"{where}: recording {recording_name!r} is not in wav.scp; add it there")
            recording = recordings[recording_name]
        yield (
            where,
            Example(
                id=name,
                source=_kaldi_source(folder, *recording),
                text=None if texts is None else texts[name][1],
                start_seconds=start,
                end_seconds=end,
                group=speakers[name][1] if name in speakers else None,
                channel=channel,
            ),
        )


def _refuse_difference(folder: Path, file: str, found: set[str], expected: set[str]) -> None:
    for names, what in (
        (expected - found, "are missing in it"),
        (found - expected, "have no audio or features"),
    ):
        if names:
            first = ", ".join(sorted(names)[:3])
            raise ManifestError(
                f"{folder / file}:1: {len(names)} utterances {what}, such as {first}; "
                "run Kaldi's utils/fix_data_dir.sh on the folder"
            )


def _segment(where: str, rest: str) -> tuple[str, float, float | None, int | None]:
    words = rest.split()
    try:
        recording, start, end = words[0], float(words[1]), float(words[2])
        channel = int(words[3]) if len(words) > 3 else -1
        if len(words) > 4:
            raise ValueError("more words than a segment has")
    except (IndexError, ValueError) as error:
        raise ManifestError(
            f"{where}: {rest!r}; expected: recording, start and end in seconds, and a channel or none"
        ) from error
    # Kaldi writes -1 for the end of the recording, and counts channels from 0 with -1 for none (extract-segments).
    return recording, start, None if end == -1 else end, None if channel == -1 else channel


def _kaldi_source(folder: Path, where: str, rest: str) -> Path:
    if "|" in (rest[-1:], rest[:1]):
        raise ManifestError(
            f"{where}: a command ({rest[:60]}); commands are not run here: "
            "write the audio to files (Kaldi's wav-copy) and list those"
        )
    if re.search(r"\[[0-9:,]*\]$", rest):
        raise ManifestError(
            f"{where}: a range of rows ({rest[-30:]}); copy those features (Kaldi's copy-feats)"
        )
    source = resolve(folder, not_empty(where, "path", rest))
    # Kaldi's own paths start where its scripts are run, which is seldom the data folder.
    if not is_file(source) and is_file(Path(rest)):
        return Path(rest)
    return source
