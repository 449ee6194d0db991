"""One made-up corpus for each kind of input, with everything wrong in it that a check is to find."""

from pathlib import Path

import numpy as np
import pytest

from seqlabel.checks import CorpusReport, Place, check_corpus, read_splits
from tests.checks.made_up import ink, line, speech, write_audio, write_image, write_ink, write_rows
from tests.pages import draw_page


def found(report: CorpusReport) -> dict[str, list[tuple[str, ...]]]:
    """Returns the ids of the examples of each finding, by kind."""
    kinds: dict[str, list[tuple[str, ...]]] = {}
    for finding in report.findings:
        kinds.setdefault(finding.kind.name, []).append(tuple(place.id for place in finding.places))
    return kinds


def rows_of(
    prefix: str, names: list[str], suffix: str, texts: dict[str, str | None]
) -> list[dict[str, object]]:
    return [
        {"id": name, "source": f"files/{prefix}{name}{suffix}", "text": texts.get(name, f"text {name}")}
        for name in names
    ]


def audio_corpus(folder: Path) -> list[Path]:
    files = folder / "files"
    # A second for ten characters or so, as a voice has it.
    good = [f"good{number:03d}" for number in range(60)]
    for number, name in enumerate(good):
        write_audio(files / f"{name}.wav", speech(1 + number / 300, seed=number))
    write_audio(files / "silent.wav", np.zeros(8000, np.float32))
    write_audio(files / "clipped.wav", np.clip(9 * speech(1.0, seed=99), -1, 32767 / 32768))
    write_audio(files / "again.wav", speech(1.0, seed=0))
    write_audio(files / "other.wav", speech(1 + 1 / 300, seed=1))
    write_audio(files / "long.wav", np.concatenate([speech(1.0, seed=98)] * 9))
    write_audio(files / "rate.wav", speech(1.0, seed=97), rate=16000)
    (files / "broken.wav").write_bytes(b"RIFF and nothing")
    texts = {"again": "text good000", "mute": None, "blank": "  ", "unread": "text zzz"}
    train = [*good, "silent", "clipped", "again", "other", "long", "rate", "broken", "gone"]
    rows = rows_of("", train, ".wav", texts)
    rows += [{"id": name, "source": "files/good059.wav", "text": texts[name]} for name in ("mute", "blank")]
    write_audio(files / "unread.wav", speech(1.0, seed=96))
    dev = rows_of("", ["unread"], ".wav", texts)
    dev.append({"id": "leak", "source": "files/good002.wav", "text": "text good002"})
    return [write_rows(folder / "train.jsonl", rows), write_rows(folder / "dev.jsonl", dev)]


@pytest.mark.parametrize("num_workers", [1, 3])
def test_everything_that_is_wrong_with_a_corpus_of_audio_is_found_and_nothing_else(
    tmp_path: Path, num_workers: int
) -> None:
    splits, _ = read_splits(audio_corpus(tmp_path))
    report = check_corpus(splits, num_workers=num_workers)
    kinds = found(report)
    kinds.pop("rare-characters", None)
    assert kinds == {
        "missing-file": [("gone",)],
        "unreadable": [("broken",)],
        "no-text": [("mute",), ("blank",)],
        "silent": [("silent",)],
        "clipped": [("clipped",)],
        "repeated": [("good000", "again")],
        "contradiction": [("good001", "other"), ("good059", "mute", "blank")],
        "shared-content": [("good002", "leak")],
        "long-for-text": [("long",)],
        "sample-rate": [("rate",)],
        "unknown-characters": [("unread",)],
        "shared-texts": [("leak",)],
    }
    assert report.unchecked == ()


def test_of_headers_what_they_tell_is_found_and_the_rest_is_named(tmp_path: Path) -> None:
    splits, _ = read_splits(audio_corpus(tmp_path))
    report = check_corpus(splits, headers_only=True)
    kinds = found(report)
    assert kinds["missing-file"] == [("gone",)]
    assert kinds["unreadable"] == [("broken",)]
    assert kinds["long-for-text"] == [("long",)]
    assert kinds["shared-content"] == [("good002", "leak")]
    assert not {"silent", "clipped"} & kinds.keys()
    [line_] = report.unchecked
    assert "silent, clipped" in line_


