"""`seqlabel transcribe`: files and pages in, texts out; also into ALTO and PAGE files and InkML, as they are."""

import argparse
import os
import sys
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqlabel.bars import progress
from seqlabel.errors import ConfigError, SeqlabelError
from seqlabel.terminal import (
    DONE,
    PEAKS,
    add_borders_option,
    as_json_text,
    bars_on_terminal,
    complain,
    files_below,
    hypothesis_as_json,
    write_lines,
)

if TYPE_CHECKING:
    from seqlabel.page_reading import PageReading
    from seqlabel.recognizer import Recognizer
    from seqlabel.records import Hypothesis
    from seqlabel.review import Review

TEXT, JSON, ALTO, PAGE, INKML = "text", "json", "alto", "page", "inkml"
TIMED = ("srt", "vtt", "ctm", "textgrid", "audacity")
"""Formats with times, of recordings."""
WRITTEN = (ALTO, PAGE, INKML, *TIMED)


def add_transcribe_options(parser: argparse.ArgumentParser) -> None:
    """Adds what `transcribe` takes beside a model and the options of decoding."""
    parser.add_argument(
        "--n-best",
        metavar="N",
        type=int,
        default=1,
        help="with --json, give the N best readings of each file (default: 1)",
    )
    parser.add_argument(
        "--format",
        choices=(TEXT, JSON, *WRITTEN),
        default=TEXT,
        help="alto, page, inkml: write the pages or the ink with the texts in them; srt, vtt, ctm, textgrid (Praat), "
        "audacity (labels): write the words of recordings with their times (default: text)",
    )
    parser.add_argument(
        "--out",
        metavar="FOLDER",
        type=Path,
        help="where the files are written, with --format alto, page, inkml and those with times",
    )
    parser.add_argument(
        "--rows", action="store_true", help="read pen ink whose text wraps row by row, as FILE:0, FILE:1 ..."
    )
    add_borders_option(parser)
    parser.add_argument(
        "--workers",
        metavar="N",
        type=int,
        help="read N pages at once, each with one thread (default: as many as there are cores, one on a GPU)",
    )
    parser.add_argument(
        "--review",
        action="store_true",
        help="list the lines that a person should look at first: errors to expect, their share, line, text with "
        "doubtful words in [brackets]",
    )
    parser.add_argument(
        "--stream",
        action="store_true",
        help="read speech while it is said: PATH is raw 16-bit samples, one channel, at the sample rate of the model; "
        "- for standard input",
    )
    parser.add_argument("paths", metavar="PATH", type=Path, nargs="+", help="files, pages and folders")


def check_transcribe_options(arguments: argparse.Namespace) -> None:
    """Says before a model is loaded which options do not go together.

    Raises:
        ConfigError: some do not.
    """
    if arguments.stream:
        _check_stream(arguments)
    if arguments.json:
        if arguments.format in WRITTEN:
            raise ConfigError(
                f"--json and --format {arguments.format} are two ways to write; leave one of them out"
            )
        arguments.format = JSON
    if arguments.n_best < 1 or (arguments.n_best > 1 and arguments.format != JSON):
        raise ConfigError(f"--n-best {arguments.n_best}: expected at least 1, and --json beside it above 1")
    if arguments.review and arguments.n_best > 1:
        raise ConfigError("--review is of the best reading; leave --n-best out")
    if arguments.workers is not None and arguments.workers < 1:
        raise ConfigError(f"--workers {arguments.workers}: expected at least 1")
    if arguments.borders is not None and arguments.format not in TIMED:
        raise ConfigError(f"--borders: for times, which --format {', '.join(TIMED)} write")
    writes = arguments.format in WRITTEN
    if arguments.rows and writes and arguments.format != INKML:
        what = "recordings" if arguments.format in TIMED else "pages"
        raise ConfigError(
            f"--rows is for pen ink, --format {arguments.format} for {what}; leave one of them out"
        )
    if writes and arguments.out is None:
        raise ConfigError(f"--format {arguments.format} writes files; name their folder with --out")
    if not writes and arguments.out is not None:
        raise ConfigError(
            f"--out is the folder for --format {', '.join(WRITTEN)}; send other texts to a file with >"
        )


def _check_stream(arguments: argparse.Namespace) -> None:
    others = {
        "the other files": len(arguments.paths) > 1,
        f"--format {arguments.format}": arguments.format not in (TEXT, JSON),
        "--n-best": arguments.n_best != 1,
        "--rows": arguments.rows,
        "--review": arguments.review,
        "--workers": arguments.workers is not None,
        "--with": len(arguments.others) > 0,
        "--views": arguments.views != 1,
    }
    for name in (name for name, is_given in others.items() if is_given):
        raise ConfigError(f"--stream reads one thing, as text or --json; leave {name} out")


