import hashlib
import importlib
import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from data_prep import corpus_source, digits
from data_prep.corpus_source import Prepared, Published, exit_code, fetch, prepare_into, ranked_by_hash, run
from seqlabel.errors import ManifestError
from seqlabel.manifest import read_manifest
from seqlabel.records import Example

NAMES = (
    "an4",
    "bentham",
    "common_voice",
    "fsdd",
    "gt_txt",
    "htr_united",
    "iam",
    "imadoc",
    "librispeech",
    "ljspeech",
    "pendigits",
    "poilus",
    "rimes",
    "speech_commands",
    "speechocean",
    "tidigits",
    "timit",
    "vctk",
    "yesno",
)


def prepare_text_files(source: Path, out: Path) -> Prepared:
    """A corpus of one: each file is an example of the train split."""
    files = sorted(source.rglob("*.txt"))
    if not files:
        raise ManifestError(f"{source}: no text file in it.")
    prepared = Prepared(unit="files", group_unit="folders")
    prepared.splits["train"] = [
        Example(id=file.stem, source=file, text=file.read_text(), group=file.parent.name) for file in files
    ]
    return prepared


def make_archive(path: Path, content: str = "hello") -> str:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny-1.0/one.txt", content)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def published(address: str | None, sha256: str | None = None, num_signals: int = 1) -> Published:
    return Published("tiny", page="the page of tiny", address=address, sha256=sha256, num_signals=num_signals)


