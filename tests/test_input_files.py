import gzip
import os
import socket
import threading
from pathlib import Path

import pytest

from seqlabel import input_files
from seqlabel.input_files import open_input, read_gzipped, read_input


def refusal_of(path: Path, most_bytes: int = 100) -> str:
    with pytest.raises(OSError) as caught:
        read_input(path, most_bytes)
    return str(caught.value.strerror)


def test_a_file_is_read_up_to_its_limit_and_through_links(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 100)
    (tmp_path / "link").symlink_to("a")
    assert read_input(tmp_path / "link", 100) == b"x" * 100
    assert "more than the 99 bytes" in refusal_of(tmp_path / "a", 99)


def test_a_pipe_that_nobody_writes_to_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert refusal_of(tmp_path / "pipe") == "is a pipe; only regular files are read here"


def test_devices_folders_sockets_and_impossible_names_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "is a device" in refusal_of(Path("/dev/zero"))
    assert "irectory" in refusal_of(tmp_path)
    assert "null byte" in refusal_of(tmp_path / "a\0b")
    monkeypatch.chdir(tmp_path)  # the name of a socket has to be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        with pytest.raises(OSError):
            open_input(Path("socket"))


def test_a_pipe_is_read_where_it_is_allowed_up_to_the_limit(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    def write() -> None:
        with open(tmp_path / "pipe", "wb") as file:
            file.write(b"x" * 100)

    for most_bytes in (100, 99):
        writer = threading.Thread(target=write)
        writer.start()
        if most_bytes == 100:
            assert read_input(tmp_path / "pipe", most_bytes, is_pipe_allowed=True) == b"x" * 100
        else:
            with pytest.raises(OSError, match="more than the 99 bytes"):
                read_input(tmp_path / "pipe", most_bytes, is_pipe_allowed=True)
        writer.join()


def test_a_gzipped_file_that_becomes_hundreds_of_times_as_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(input_files, "ALWAYS_UNPACKED", 1000)
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(bytes(1_000_000)))
    (tmp_path / "small.gz").write_bytes(gzip.compress(bytes(1000)))
    (tmp_path / "text.gz").write_bytes(gzip.compress(b"as texts are, and models of them " * 100))
    with pytest.raises(OSError, match="more than the"):
        read_gzipped(tmp_path / "bomb.gz", 1 << 30)
    assert len(read_gzipped(tmp_path / "small.gz", 1 << 30)) == 1000
    assert len(read_gzipped(tmp_path / "text.gz", 1 << 30)) == 3300
    with pytest.raises(OSError, match="more than the 3,299 bytes"):
        read_gzipped(tmp_path / "text.gz", 3299)
