"""What every corpus preparation shares: the command line, fetching a published corpus, writing the manifests.

A preparation reads SOURCE, never writes there, and leaves below OUT one manifest for each split and the
files it had to make. The manifests are written last and each in one step, and those of an earlier run are
taken away first: a run that was cut short leaves no manifest that looks complete.

Signals that can be used as they lie are referenced, not copied: keep SOURCE where it is.
"""

import argparse
import hashlib
import shutil
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from seqlabel.errors import ManifestError, SeqlabelError
from seqlabel.formats import audio_seconds
from seqlabel.input_files import MAX_LIST_BYTES, read_input
from seqlabel.manifest import write_manifest
from seqlabel.records import Example

Flags = Mapping[str, Mapping[str, Any]]
"""A corpus's own command line: `--split` and the like -> what argparse wants to know of it."""

NUM_IDS_SHOWN = 3
MAX_UNPACKED_RATIO = 100
"""How many times its size an archive may become; sounds and images hardly shrink, texts to a tenth."""
ALWAYS_UNPACKED = 1 << 30
"""So many bytes may come of the smallest archive."""
MANIFEST_NAMES = (
    "train", "dev", "test", "single_train", "single_dev", "single_test", "dev2", "dev_other", "test_other",
)  # fmt: skip


@dataclass(frozen=True)
class Published:
    """Where a corpus can be fetched.

    Attributes:
        name: the folder in the download cache.
        page: the page that describes the corpus, for messages.
        address: the archive (.zip, .tar.gz); None where no lasting address is known.
        sha256: of the archive; None where it is not known: then the hash of the first download is kept
            beside the archive and later uses are held to it.
        num_signals: how many recordings, digits or lines a fetched corpus has at least.
    """

    name: str
    page: str
    address: str | None
    sha256: str | None = None
    num_signals: int = 1