def test_what_a_split_is_made_of_is_summed_up(tmp_path: Path) -> None:
    rows = []
    for number, seconds in enumerate((1.0, 2.0, 4.0)):
        path = write_audio(tmp_path / f"{number}.wav", speech(seconds, seed=number))
        rows.append({"id": str(number), "source": path.name, "text": "abc", "group": "ann"})
    [summary] = check_corpus(read_splits([write_rows(tmp_path / "all.jsonl", rows)])[0]).summaries
    assert (summary.name, summary.num_examples, summary.num_groups) == ("all", 3, 1)
    assert (summary.num_characters, summary.num_texts, summary.sources) == (9, 1, {"audio": 3})
    assert summary.seconds is not None
    assert (summary.seconds.total, summary.seconds.least, summary.seconds.median) == (7.0, 1.0, 2.0)
    assert summary.num_bytes == sum((tmp_path / f"{number}.wav").stat().st_size for number in range(3))


def test_everything_that_is_wrong_with_line_images_is_found_and_nothing_else(tmp_path: Path) -> None:
    files = tmp_path / "files"
    names = [f"line{number:03d}" for number in range(80)]
    for number, name in enumerate(names):
        pixels = line(15, seed=number)
        write_image(files / f"{name}.png", pixels[::-1, ::-1] if number == 33 else pixels)
    write_image(files / "blank.png", np.full((60, 300), 230))
    write_image(files / "inverted.png", 255 - line(15, seed=91))
    write_image(files / "sideways.png", line(15, seed=92).T)
    speck = np.full((60, 300), 230)
    speck[20:24, 20:24] = 30
    write_image(files / "speck.png", speck)
    names += ["blank", "inverted", "sideways", "speck"]
    texts = dict.fromkeys(names, "fifteen letters")
    manifest = write_rows(tmp_path / "lines.jsonl", rows_of("", names, ".png", texts))
    kinds = found(check_corpus(read_splits([manifest])[0]))
    assert kinds == {
        "blank": [("blank",)],
        "nearly-empty": [("speck",)],
        "upside-down": [("line033",)],
        "sideways": [("sideways",)],
        "inverted": [("inverted",)],
        "short-for-text": [("sideways",)],
    }


def test_everything_that_is_wrong_with_ink_is_found_and_nothing_else(tmp_path: Path) -> None:
    files = tmp_path / "files"
    names = [f"ink{number:03d}" for number in range(60)]
    for number, name in enumerate(names):
        write_ink(files / f"{name}.json", ink(8, seed=number))
    write_ink(files / "blank.json", [[(1, 1), (1, 1)]])
    write_ink(files / "stroke.json", [[(0, 0), (30, 9), (60, 0)]])
    write_ink(files / "large.json", ink(8, 100.0, seed=77))
    (files / "broken.json").write_text('{"strokes": [[[1, "a"]]]}')
    names += ["blank", "stroke", "large", "broken"]
    texts = dict.fromkeys(names, "abcdefgh")
    manifest = write_rows(tmp_path / "ink.jsonl", rows_of("", names, ".json", texts))
    kinds = found(check_corpus(read_splits([manifest])[0]))
    assert kinds == {
        "unreadable": [("broken",)],
        "blank": [("blank",)],
        "nearly-empty": [("stroke",)],
        "other-units": [("large",)],
    }


def test_everything_that_is_wrong_with_pages_is_found_and_nothing_else(tmp_path: Path) -> None:
    draw_page(tmp_path / "train", "one", ["abcab", "", "bacca", "cabba  b"])
    draw_page(tmp_path / "dev", "two", ["bbaac", "cabab"], kind="page")
    lost = draw_page(tmp_path / "dev", "three", ["acacb"])
    lost.with_suffix(".png").unlink()
    splits, _ = read_splits([tmp_path / "train", tmp_path / "dev"])
    kinds = found(check_corpus(splits))
    kinds.pop("rare-characters", None)
    assert kinds == {"unreadable": [("three#l0",)], "untold-lines": [("one#l1",)]}


def test_one_content_in_two_kinds_of_file_is_one_content(tmp_path: Path) -> None:
    write_image(tmp_path / "files" / "a.png", line(15))
    write_image(tmp_path / "files" / "b.bmp", line(15))
    rows = [{"id": name, "source": f"files/{name}", "text": "same"} for name in ("a.png", "b.bmp")]
    report = check_corpus(read_splits([write_rows(tmp_path / "all.jsonl", rows)])[0])
    assert found(report) == {"repeated": [("a.png", "b.bmp")]}


def test_examples_of_one_id_in_two_splits_are_kept_apart(tmp_path: Path) -> None:
    write_image(tmp_path / "files" / "same.png", line(15))
    good = write_rows(tmp_path / "good.jsonl", rows_of("", ["same"], ".png", {}))
    bad = write_rows(tmp_path / "bad.jsonl", rows_of("no", ["same"], ".png", {}))
    report = check_corpus(read_splits([good, bad])[0])
    [missing] = [finding for finding in report.findings if finding.kind.name == "missing-file"]
    assert missing.places == (Place("bad", "same"),)