def transcribe(recognizer: "Recognizer", arguments: argparse.Namespace) -> int:
    """Reads what the command line names, and returns the exit code."""
    if arguments.stream:
        from seqlabel.listening import listen

        return listen(recognizer, arguments)
    from seqlabel.ink_reading import reads_ink

    if (arguments.rows or arguments.format == INKML) and not reads_ink(recognizer):
        what = "--rows" if arguments.rows else f"--format {INKML}"
        raise ConfigError(
            f"{what} is for pen ink, and the model reads {' '.join(sorted(recognizer.suffixes))}; take one that "
            "reads ink"
        )
    review = _review(recognizer, arguments) if arguments.review else None
    code = _read_all(recognizer, arguments, review)
    if review is not None:
        rows = map(as_json_text, review.as_json()) if arguments.format == JSON else review.rows()
        for row in rows:
            print(row)
        sys.stdout.flush()
        if arguments.format != JSON:
            print(review.summary(), file=sys.stderr)
    return code


def _review(recognizer: "Recognizer", arguments: argparse.Namespace) -> "Review":
    from seqlabel.review import Review

    if recognizer.calibration is None:
        raise ConfigError(
            f"{arguments.model}: nobody has found out yet what its confidences are worth; "
            f"run `seqlabel calibrate {arguments.model} DEV.jsonl` with a dev set, then --review"
        )
    return Review(recognizer.calibration)


def _read_all(recognizer: "Recognizer", arguments: argparse.Namespace, review: "Review | None") -> int:
    code, found, pages = _gather(recognizer, arguments.paths, arguments.out)
    if arguments.format == INKML:
        return max(code, _write_inks(recognizer, found, arguments, review))
    if arguments.format in TIMED:
        return max(code, _write_timed(recognizer, found, arguments, review))
    files = [path for path, _ in found]
    if arguments.rows:
        code, files = _rows_of_files(code, files)
    if arguments.format in (ALTO, PAGE):
        _refuse_overwriting(pages, arguments.out)
        for path in files:
            code = complain(f"{path}: is no page; with --format {arguments.format} give ALTO or PAGE files")
        files = []
    for path, result in recognizer.read_files(files, arguments.n_best, bars_on_terminal()):
        if isinstance(result, SeqlabelError):
            sys.stdout.flush()
            code = complain(result)
        elif review is not None:
            review.lines.append((str(path), result[0]))
        elif arguments.format == JSON:
            row = {"path": str(path), **hypothesis_as_json(result[0])}
            if arguments.n_best > 1:
                row["n_best"] = [hypothesis_as_json(found) for found in result]
            print(as_json_text(row))
        else:
            print(f"{path}\t{result[0].text}")
    return max(code, _transcribe_pages(recognizer, pages, arguments, review)) if pages else code


def _transcribe_pages(
    recognizer: "Recognizer",
    pages: list[tuple[Path, Path]],
    arguments: argparse.Namespace,
    review: "Review | None",
) -> int:
    """Reads pages, several at once; what is said of them is said in their order. Returns the exit code."""
    import torch

    from seqlabel.devices import page_workers, prepare_arithmetic
    from seqlabel.workers import Workers

    num_workers, num_threads = page_workers(recognizer.device, len(pages), arguments.workers)
    num_threads_before = torch.get_num_threads()
    # Lines of text and a bar on one terminal would be drawn over each other.
    is_quiet = len(pages) == 1 or (arguments.format in (TEXT, JSON) and sys.stdout.isatty())
    bars = None if is_quiet else bars_on_terminal()
    code = DONE

    def work(page: tuple[Path, Path]) -> "_Told":
        return _transcribe_page(recognizer, *page, arguments, workers.check)

    try:
        with (
            nullcontext(lambda: None) if bars is None else bars("reading pages", len(pages)) as on_page,
            Workers(work, num_workers, lambda: prepare_arithmetic(num_threads)) as workers,
        ):
            for _, result in workers.in_order(pages):
                try:
                    told = result()
                except SeqlabelError as error:
                    told = _Told([], [str(error)])
                if review is not None:
                    review.lines += told.lines
                for row in told.rows:
                    print(row)
                if told.complaints:
                    sys.stdout.flush()
                for complaint in told.complaints:
                    code = complain(complaint)
                on_page()
    finally:
        torch.set_num_threads(num_threads_before)
    return code