@dataclass
class Prepared:
    """What a preparation found: examples by manifest name, and what it left out.

    Attributes:
        splits: manifest name ("train", "single_dev") -> its examples.
        unit: what an example is called in the summary.
        group_unit: what a group is called in the summary.
        seconds: manifest name -> length of its signals, where they have one.
        left_out: reason -> ids or file names.
    """

    unit: str
    group_unit: str
    splits: dict[str, list[Example]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    left_out: dict[str, list[str]] = field(default_factory=dict)

    @property
    def num_signals(self) -> int:
        """How many signals of the corpus were found, those left out included and strings made of them not."""
        singles = [examples for name, examples in self.splits.items() if name.startswith("single_")]
        kept = sum(len(examples) for examples in singles or self.splits.values())
        return kept + sum(len(ids) for ids in self.left_out.values())

    def add(self, split: str, example: Example, seconds: float) -> None:
        """Puts an example of that length into a manifest."""
        self.splits.setdefault(split, []).append(example)
        self.seconds[split] = self.seconds.get(split, 0.0) + seconds

    def measure(self) -> None:
        """Finds the lengths of the audio of all examples."""
        for split, examples in self.splits.items():
            self.seconds[split] = sum(audio_seconds(example.source) for example in examples)

    def leave_out(self, reason: str, what: str) -> None:
        """Counts one thing that goes into no manifest."""
        self.left_out.setdefault(reason, []).append(what)


def run(
    prepare: Callable[..., Prepared],
    published: Published,
    description: str | None,
    arguments: Sequence[str] | None = None,
    *,
    flags: Flags | None = None,
) -> int:
    """Returns the exit code of one preparation's command line: 0, or that of `exit_code` after one line on stderr.

    Args:
        prepare: `prepare(source, out)` writes its files below `out` and returns the splits; it raises
            SeqlabelError for a corpus that is not as expected.
        published: where to fetch the corpus when SOURCE is left out.
        description: the module's docstring, for `--help`.
        arguments: the command line; None for that of the process.
        flags: the corpus's own; `prepare` gets their values by keyword (`split=...`).
    """
    parser = Parser(
        prog=f"python -m data_prep.{published.name}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "source", nargs="?", type=Path, help="the corpus; left out: fetched and kept in --cache"
    )
    parser.add_argument("out", type=Path, help="folder for the manifests and the files made for them")
    parser.add_argument("--address", default=None, help=f"fetch from here instead of {published.address}")
    parser.add_argument("--cache", type=Path, default=None, help="where fetched corpora are kept")
    names = [parser.add_argument(flag, **wanted).dest for flag, wanted in (flags or {}).items()]
    options = parser.parse_args(arguments)
    prepare = partial(prepare, **{name: getattr(options, name) for name in names})

    def work() -> None:
        if options.source is None:
            source = fetch(published, address=options.address, cache=options.cache)
            num_expected = published.num_signals if options.address is None else 1
        else:
            source = existing_folder(options.source)
            num_expected = 1
        prepare_into(prepare, source, options.out, num_expected=num_expected)

    return exit_code(work, options.out)


class Parser(argparse.ArgumentParser):
    """argparse with its usage errors in one line."""

    def error(self, message: str) -> NoReturn:
        """Says what is wrong and exits with 2."""
        self.exit(2, f"{message}; see `{self.prog} --help`\n")


def exit_code(work: Callable[[], object], out: Path) -> int:
    """Returns 0 after `work`; 2 for what a user can put right, 130 for Ctrl-C, each after one line on stderr."""
    try:
        work()
    except SeqlabelError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"{error.filename or out}: {error.strerror or error}.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"interrupted: {out} is not complete. The same command starts again.", file=sys.stderr)
        return 130
    return 0


def prepare_into(
    prepare: Callable[[Path, Path], Prepared], source: Path, out: Path, *, num_expected: int = 1
) -> Prepared:
    """Returns what `prepare` found, after its manifests stand in `out` and the summary is printed.

    Raises:
        ManifestError: a split without examples, or fewer than `num_expected` signals in all.
    """
    if out.exists() and not out.is_dir():
        raise ManifestError(f"{out}: is a file. Name a folder for the manifests.")
    if out.resolve() == source.resolve():
        raise ManifestError(f"{out}: is the corpus itself. Name another folder for the manifests.")
    for name in MANIFEST_NAMES:
        (out / f"{name}.jsonl").unlink(missing_ok=True)
    prepared = prepare(source, out)
    for name, examples in prepared.splits.items():
        if not examples:
            raise ManifestError(f"{source}: nothing for {name}. Is the corpus complete?")
    if prepared.num_signals < num_expected:
        raise ManifestError(
            f"{source}: {prepared.num_signals} {prepared.unit} fetched; expected at least {num_expected}. "
            "Delete that folder and fetch again."
        )
    out.mkdir(parents=True, exist_ok=True)
    for name in sorted(prepared.splits):  # train.jsonl comes last: who waits for it finds the others
        write_manifest(out / f"{name}.jsonl", prepared.splits[name])
    for line in summary(prepared):
        print(line)
    return prepared


def summary(prepared: Prepared) -> list[str]:
    """Returns one line for each manifest and one for each reason of leaving something out."""
    lines = []
    for name, examples in prepared.splits.items():
        num_groups = len({example.group for example in examples})
        line = f"{name}: {len(examples)} {prepared.unit}, {num_groups} {prepared.group_unit}"
        if name in prepared.seconds:
            line += f", {prepared.seconds[name] / 3600:.2f} h"
        lines.append(line)
    for reason, ids in prepared.left_out.items():
        shown = ", ".join(ids[:NUM_IDS_SHOWN]) + (", ..." if len(ids) > NUM_IDS_SHOWN else "")
        lines.append(f"left out, {reason}: {len(ids)} ({shown})")
    return lines


def existing_folder(path: Path) -> Path:
    """Returns `path`, or raises ManifestError where it is not a folder with something in it."""
    if not path.exists():
        raise ManifestError(
            f"{path}: no such folder. Give the folder of the corpus, or leave it out to fetch it."
        )
    if not path.is_dir():
        raise ManifestError(
            f"{path}: is a file, not the folder of the corpus. Unpack it and give the folder."
        )
    if not any(path.iterdir()):
        raise ManifestError(f"{path}: the folder is empty. Give the folder of the corpus.")
    return path


def find_root(source: Path, marker: str, expected: str) -> Path:
    """Returns the folder at or below `source` that holds `marker` (archives add folders of their own).

    Raises:
        ManifestError: not there; `expected` says in words what was looked for.
    """
    root = find_file(source, [marker], expected)
    for _ in Path(marker).parts:
        root = root.parent
    return root


def find_file(source: Path, names: Sequence[str], expected: str) -> Path:
    """Returns the first of `names` that lies in `source` or up to two folders below, which may hold patterns.

    Raises:
        ManifestError: none there; `expected` says in words what was looked for.
    """
    for depth in ("", "*/", "*/*/"):
        for name in names:
            if found := sorted(source.glob(depth + name)):
                return found[0]
    raise ManifestError(f"{source}: no {' or '.join(names)} in it. Expected {expected}.")


def read_lines(path: Path) -> list[str]:
    """Returns the lines of a text file without their ends; ManifestError where it cannot be read."""
    try:
        # Not splitlines(): a text may hold U+2028 and its like.
        text = read_input(path, MAX_LIST_BYTES).decode("utf-8-sig")
        lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        return lines if lines[-1] else lines[:-1]
    except UnicodeDecodeError as error:
        raise ManifestError(f"{path}: is not UTF-8 text ({error.reason} at byte {error.start}).") from error
    except OSError as error:
        raise ManifestError(f"{path}: {error.strerror}. Is the corpus complete?") from error


def ranked_by_hash(names: Iterable[str]) -> list[str]:
    """Returns the distinct names ordered by their MD5: a choice that depends on nothing but the names."""
    return sorted(
        set(names), key=lambda name: (hashlib.md5(name.encode(), usedforsecurity=False).hexdigest(), name)
    )


def fetch(published: Published, *, address: str | None = None, cache: Path | None = None) -> Path:
    """Returns the folder of the unpacked corpus, fetched on the first call and kept.

    Raises:
        ManifestError: no address is known, the server does not answer, or the archive is not as expected.
    """
    import pooch

    url = address or published.address
    if url is None:
        raise ManifestError(
            f"{published.name}: no lasting address of an archive is known. Fetch it from {published.page} "
            f"and give its folder: python -m data_prep.{published.name} SOURCE OUT"
        )
    folder = (cache if cache is not None else Path(pooch.os_cache("seqlabel"))) / published.name
    archive_name = url.rstrip("/").rsplit("/", 1)[-1]
    recorded = folder / f"{archive_name}.sha256"
    known = published.sha256 if address is None else None
    if known is None and recorded.is_file():
        known = recorded.read_text(encoding="ascii").strip()
    pooch.get_logger().setLevel("WARNING")  # it announces hashes in several lines
    print(f"{published.name}: {url} -> {folder}", file=sys.stderr)
    hint = f"See {published.page}, or fetch it yourself and give its folder as SOURCE."
    try:
        archive = Path(
            pooch.retrieve(
                url,
                known_hash=f"sha256:{known}" if known else None,
                fname=archive_name,
                path=folder,
                downloader=pooch.HTTPDownloader(timeout=60, progressbar=_Progress(archive_name)),
            )
        )
    except ValueError as error:  # pooch's word for a wrong hash, and for an address it cannot read
        raise ManifestError(f"{url}: {_one_line(error)} {hint}") from error
    except OSError as error:  # those of requests are OSErrors
        raise ManifestError(f"{url}: could not be fetched ({_one_line(error)}). {hint}") from error
    if not recorded.exists():
        recorded.write_text(pooch.file_hash(str(archive)) + "\n", encoding="ascii")
    return _unpack(archive, folder / f"{archive_name}.unpacked", hint)


def _refuse_bomb(num_bytes: int, archive_bytes: int) -> None:
    """Does nothing where an archive holds what an archive of its size can.

    Raises:
        tarfile.TarError: it holds more.
    """
    if num_bytes > max(ALWAYS_UNPACKED, MAX_UNPACKED_RATIO * archive_bytes):
        raise tarfile.TarError(
            f"unpacked it has more than {num_bytes:,} bytes, which no corpus of its size has"
        )


def _extract_tar(archive: tarfile.TarFile, target: Path) -> None:
    """Unpacks files and folders, none of them outside of `target`.

    Raises:
        tarfile.TarError: something would come to lie elsewhere, or all of it takes more room than any corpus.
    """
    num_bytes, archive_bytes = 0, Path(str(archive.name)).stat().st_size

    def counted(member: tarfile.TarInfo) -> None:
        nonlocal num_bytes
        num_bytes += member.size
        _refuse_bomb(num_bytes, archive_bytes)

    if hasattr(tarfile, "data_filter"):

        def data_filter(member: tarfile.TarInfo, path: str) -> tarfile.TarInfo | None:
            counted(member)
            return tarfile.data_filter(member, path)

        archive.extractall(target, filter=data_filter)
        return
    for member in archive:  # Python before 3.11.4, which Debian 12 has, knows no filters
        if not (target / member.name).resolve().is_relative_to(target.resolve()):
            raise tarfile.TarError(f"{member.name} would lie outside of the folder")
        counted(member)
        if member.isfile() or member.isdir():
            archive.extract(member, target, set_attrs=False)


def _unpack(archive: Path, target: Path, hint: str) -> Path:
    if target.is_dir():
        return target
    # Renamed when complete, so an interrupted run leaves no half corpus under the final name.
    unfinished = Path(tempfile.mkdtemp(prefix=f"{target.name}.", dir=target.parent))
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as zipped:
                _refuse_bomb(sum(member.file_size for member in zipped.infolist()), archive.stat().st_size)
                zipped.extractall(unfinished)
        elif tarfile.is_tarfile(archive):
            with tarfile.open(archive) as tarred:
                _extract_tar(tarred, unfinished)
        else:
            raise ManifestError(f"{archive}: is neither a zip nor a tar archive. {hint}")
        unfinished.chmod(0o755)  # mkdtemp makes it private
        unfinished.rename(target)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError) as error:
        raise ManifestError(
            f"{archive}: is damaged ({_one_line(error)}). Delete it and try again. {hint}"
        ) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return target


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())


class _Progress:
    """The progress display in the shape that pooch asks for: one line on stderr, rewritten, on a terminal."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.total = 0
        self.done = 0

    def update(self, num_bytes: int) -> None:
        self.done += num_bytes
        if sys.stderr.isatty():
            of_total = f" of {self.total / 1e6:.1f}" if self.total > 0 else ""
            print(f"\r{self.name}: {self.done / 1e6:.1f}{of_total} MB", end="", file=sys.stderr, flush=True)

    def reset(self) -> None:
        self.done = 0

    def close(self) -> None:
        if sys.stderr.isatty() and self.done:
            print(file=sys.stderr)