def only_line(capsys: pytest.CaptureFixture[str]) -> str:
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_source_is_one_line_and_exit_code_2(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = importlib.import_module(f"data_prep.{name}").main([str(tmp_path / "none"), str(tmp_path / "out")])
    assert code == 2
    assert "none: no such folder" in only_line(capsys)


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_source_is_one_line_and_exit_code_2(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    code = importlib.import_module(f"data_prep.{name}").main([str(tmp_path / "empty"), str(tmp_path / "out")])
    assert code == 2
    assert "empty" in only_line(capsys)


@pytest.mark.parametrize("name", NAMES)
def test_another_folder_is_refused_with_what_was_expected(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "holiday").mkdir()
    (tmp_path / "holiday" / "notes.txt").write_text("sun")
    code = importlib.import_module(f"data_prep.{name}").main(
        [str(tmp_path / "holiday"), str(tmp_path / "out")]
    )
    assert code == 2
    assert "xpected" in only_line(capsys)
    assert not list((tmp_path).glob("out/*.jsonl"))


@pytest.mark.parametrize("name", NAMES)
def test_an_out_that_is_a_file_is_one_line_and_exit_code_2(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "notes.txt").write_text("sun")
    (tmp_path / "out").write_text("in the way")
    code = importlib.import_module(f"data_prep.{name}").main(
        [str(tmp_path / "source"), str(tmp_path / "out")]
    )
    assert code == 2
    assert "is a file" in only_line(capsys)
    assert (tmp_path / "out").read_text() == "in the way"


@pytest.mark.parametrize("name", NAMES)
def test_the_docstring_shows_the_tree_and_the_command(name: str) -> None:
    docstring = importlib.import_module(f"data_prep.{name}").__doc__
    assert f"python -m data_prep.{name}" in docstring
    assert f"    {name}/\n" in docstring


def test_a_source_that_is_a_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "corpus.zip").write_bytes(b"PK")
    code = run(
        prepare_text_files, published(None), None, [str(tmp_path / "corpus.zip"), str(tmp_path / "out")]
    )
    assert code == 2
    assert "is a file, not the folder" in only_line(capsys)


def test_the_corpus_itself_is_refused_as_out(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text("a manifest of the user's")
    with pytest.raises(ManifestError, match="is the corpus itself"):
        prepare_into(prepare_text_files, tmp_path, tmp_path)
    assert (tmp_path / "train.jsonl").exists()


def test_a_run_that_fails_leaves_no_manifest_of_an_earlier_run(tmp_path: Path) -> None:
    source, out = tmp_path / "source", tmp_path / "out"
    source.mkdir()
    (source / "one.txt").write_text("one")
    prepare_into(prepare_text_files, source, out)
    assert (out / "train.jsonl").exists()
    (source / "one.txt").unlink()
    with pytest.raises(ManifestError):
        prepare_into(prepare_text_files, source, out)
    assert not (out / "train.jsonl").exists()


def test_other_files_in_out_are_left_alone(tmp_path: Path) -> None:
    source, out = tmp_path / "source", tmp_path / "out"
    for folder in (source, out):
        folder.mkdir()
    (source / "one.txt").write_text("one")
    (out / "mine.jsonl").write_text("mine")
    prepare_into(prepare_text_files, source, out)
    assert (out / "mine.jsonl").read_text() == "mine"


def test_a_split_without_examples_is_refused(tmp_path: Path) -> None:
    def prepare_nothing(source: Path, out: Path) -> Prepared:
        return Prepared(unit="files", group_unit="folders", splits={"train": []})

    (tmp_path / "source").mkdir()
    with pytest.raises(ManifestError, match="nothing for train"):
        prepare_into(prepare_nothing, tmp_path / "source", tmp_path / "out")


def test_the_summary_counts_what_was_left_out_and_names_the_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def prepare(source: Path, out: Path) -> Prepared:
        prepared = prepare_text_files(source, out)
        prepared.seconds["train"] = 1800.0
        for number in range(5):
            prepared.leave_out("no text", f"line{number}")
        return prepared

    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "one.txt").write_text("one")
    prepare_into(prepare, tmp_path / "source", tmp_path / "out")
    assert capsys.readouterr().out.splitlines() == [
        "train: 1 files, 1 folders, 0.50 h",
        "left out, no text: 5 (line0, line1, line2, ...)",
    ]


def test_the_hash_order_does_not_depend_on_the_order_or_on_repetitions() -> None:
    assert ranked_by_hash(["a", "b", "c", "a"]) == ranked_by_hash(["c", "b", "a"])


def test_a_corpus_is_fetched_when_source_is_left_out(
    tmp_path: Path, serve: Callable[[Path], str], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "www").mkdir()
    sha256 = make_archive(tmp_path / "www" / "tiny.zip")
    address = serve(tmp_path / "www") + "tiny.zip"
    out = tmp_path / "out"
    code = run(
        prepare_text_files, published(address, sha256), None, ["--cache", str(tmp_path / "cache"), str(out)]
    )
    assert code == 0, capsys.readouterr().err
    assert [example.text for example in read_manifest(out / "train.jsonl")] == ["hello"]


def test_another_address_can_be_given(tmp_path: Path, serve: Callable[[Path], str]) -> None:
    (tmp_path / "www").mkdir()
    make_archive(tmp_path / "www" / "mirror.zip")
    address = serve(tmp_path / "www") + "mirror.zip"
    arguments = ["--cache", str(tmp_path / "cache"), "--address", address, str(tmp_path / "out")]
    assert (
        run(prepare_text_files, published("http://127.0.0.1:9/none.zip", "0" * 64, 99), None, arguments) == 0
    )


def test_a_fetched_corpus_is_kept(tmp_path: Path, serve: Callable[[Path], str]) -> None:
    (tmp_path / "www").mkdir()
    make_archive(tmp_path / "www" / "tiny.zip")
    corpus = published(serve(tmp_path / "www") + "tiny.zip")
    first = fetch(corpus, cache=tmp_path / "cache")
    (tmp_path / "www" / "tiny.zip").unlink()
    assert fetch(corpus, cache=tmp_path / "cache") == first


def test_an_archive_with_another_hash_is_refused(tmp_path: Path, serve: Callable[[Path], str]) -> None:
    (tmp_path / "www").mkdir()
    make_archive(tmp_path / "www" / "tiny.zip")
    with pytest.raises(ManifestError, match="the page of tiny"):
        fetch(published(serve(tmp_path / "www") + "tiny.zip", "0" * 64), cache=tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob("one.txt"))


def test_an_unknown_hash_is_recorded_and_held_to(tmp_path: Path, serve: Callable[[Path], str]) -> None:
    (tmp_path / "www").mkdir()
    make_archive(tmp_path / "www" / "tiny.zip")
    corpus = published(serve(tmp_path / "www") + "tiny.zip")
    folder = fetch(corpus, cache=tmp_path / "cache").parent
    make_archive(tmp_path / "www" / "tiny.zip", "something else")
    (folder / "tiny.zip").unlink()  # as a user does who wants it fetched again
    with pytest.raises(ManifestError, match="hash"):
        fetch(corpus, cache=tmp_path / "cache")


def test_a_server_that_does_not_have_it_is_one_line(
    tmp_path: Path, serve: Callable[[Path], str], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "www").mkdir()
    address = serve(tmp_path / "www") + "tiny.zip"
    code = run(
        prepare_text_files, published(address), None, ["--cache", str(tmp_path), str(tmp_path / "out")]
    )
    assert code == 2
    announcement, line = capsys.readouterr().err.strip().splitlines()
    assert address in announcement
    assert "404" in line
    assert "the page of tiny" in line


def test_a_server_that_does_not_answer_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with pytest.raises(ManifestError, match="could not be fetched"):
        fetch(published("http://127.0.0.1:9/tiny.zip"), cache=tmp_path)


def test_what_is_not_an_archive_is_refused(tmp_path: Path, serve: Callable[[Path], str]) -> None:
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "tiny.zip").write_text("<html>Please log in</html>")
    with pytest.raises(ManifestError, match="neither a zip nor a tar"):
        fetch(published(serve(tmp_path / "www") + "tiny.zip"), cache=tmp_path / "cache")