def _refuse_overwriting(pages: list[tuple[Path, Path]], out: Path) -> None:
    """Refuses, before anything is written, to write over what is read or over another page.

    Raises:
        ConfigError: a page would be lost.
    """
    read = {os.path.realpath(path): path for path, _ in pages}
    written: dict[str, Path] = {}
    for path, target in pages:
        place = os.path.realpath(out / target)
        if place in read:
            raise ConfigError(f"{read[place]}: would be overwritten; give another folder with --out")
        if place in written:
            raise ConfigError(
                f"{path}: would be written to the same file as {written[place]}; read one folder at a time, each "
                "to an --out of its own"
            )
        written[place] = path


def _gather(
    recognizer: "Recognizer", paths: list[Path], out: Path | None
) -> tuple[int, list[tuple[Path, Path]], list[tuple[Path, Path]]]:
    """Returns the exit code so far, and the files and the pages, each with its place below the folder that is written.

    In a folder with pages, their images are no lines of writing. What an earlier command has written below `out` is not
    read again.
    """
    from seqlabel.formats import IMAGE_SUFFIXES, PAGE_SUFFIX, page_image, read_page
    from seqlabel.manifest import page_files

    code = DONE
    files: list[tuple[Path, Path]] = []
    pages: list[tuple[Path, Path]] = []
    reads_images = bool(recognizer.suffixes & IMAGE_SUFFIXES)
    for path in paths:
        if not path.is_dir():
            if reads_images and path.suffix.lower() == PAGE_SUFFIX:
                pages.append((path, Path(path.name)))
            else:
                files.append((path, Path(path.name)))
            continue
        of_folder = page_files(path) if reads_images else []
        written: str | None = None
        if out is not None and os.path.realpath(out) != os.path.realpath(path):
            written = os.path.realpath(out) if _is_below(out, os.path.realpath(path)) else None
        if written is not None:
            of_folder = [page for page in of_folder if not _is_below(page, written)]
        images: set[Path] = set()
        for page in of_folder:
            # Also where the page cannot be read, which is told then.
            images.update(page.with_suffix(suffix) for suffix in IMAGE_SUFFIXES)
            with suppress(SeqlabelError):
                images.add(page_image(page, read_page(page)))
        found = [
            file
            for file in files_below(path, recognizer.suffixes)
            if file not in images and (written is None or not _is_below(file, written))
        ]
        if not found and not of_folder:
            kinds = " ".join(sorted(recognizer.suffixes | ({PAGE_SUFFIX} if reads_images else set())))
            code = complain(f"{path}: no file in this folder that the model reads; expected some of {kinds}")
        files += [(file, file.relative_to(path)) for file in found]
        pages += [(page, page.relative_to(path)) for page in of_folder]
    return code, files, pages


def _rows_of_files(code: int, files: list[Path]) -> tuple[int, list[Path]]:
    """Returns the exit code so far, and the sources of the rows of ink files."""
    from seqlabel.formats import ink_row_address, read_rows, split_ink_address

    sources: list[Path] = []
    for path in files:
        try:
            sources += (
                [ink_row_address(path, row) for row in range(len(read_rows(path)))]
                if split_ink_address(path) is None
                else [path]
            )
        except SeqlabelError as error:
            code = complain(error)
    return code, sources


def _write_inks(
    recognizer: "Recognizer",
    files: list[tuple[Path, Path]],
    arguments: argparse.Namespace,
    review: "Review | None",
) -> int:
    """Writes ink files with what the model reads in each of their trace groups, and returns the exit code."""
    from seqlabel.formats import (
        READING,
        annotate_inkml,
        is_inkml,
        num_ungrouped_strokes,
        read_strokes,
        write_inkml,
    )
    from seqlabel.ink_reading import read_ink_with

    code = DONE
    targets = [(path, target if is_inkml(path) else target.with_suffix(".inkml")) for path, target in files]
    _refuse_overwriting(targets, arguments.out)
    bars = bars_on_terminal() if len(files) > 1 else None
    with nullcontext(lambda: None) if bars is None else bars("reading ink", len(files)) as on_file:
        for path, target in targets:
            out = arguments.out / target
            try:
                groups = read_ink_with(recognizer, path, rows=arguments.rows)
                texts = ["\n".join(row.text for row in group) for group in groups]
                _make_folder(out.parent)
                if is_inkml(path):
                    annotate_inkml(path, out, texts)
                else:
                    write_inkml(out, [(read_strokes(path), texts[0])], READING)
                print(f"{path}\t{out}")
                if review is not None:
                    read = [row for group in groups for row in group]
                    review.lines += [
                        (str(path) if len(read) == 1 else f"{path} row {number}", row)
                        for number, row in enumerate(read)
                    ]
                if (num_left := num_ungrouped_strokes(path)) > 0:
                    sys.stdout.flush()
                    code = complain(f"{path}: not read: {num_left} strokes that stand in no trace group")
            except SeqlabelError as error:
                sys.stdout.flush()
                code = complain(error)
            on_file()
    return code


