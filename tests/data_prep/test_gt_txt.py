from pathlib import Path

import pytest

from data_prep import gt_txt
from seqlabel.errors import ManifestError
from seqlabel.manifest import read_manifest
from tests.data_prep.line_images import draw


def add_line(root: Path, name: str, text: str = "ab", image: str = ".png") -> None:
    draw(root / f"{name}{image}")
    (root / f"{name}.gt.txt").write_bytes(text.encode())


def make_corpus(root: Path) -> Path:
    for folder in ("train", "val", "test"):
        for page in ("p1", "p2"):
            for number in range(2):
                add_line(root, f"{folder}/{page}/{number:04d}", f"{folder} {page}\n")
    return root


def test_folders_of_images_are_groups_and_stay_whole(tmp_path: Path) -> None:
    source, out = make_corpus(tmp_path / "gt_txt"), tmp_path / "out"
    assert gt_txt.main([str(source), str(out)]) == 0
    train, dev = (read_manifest(out / f"{name}.jsonl") for name in ("train", "dev"))
    assert (len(train), len(dev)) == (10, 2)
    assert dev[0].group == dev[1].group and dev[0].group not in {example.group for example in train}
    assert train[0].source == source / f"{train[0].id}.png"


def test_the_highest_folders_can_be_the_splits(tmp_path: Path) -> None:
    source, out = make_corpus(tmp_path / "gt_txt"), tmp_path / "out"
    add_line(source, "loose", "x")
    assert gt_txt.main([str(source), str(out), "--split", "folder"]) == 0
    assert {e.text for e in read_manifest(out / "dev.jsonl")} == {"val p1", "val p2"}
    assert {e.group for e in read_manifest(out / "test.jsonl")} == {"test/p1", "test/p2"}
    prepared = gt_txt.prepare(source, out, split="folder")
    assert prepared.left_out == {"in no folder of a split": ["loose"]}


def test_a_pattern_names_the_groups(tmp_path: Path) -> None:
    for book in "abcde":
        for number in range(4):
            add_line(tmp_path / "gt_txt", f"{book}_{number}")
    prepared = gt_txt.prepare(tmp_path / "gt_txt", tmp_path / "out", group="(.*)_", test_share=0.2)
    groups = {name: {e.group for e in found} for name, found in prepared.splits.items()}
    assert {name: len(found) for name, found in groups.items()} == {"train": 3, "dev": 1, "test": 1}
    assert set.union(*groups.values()) == set("abcde")


@pytest.mark.parametrize("image", [".bin.png", ".nrm.png", ".tif", ".PNG", ".jpg"])
def test_images_of_all_toolkits_are_found(image: str, tmp_path: Path) -> None:
    add_line(tmp_path / "gt_txt", "b/1", image=image)
    prepared = gt_txt.prepare(tmp_path / "gt_txt", tmp_path / "out")
    assert [(e.id, e.source.name) for e in prepared.splits["train"]] == [("b/1", f"1{image}")]
    assert not prepared.left_out


def test_the_grey_image_goes_before_the_binarised_one(tmp_path: Path) -> None:
    add_line(tmp_path / "gt_txt", "1")
    draw(tmp_path / "gt_txt" / "1.bin.png")
    prepared = gt_txt.prepare(tmp_path / "gt_txt", tmp_path / "out")
    assert prepared.splits["train"][0].source.name == "1.png"
    assert not prepared.left_out


def test_texts_stay_as_they_are(tmp_path: Path) -> None:
    text = " \u017fo  viel\u2028 … "
    add_line(tmp_path / "gt_txt", "1", text + "\r\n")
    assert gt_txt.main([str(tmp_path / "gt_txt"), str(tmp_path / "out"), "--dev-share", "0"]) == 0
    assert [e.text for e in read_manifest(tmp_path / "out" / "train.jsonl")] == [text]


def test_what_does_not_go_together_is_counted_by_name(tmp_path: Path) -> None:
    source = tmp_path / "gt_txt"
    add_line(source, "good")
    add_line(source, "empty", " \n")
    add_line(source, "two", "a\nb\n")
    add_line(source, "zero")
    (source / "zero.png").write_bytes(b"")
    draw(source / "mute.bin.png")
    add_line(source, "twice")
    draw(source / "twice.tif")
    (source / "blind.gt.txt").write_text("a")
    assert gt_txt.prepare(source, tmp_path / "out").left_out == {
        "text without an image": ["blind.gt.txt"],
        "empty text": ["empty"],
        "several images for one text": ["twice"],
        "text of several lines": ["two"],
        "image of 0 bytes": ["zero"],
        "image without a text": ["mute"],
    }


@pytest.mark.parametrize("pattern", ["(", "a_", "(x)_"])
def test_a_pattern_that_names_no_group_is_refused(pattern: str, tmp_path: Path) -> None:
    add_line(tmp_path / "gt_txt", "a_1")
    with pytest.raises(ManifestError, match="--group"):
        gt_txt.prepare(tmp_path / "gt_txt", tmp_path / "out", group=pattern)


def test_shares_that_leave_nothing_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add_line(tmp_path / "gt_txt", "a_1")
    assert gt_txt.main([str(tmp_path / "gt_txt"), str(tmp_path / "out"), "--dev-share", "1"]) == 2
    assert "together below 1" in capsys.readouterr().err
