import json
import os
import unicodedata
from pathlib import Path

import pytest

from seqlabel.errors import ManifestError
from seqlabel.manifest import read_manifest, write_manifest
from seqlabel.records import Example


def error_of(path):
    with pytest.raises(ManifestError) as caught:
        read_manifest(path)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.fixture
def put(tmp_path):
    """Writes a file under the test's folder; lines of JSON where it is given rows."""

    def write(name, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif isinstance(content, str):
            path.write_text(content, encoding="utf-8")
        else:
            path.write_text("".join(json.dumps(row) + "\n" for row in content), encoding="utf-8")
        return path

    return write


# --- our own


def test_what_is_written_is_read(tmp_path):
    examples = [
        Example(
            id="a",
            source=tmp_path / "x" / "a.wav",
            text="été",
            start_seconds=0.5,
            end_seconds=1.25,
            group="g",
        ),
        Example(id="b", source=tmp_path / "f.ark:17", text=None),
        Example(id="c", source=tmp_path / "c.png", text=""),
        Example(id="d", source=tmp_path / "d.png", labels=(("é", 2.0), ("t", 0.5))),
    ]
    write_manifest(tmp_path / "train.jsonl", examples)
    assert read_manifest(tmp_path / "train.jsonl") == examples


def test_sources_near_the_manifest_are_written_relative_to_it(tmp_path):
    write_manifest(tmp_path / "out" / "m.jsonl", [Example(id="a", source=tmp_path / "in" / "a.wav", text="")])
    assert json.loads((tmp_path / "out" / "m.jsonl").read_text())["source"] == os.path.join(
        "..", "in", "a.wav"
    )
    assert read_manifest(tmp_path / "out" / "m.jsonl")[0].source == tmp_path / "in" / "a.wav"


def test_sources_far_away_are_written_from_the_root(tmp_path):
    write_manifest(tmp_path / "m.jsonl", [Example(id="a", source=Path("/elsewhere/a.wav"), text="")])
    assert read_manifest(tmp_path / "m.jsonl")[0].source == Path("/elsewhere/a.wav")


def test_a_manifest_moved_with_its_data_still_finds_them(tmp_path):
    write_manifest(
        tmp_path / "one" / "m.jsonl", [Example(id="a", source=tmp_path / "one" / "a.wav", text="")]
    )
    (tmp_path / "one").rename(tmp_path / "two")
    assert read_manifest(tmp_path / "two" / "m.jsonl")[0].source == tmp_path / "two" / "a.wav"


def test_a_manifest_in_a_linked_folder_finds_its_sources(tmp_path):
    (tmp_path / "deep" / "real").mkdir(parents=True)
    (tmp_path / "deep" / "a.wav").touch()
    (tmp_path / "link").symlink_to(tmp_path / "deep" / "real")
    source = tmp_path / "deep" / "a.wav"
    write_manifest(tmp_path / "link" / "m.jsonl", [Example(id="a", source=source, text="")])
    assert read_manifest(tmp_path / "link" / "m.jsonl")[0].source.samefile(source)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_texts_keep_their_unicode_form(form, put, tmp_path):
    text = unicodedata.normalize(form, "été")
    path = put("m.jsonl", [{"id": "a", "source": "a.wav", "text": text}])
    assert read_manifest(path)[0].text == text
    write_manifest(tmp_path / "again.jsonl", read_manifest(path))
    assert read_manifest(tmp_path / "again.jsonl")[0].text == text


def test_unusual_line_separators_stay_inside_of_a_text(tmp_path):
    example = Example(id="a", source=tmp_path / "a.wav", text="one\u2028two\x85three")
    write_manifest(tmp_path / "m.jsonl", [example])
    assert read_manifest(tmp_path / "m.jsonl") == [example]


def test_a_byte_order_mark_windows_line_ends_and_blank_lines_do_no_harm(put):
    path = put("m.jsonl", b'\xef\xbb\xbf{"id": "a", "source": "a.wav", "text": "x"}\r\n\r\n')
    assert [(e.id, e.text) for e in read_manifest(path)] == [("a", "x")]


ROW = {"id": "a", "source": "a.wav", "text": "x"}


@pytest.mark.parametrize(
    "bad",
    [
        {"id": "b", "text": "x"},
        {"id": "b", "source": "a.wav"},
        {"source": "a.wav", "text": "x"},
        {**ROW, "id": 3},
        {**ROW, "id": "  "},
        {**ROW, "id": "b", "source": ""},
        {**ROW, "id": "b", "source": "a\0b"},
        {**ROW, "id": "b", "text": 7},
        {**ROW, "id": "b", "start_second": 1.0},
        {**ROW, "id": "b", "start_seconds": -1.0},
        {**ROW, "id": "b", "start_seconds": 2.0, "end_seconds": 1.0},
        {**ROW, "id": "b", "end_seconds": 0},
        {**ROW, "id": "b", "start_seconds": "1"},
        {**ROW, "id": "b", "labels": []},
        {**ROW, "id": "b", "labels": [["a", 0]]},
        {**ROW, "id": "b", "labels": [["a"]]},
        ROW,
        [1, 2],
        "text",
        None,
    ],
)
def test_a_wrong_line_is_refused_with_its_number(put, bad):
    path = put("m.jsonl", [ROW, bad])
    assert error_of(path).startswith(f"{path}:2: ")


@pytest.mark.parametrize("line", ["{", "{'id': 'a'}", "[" * 10**5, '{"id": "\\ud800"}', '{"id": NaN}', "\0"])
def test_broken_json_is_refused_with_its_number(put, line):
    path = put("m.jsonl", json.dumps(ROW) + "\n\n" + line)
    assert error_of(path).startswith(f"{path}:3: ")


def test_bytes_that_are_not_utf_8_are_refused_with_their_line(put):
    path = put("m.jsonl", b'{"id": "a", "source": "a.wav", "text": "x"}\n{"id": "\xe9"}\n')
    assert error_of(path).startswith(f"{path}:2: ")


def test_the_line_of_the_first_of_two_equal_ids_is_named(put):
    path = put("m.jsonl", [ROW, {**ROW, "id": "b"}, ROW])
    assert f"{path}:1" in error_of(path)


def test_an_empty_manifest_is_refused(put):
    assert "no example" in error_of(put("m.jsonl", ""))


def test_a_missing_manifest_is_refused(tmp_path):
    assert str(tmp_path / "m.jsonl") in error_of(tmp_path / "m.jsonl")


def test_equal_ids_are_not_written_and_the_old_file_stays(tmp_path):
    good = [Example(id="a", source=tmp_path / "a.wav", text="x")]
    write_manifest(tmp_path / "m.jsonl", good)
    with pytest.raises(ManifestError, match="twice"):
        write_manifest(tmp_path / "m.jsonl", good * 2)
    assert read_manifest(tmp_path / "m.jsonl") == good
    assert [path.name for path in tmp_path.iterdir()] == ["m.jsonl"]


def test_a_manifest_cannot_be_written_below_a_file(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ManifestError, match="cannot be written"):
        write_manifest(tmp_path / "file" / "m.jsonl", [Example(id="a", source=tmp_path / "a.wav")])


# --- NeMo


def test_nemo_manifests_have_parts_and_names_from_their_files(put):
    rows = [
        {"audio_filepath": "w/a.wav", "duration": 2.5, "offset": 1.0, "text": "one", "lang": "en"},
        {"audio_filepath": "w/a.wav", "duration": 0.5, "offset": 4.0, "text": "two", "speaker": 7},
        {"audio_filepath": "/abs/b.wav", "text": "three"},
    ]
    path = put("m.json", rows)
    first, second, third = read_manifest(path)
    assert first == Example(
        id="w/a@1", source=path.parent / "w/a.wav", text="one", start_seconds=1.0, end_seconds=3.5
    )
    assert (second.id, second.group, second.end_seconds) == ("w/a@4", "7", 4.5)
    assert third == Example(id="/abs/b", source=Path("/abs/b.wav"), text="three")


def test_a_nemo_duration_without_an_offset_ends_the_part(put):
    path = put("m.json", [{"audio_filepath": "a.wav", "duration": 2.5, "text": "x"}])
    assert read_manifest(path)[0].end_seconds == 2.5


def test_a_wrong_nemo_line_is_refused_with_its_number(put):
    path = put("m.json", [{"audio_filepath": "a.wav", "text": "x"}, {"audio_filepath": 4, "text": "x"}])
    assert error_of(path).startswith(f"{path}:2: ")


# --- Kaldi


def test_a_kaldi_folder_with_segments_is_read(put):
    put("wav.scp", "rec1 audio/one two.wav\nrec2\t/abs/r2.flac\n")
    put("segments", "u1 rec1 0.5 1.5\nu2 rec1 1.5 -1\nu3 rec2 0 3\n")
    put("text", "u1 hello world\nu2\nu3 \té\n")
    folder = put("utt2spk", "u1 ann\nu2 ann\nu3 bob\n").parent
    first, second, third = read_manifest(folder)
    assert first == Example(
        id="u1",
        source=folder / "audio/one two.wav",
        text="hello world",
        start_seconds=0.5,
        end_seconds=1.5,
        group="ann",
    )
    assert (second.text, second.start_seconds, second.end_seconds) == ("", 1.5, None)
    assert (third.text, third.source, third.group) == ("é", Path("/abs/r2.flac"), "bob")


def test_the_channel_of_a_kaldi_segment_is_kept(put):
    put("wav.scp", "call call.wav\n")
    put("segments", "a call 0 1 0\nb call 0 1 1\nc call 0 1 -1\nd call 0 1\n")
    folder = put("text", "a x\nb x\nc x\nd x\n").parent
    assert [example.channel for example in read_manifest(folder)] == [0, 1, None, None]


def test_channels_are_written_and_read_again(tmp_path):
    examples = [
        Example(id=str(channel), source=tmp_path / "call.wav", text="x", channel=channel)
        for channel in (None, 0, 1)
    ]
    write_manifest(tmp_path / "m.jsonl", examples)
    assert read_manifest(tmp_path / "m.jsonl") == examples


@pytest.mark.parametrize("channel", [-1, 1 << 40, 0.5, "left"])
def test_a_channel_that_no_file_has_is_refused(put, channel):
    path = put("m.jsonl", [{"id": "a", "source": "a.wav", "text": "x", "channel": channel}])
    assert "channel" in error_of(path)


def test_a_kaldi_folder_without_audio_names_places_in_archives(put):
    put("feats.scp", "u1 f.ark:17\nu2 f.ark:99\n")
    folder = put("text", "u1 a\nu2 b\n").parent
    assert [example.source for example in read_manifest(folder)] == [folder / "f.ark:17", folder / "f.ark:99"]


def test_kaldi_paths_may_begin_where_the_program_runs(put, tmp_path, monkeypatch):
    put("exp/a.wav", b"x")
    folder = put("exp/data/train/wav.scp", "u1 a.wav\n").parent
    monkeypatch.chdir(tmp_path / "exp")
    assert read_manifest(folder)[0].source.samefile(tmp_path / "exp" / "a.wav")


def test_a_kaldi_folder_without_text_has_none(put):
    assert read_manifest(put("wav.scp", "u1 a.wav\n").parent)[0].text is None


@pytest.mark.parametrize("command", ["sph2pipe -f wav a.sph |", "cat a.wav |", "| touch owned"])
def test_commands_are_refused_and_not_run(put, command):
    path = put("wav.scp", f"u1 a.wav\nu2 {command}\n")
    message = error_of(path.parent)
    assert message.startswith(f"{path}:2: ") and "command" in message


@pytest.mark.parametrize(
    ("file", "content", "where"),
    [
        ("wav.scp", "u1 a.wav\nu1 b.wav\n", "wav.scp:2"),
        ("wav.scp", "u1\n", "wav.scp:1"),
        ("text", "u1 x\nu2 y\n", "text:1"),
        ("text", "u1 x\nu1 y\n", "text:2"),
        ("segments", "s1 rec9 0 1\n", "segments:1"),
        ("segments", "s1 u1 0\n", "segments:1"),
        ("segments", "s1 u1 2 1\n", "segments:1"),
        ("segments", "s1 u1 x 1\n", "segments:1"),
    ],
)
def test_a_wrong_kaldi_line_is_refused_with_its_place(put, file, content, where):
    put("wav.scp", "u1 a.wav\n")
    folder = put(file, content).parent
    assert f"{where}: " in error_of(folder)


def test_a_range_of_feature_rows_is_refused(put):
    assert "range" in error_of(put("feats.scp", "u1 f.ark:17[0:10]\n").parent)


# --- line images


def test_a_folder_of_line_images_is_read(put):
    put("w1/001.png", b"")
    put("w1/001.gt.txt", "Ein Wort\n")
    put("w2/002.bin.TIF", b"")
    folder = put("w2/002.gt.txt", "").parent.parent
    first, second = read_manifest(folder)
    assert first == Example(id="w1/001", source=folder / "w1/001.png", text="Ein Wort")
    assert second == Example(id="w2/002", source=folder / "w2/002.bin.TIF", text="")


def test_a_text_without_its_image_is_refused(put):
    path = put("001.gt.txt", "Wort\n")
    assert error_of(path.parent).startswith(f"{path}:1: ")


def test_a_text_with_two_images_is_refused(put):
    put("001.png", b"")
    put("001.jpg", b"")
    assert "001.jpg, 001.png" in error_of(put("001.gt.txt", "Wort\n").parent)


def test_a_text_of_two_lines_is_refused(put):
    put("001.png", b"")
    path = put("001.gt.txt", "Ein\nWort\n")
    assert error_of(path.parent).startswith(f"{path}:2: ")


# --- Hugging Face


@pytest.mark.parametrize("column", ["text", "transcription", "sentence"])
def test_metadata_tables_are_read(put, column):
    path = put(
        "metadata.csv", f'file_name,{column},speaker_id\ntrain/a.png,"He said ""no"", twice",4\n\nb.wav,,\n'
    )
    expected = [
        Example(id="train/a", source=path.parent / "train/a.png", text='He said "no", twice', group="4"),
        Example(id="b", source=path.parent / "b.wav", text=""),
    ]
    assert read_manifest(path.parent) == read_manifest(path) == expected


def test_metadata_lines_are_read(put):
    path = put("metadata.jsonl", [{"file_name": "a.png", "text": "x", "extra": [1]}])
    assert read_manifest(path.parent) == [Example(id="a", source=path.parent / "a.png", text="x")]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("name,text\na,b\n", 1),
        ("file_name,label\na,b\n", 2),
        ("file_name,text\na,b\nc\n", 3),
        ('file_name,text\na,"two\nlines"\nc,d,e\n', 4),
        ("file_name,text\n,b\n", 2),
        ('file_name,text\na,"b\n', 2),
    ],
)
def test_a_wrong_table_is_refused_with_its_line(put, content, line):
    path = put("metadata.csv", content)
    assert error_of(path.parent).startswith(f"{path}:{line}: ")


# --- folders that are none of these


def test_an_empty_folder_is_refused_with_what_is_expected(tmp_path):
    assert "wav.scp" in error_of(tmp_path)


def test_a_folder_with_manifests_says_their_names(put):
    assert "train.jsonl" in error_of(put("train.jsonl", [ROW]).parent)
