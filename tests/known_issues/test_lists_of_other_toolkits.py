import json
from pathlib import Path

import pytest

from seqlabel.errors import ManifestError
from seqlabel.manifest import read_manifest


def test_feats_scp_by_name_is_read_beside_a_wav_scp(tmp_path: Path) -> None:
    (tmp_path / "wav.scp").write_text("u1 u1.wav\n")
    (tmp_path / "feats.scp").write_text("u1 feats.ark:17\n")
    [example] = read_manifest(tmp_path / "feats.scp")
    assert example.source == tmp_path / "feats.ark:17"
    assert read_manifest(tmp_path)[0].source == tmp_path / "u1.wav"


def test_a_channel_in_kaldis_segments_is_read_and_not_mixed_with_the_others(tmp_path: Path) -> None:
    (tmp_path / "wav.scp").write_text("call call.wav\n")
    (tmp_path / "segments").write_text("u1 call 0 1.5 0\nu2 call 0 1.5 1\nu3 call 0 1.5\n")
    assert [example.channel for example in read_manifest(tmp_path)] == [0, 1, None]
    (tmp_path / "segments").write_text("u1 call 0 1.5 left\n")
    with pytest.raises(ManifestError, match="segments:1"):
        read_manifest(tmp_path)


def test_parts_late_in_a_long_recording_have_ids_of_their_own(tmp_path: Path) -> None:
    rows = [
        {"audio_filepath": "a.wav", "offset": offset, "duration": 1, "text": "a"}
        for offset in (12345.12, 12345.14, 3.0)
    ]
    (tmp_path / "nemo.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert [example.id for example in read_manifest(tmp_path / "nemo.jsonl")] == [
        "a@12345.12",
        "a@12345.14",
        "a@3",
    ]
