from pathlib import Path

import numpy as np

from data_prep import htr_united
from seqlabel.features import ColumnConfig
from seqlabel.manifest import read_manifest
from tests.pages import draw_page


def make_corpus(root: Path) -> Path:
    (root / "htr-united.yml").parent.mkdir(parents=True)
    (root / "htr-united.yml").write_text("title: tiny\n")
    for folder, kind in (("a", "alto"), ("b/page", "page"), ("c", "alto"), ("d", "page")):
        for number in range(2):
            draw_page(root / "data" / folder, f"f{number}", ["ab", "ca b", ""], kind)
    (root / "data" / "a" / "mets.xml").write_text("<mets/>")
    return root


def test_folders_are_groups_and_some_are_set_apart_whole(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "corpus")
    assert htr_united.main([str(source), str(tmp_path / "out")]) == 0
    train, dev = (read_manifest(tmp_path / "out" / f"{name}.jsonl") for name in ("train", "dev"))
    assert (len(train), len(dev)) == (12, 4)
    groups = {example.group for example in train}, {example.group for example in dev}
    assert len(groups[1]) == 1 and groups[0] | groups[1] == {"data/a", "data/b", "data/c", "data/d"}
    assert not groups[0] & groups[1]
    assert {example.text for example in train} == {"ab", "ca b"}
    line = ColumnConfig(height=8, pad_columns=0).build().read(train[0])
    assert line.pixels.shape == (8, 15) and np.any(line.pixels == 0)


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    source = make_corpus(tmp_path / "corpus")
    (source / "data" / "c" / "f0.png").unlink()
    broken = source / "data" / "d" / "f1.xml"
    broken.write_text(broken.read_text()[:-30])
    draw_page(source / "data" / "e", "empty", [])
    prepared = htr_united.prepare(source, tmp_path / "out")
    assert len(prepared.left_out["page that cannot be read"]) == 2
    assert prepared.left_out["page without lines"] == ["data/e/empty.xml"]
    assert len(prepared.left_out["no text"]) == 6
    assert prepared.num_signals == 12 + 6 + 2 + 1


def test_pages_of_one_name_are_one_group() -> None:
    def names(*stems: str) -> list[str]:
        pages = [Path(f"{stem}.xml") for stem in stems]
        return [htr_united.groups_of(pages)[page] for page in pages]

    assert names("will_AD-78_0003-0", "will_AD-78_0003-1", "will_AN_1-0") == [
        "will_AD-78_0003", "will_AD-78_0003", "will_AN_1",
    ]  # fmt: skip
    assert names("0001", "0002") == ["0001", "0002"]
    assert names("f12r", "f12v") == ["f12r", "f12v"]
