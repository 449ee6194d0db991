from pathlib import Path

import pytest

from seqlabel.checks.splits import read_splits
from seqlabel.errors import ManifestError
from tests.checks.made_up import line, write_image, write_rows
from tests.pages import draw_page


def manifest(path: Path) -> Path:
    return write_rows(path, [{"id": path.stem, "source": "a.wav", "text": "a"}])


def names(*paths: Path) -> list[str]:
    return [split.name for split in read_splits(paths)[0]]


def test_manifests_are_splits_named_after_their_files(tmp_path: Path) -> None:
    paths = [manifest(tmp_path / name) for name in ("train.jsonl", "my.dev.jsonl")]
    assert names(*paths) == ["train", "my.dev"]


def test_files_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    paths = [manifest(tmp_path / folder / "all.jsonl") for folder in ("old", "new")]
    assert names(*paths) == ["old/all", "new/all"]


def test_a_manifest_that_is_named_twice_is_refused(tmp_path: Path) -> None:
    path = manifest(tmp_path / "train.jsonl")
    with pytest.raises(ManifestError, match=r"train\.jsonl: is named twice"):
        read_splits([path, path])


def test_a_folder_stands_for_its_usual_splits_and_the_others_are_told(tmp_path: Path) -> None:
    for name in ("test", "train", "dev", "single_train"):
        manifest(tmp_path / f"{name}.jsonl")
    splits, passed = read_splits([tmp_path])
    assert [split.name for split in splits] == ["train", "dev", "test"]
    assert passed == [str(tmp_path / "single_train.jsonl")]


def test_a_folder_without_usual_names_stands_for_all_its_manifests(tmp_path: Path) -> None:
    for name in ("b", "a"):
        manifest(tmp_path / f"{name}.jsonl")
    assert names(tmp_path) == ["a", "b"]


def test_folders_of_other_toolkits_are_read_as_training_reads_them(tmp_path: Path) -> None:
    write_image(tmp_path / "lines" / "1.png", line(4))
    (tmp_path / "lines" / "1.gt.txt").write_text("text")
    for split in ("train", "dev"):
        write_rows(tmp_path / split / "metadata.jsonl", [{"file_name": "a.wav", "text": "a"}])
    assert names(tmp_path / "lines", tmp_path / "train", tmp_path / "dev" / "metadata.jsonl") == [
        "lines",
        "train",
        "dev",
    ]


def test_lines_of_pages_that_nobody_has_transcribed_stand_apart(tmp_path: Path) -> None:
    draw_page(tmp_path / "pages", "one", ["ab", "", "ba"])
    [split] = read_splits([tmp_path / "pages"])[0]
    assert [example.text for example in split.examples] == ["ab", "ba"]
    assert split.untold == ("one#l1",)