def _write_timed(
    recognizer: "Recognizer",
    files: list[tuple[Path, Path]],
    arguments: argparse.Namespace,
    review: "Review | None",
) -> int:
    """Writes what was said in recordings, and when, and returns the exit code."""
    from seqlabel.formats import WRITERS
    from seqlabel.timed_reading import read_timed, tells_times

    if not tells_times(recognizer):
        raise ConfigError(
            f"--format {arguments.format} is for recordings, and the model reads "
            f"{' '.join(sorted(recognizer.suffixes))}; take one that reads audio"
        )
    suffix, lines_of = WRITERS[arguments.format]
    targets = [(path, target.with_suffix(suffix)) for path, target in files]
    _refuse_overwriting(targets, arguments.out)
    code = DONE
    bars = bars_on_terminal()  # over the files, or over the seconds of a single one
    several = bars if len(files) > 1 else None
    paths = [path for path, _ in files]
    read = read_timed(recognizer, paths, None if several else bars, by_sound=arguments.borders != PEAKS)
    with progress(several, "reading recordings", len(files)) as on_file:
        for (path, target), (_, result) in zip(targets, read, strict=True):
            try:
                if isinstance(result, SeqlabelError):
                    raise result
                out = arguments.out / target
                _make_folder(out.parent)
                write_lines(out, lines_of(result[0]))
                print(f"{path}\t{out}")
                if review is not None:
                    review.lines.append((str(path), result[1]))
            except SeqlabelError as error:
                sys.stdout.flush()
                code = complain(error)
            on_file()
    return code


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be made ({error.strerror}); name another --out") from error


def _is_below(path: Path, folder: str) -> bool:
    return os.path.commonpath([os.path.realpath(path), folder]) == folder


@dataclass(frozen=True, slots=True)
class _Told:
    """What is to be said of a page, on standard output and on standard error, and its lines for a review."""

    rows: list[str]
    complaints: list[str]
    lines: "list[tuple[str, Hypothesis]]" = field(default_factory=list)


def _transcribe_page(
    recognizer: "Recognizer",
    path: Path,
    target: Path,
    arguments: argparse.Namespace,
    on_line: Callable[[], object],
) -> _Told:
    from seqlabel.formats import read_page, write_page
    from seqlabel.page_reading import read_page_with

    writes = arguments.format in (ALTO, PAGE)
    out: Path | None = None
    if writes:
        out = arguments.out / target
        if (kind := read_page(path).kind) != arguments.format:
            raise ConfigError(f"{path}: is {kind.upper()}, and is written as that; give --format {kind}")
    n_best = 1 if writes else arguments.n_best
    reading = read_page_with(recognizer, path, n_best, places=arguments.format != TEXT, on_line=on_line)
    complaints = [
        f"{path}: line {reading.page.lines[index].id} is not read: {error}"
        for index, error in sorted(reading.failed.items())
    ]
    if out is not None:
        _make_folder(out.parent)
        write_page(path, out, {index: line.words for index, line in reading.lines.items()})
        return _Told([f"{path}\t{out}"], complaints, _lines(path, reading))
    rows = [] if arguments.review else _rows(path, reading, arguments)
    return _Told(rows, complaints, _lines(path, reading))


def _lines(path: Path, reading: "PageReading") -> "list[tuple[str, Hypothesis]]":
    return [
        (f"{path}#{reading.page.lines[index].id}", line.hypotheses[0])
        for index, line in sorted(reading.lines.items())
    ]


def _rows(path: Path, reading: "PageReading", arguments: argparse.Namespace) -> list[str]:
    rows = []
    for index, line in sorted(reading.lines.items()):
        line_id = reading.page.lines[index].id
        if arguments.format == TEXT:
            rows.append(f"{path}#{line_id}\t{line.hypotheses[0].text}")
            continue
        row: dict[str, Any] = {"path": str(path), "line": line_id, **hypothesis_as_json(line.hypotheses[0])}
        row["places"] = [
            {"text": word.text, "confidence": word.confidence, "outline": word.outline.round(1).tolist()}
            for word in line.words
        ]
        if arguments.n_best > 1:
            row["n_best"] = [hypothesis_as_json(found) for found in line.hypotheses]
        rows.append(as_json_text(row))
    return rows