def test_a_fetched_corpus_with_too_few_signals_is_refused(
    tmp_path: Path, serve: Callable[[Path], str], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "www").mkdir()
    make_archive(tmp_path / "www" / "tiny.zip")
    corpus = published(serve(tmp_path / "www") + "tiny.zip", num_signals=2)
    code = run(prepare_text_files, corpus, None, ["--cache", str(tmp_path / "cache"), str(tmp_path / "out")])
    assert code == 2
    assert "1 files fetched; expected at least 2" in capsys.readouterr().err
    assert not (tmp_path / "out" / "train.jsonl").exists()


def test_without_a_known_address_the_message_says_where_to_ask(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from data_prep import imadoc

    assert imadoc.main([str(tmp_path / "out")]) == 2
    assert imadoc.PUBLISHED.page in only_line(capsys)


def test_ctrl_c_is_one_line_and_leaves_no_manifest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def prepare(source: Path, out: Path) -> Prepared:
        raise KeyboardInterrupt

    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "one.txt").write_text("one")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "train.jsonl").write_text("of an earlier run")
    code = run(prepare, published(None), None, [str(tmp_path / "source"), str(tmp_path / "out")])
    assert code == 130
    assert only_line(capsys).startswith("interrupted: ")
    assert not list(tmp_path.glob("out/*.jsonl"))


def test_work_that_is_done_is_exit_code_0(tmp_path: Path) -> None:
    assert exit_code(lambda: None, tmp_path) == 0


@pytest.mark.parametrize("arguments", [[], ["--bogus", "a", "b"]])
def test_a_wrong_command_line_is_one_line_and_exit_code_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        run(prepare_text_files, published(None), None, arguments)
    assert stop.value.code == 2
    assert "python -m data_prep.tiny --help" in only_line(capsys)


def test_digits_into_a_file_is_one_line_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert digits.main([str(tmp_path / "file")]) == 2
    assert "file" in only_line(capsys)


@pytest.mark.parametrize("has_filters", [True, False])
def test_an_archive_is_unpacked_and_nothing_lies_outside(
    has_filters: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not has_filters:
        monkeypatch.delattr(tarfile, "data_filter", raising=False)
    for name, is_safe in (("tiny/one.txt", True), ("../outside.txt", False)):
        with tarfile.open(tmp_path / "a.tar", "w") as archive:
            member = tarfile.TarInfo(name)
            member.size = 5
            archive.addfile(member, io.BytesIO(b"hello"))
        target = tmp_path / "unpacked"
        target.mkdir(exist_ok=True)
        with tarfile.open(tmp_path / "a.tar") as archive:
            if is_safe:
                corpus_source._extract_tar(archive, target)
            else:
                with pytest.raises(tarfile.TarError):
                    corpus_source._extract_tar(archive, target)
    assert (target / "tiny" / "one.txt").read_text() == "hello"
    assert not (tmp_path / "outside.txt").exists()
