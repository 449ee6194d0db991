import os
import subprocess
import sys
from pathlib import Path

import pytest

from seqlabel.errors import ConfigError
from seqlabel.whole_files import held, remove_leftovers, temporary_name, whole_file, write_whole


def test_a_file_is_what_was_written_and_what_it_was_before_has_the_other_name(tmp_path: Path) -> None:
    path, previous = tmp_path / "a", tmp_path / "a.previous"
    for content in ("one", "two", "three"):
        with whole_file(path, previous) as temporary:
            temporary.write_text(content)
    assert (path.read_text(), previous.read_text()) == ("three", "two")
    assert sorted(os.listdir(tmp_path)) == ["a", "a.previous"]


def test_an_error_within_leaves_both_as_they_were(tmp_path: Path) -> None:
    path, previous = tmp_path / "a", tmp_path / "a.previous"
    path.write_text("one")
    with pytest.raises(KeyError), whole_file(path, previous) as temporary:
        temporary.write_text("tw")
        raise KeyError
    assert path.read_text() == "one"
    assert os.listdir(tmp_path) == ["a"]


def test_two_names_of_one_file_leave_nothing_behind(tmp_path: Path) -> None:
    # As after a process that was killed between giving the file its second name and writing it anew.
    path, previous = tmp_path / "a", tmp_path / "a.previous"
    path.write_text("one")
    os.link(path, previous)
    with whole_file(path, previous) as temporary:
        temporary.write_text("two")
    assert (path.read_text(), previous.read_text()) == ("two", "one")
    assert sorted(os.listdir(tmp_path)) == ["a", "a.previous"]


def test_without_hard_links_the_file_before_is_kept_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(source: object, target: object) -> None:
        raise PermissionError("no hard links here")

    monkeypatch.setattr(os, "link", refused)
    path, previous = tmp_path / "a", tmp_path / "a.previous"
    for content in ("one", "two"):
        with whole_file(path, previous) as temporary:
            temporary.write_text(content)
    assert (path.read_text(), previous.read_text()) == ("two", "one")


def test_leftovers_of_killed_processes_are_removed_and_nothing_else(tmp_path: Path) -> None:
    names = [".best.safetensors.12.tmp", ".a.tmp", "a.12.tmp", "best.safetensors", ".hidden"]
    for name in names:
        (tmp_path / name).touch()
    (tmp_path / ".folder.3.tmp").mkdir()
    assert remove_leftovers(tmp_path) == [".best.safetensors.12.tmp"]
    assert sorted(os.listdir(tmp_path)) == sorted([*names[1:], ".folder.3.tmp"])


def test_the_temporary_name_is_one_that_is_removed(tmp_path: Path) -> None:
    temporary_name(tmp_path / "x y.jsonl").touch()
    assert len(remove_leftovers(tmp_path)) == 1


def test_a_folder_is_held_by_one_process_until_it_ends(tmp_path: Path) -> None:
    words = "import sys, pathlib, seqlabel.whole_files as files; files.held(pathlib.Path(sys.argv[1])).__enter__()"
    with held(tmp_path):
        program = [sys.executable, "-c", words, str(tmp_path)]
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[1])}
        other = subprocess.run(program, capture_output=True, text=True, env=environment)
        assert "ConfigError" in other.stderr and "another training is under way" in other.stderr
        with pytest.raises(ConfigError, match="another training"), held(tmp_path):
            pass
    with held(tmp_path):
        pass


def test_a_whole_file_is_written_over_at_once(tmp_path: Path) -> None:
    write_whole(tmp_path / "a", b"one")
    write_whole(tmp_path / "a", b"two")
    assert (tmp_path / "a").read_bytes() == b"two"
