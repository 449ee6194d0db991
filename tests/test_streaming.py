"""Speech read while it comes: layers of random weights that only read forward."""

import argparse
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch

from seqlabel.ctc import Emissions
from seqlabel.encoders import RecurrentConfig
from seqlabel.errors import ConfigError
from seqlabel.features import MfccConfig
from seqlabel.features.normalization import NormalizationConfig
from seqlabel.features.stacking import StackingConfig
from seqlabel.listening import _Interrupt, _pieces, listen
from seqlabel.long_recordings import window_emissions
from seqlabel.model_file import save_model
from seqlabel.recognizer import Recognizer
from seqlabel.records import Waveform
from seqlabel.streaming import Partial, Stream
from tests.test_timed_reading import PLAIN, TOKENS, recognizer

Refusal = Callable[..., str]
FORWARD = RecurrentConfig(hidden_size=4, num_layers=2, direction="forward")
THREE = StackingConfig(num_frames=3, step=3)
WIDE = StackingConfig(num_frames=5, step=2)


def sound(seconds: float) -> np.ndarray:
    """Bursts of noise with pauses between them."""
    rng = np.random.default_rng(1)
    time = np.arange(round(8000 * seconds)) / 8000
    return (rng.normal(scale=0.2, size=len(time)) * (np.sin(3 * time) > 0)).astype(np.float32)


def all_emissions(stream: Stream, samples: np.ndarray, length: int) -> np.ndarray:
    """What the stream computes of pieces of that length, before any of it is dropped."""
    for start in range(0, len(samples), length):
        stream._samples = np.concatenate([stream._samples, samples[start : start + length]])
        stream._take_features(is_last=False)
        stream._take_emissions(is_last=False)
    stream._take_features(is_last=True)
    stream._take_emissions(is_last=True)
    return stream._emissions


@pytest.mark.parametrize("stacking", [None, THREE, WIDE])
@pytest.mark.parametrize("length", [37, 800, 1600, 30_000])
def test_pieces_of_any_length_have_the_emissions_of_the_whole(
    stacking: StackingConfig | None, length: int
) -> None:
    reader, samples = recognizer(FORWARD, stacking), sound(0.7 if length == 37 else 5.0)
    frames = reader.loaded.frontend(Waveform(samples, 8000))
    [expected] = window_emissions(reader.loaded, reader.device, torch.float32, [frames])
    found = all_emissions(Stream(reader), samples, length)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=2e-5)


@pytest.mark.parametrize("framing", ["reflect", "centre"])
def test_frames_may_lie_around_their_steps(framing: Literal["reflect", "centre"]) -> None:
    reader, samples = recognizer(FORWARD, THREE), sound(3.0)
    reader.loaded.frontend.feature = MfccConfig(sample_rate=8000, framing=framing).build()
    frames = reader.loaded.frontend(Waveform(samples, 8000))
    [expected] = window_emissions(reader.loaded, reader.device, torch.float32, [frames])
    np.testing.assert_allclose(all_emissions(Stream(reader), samples, 1600), expected, atol=2e-5)


def test_what_lies_further_back_than_the_layers_look_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seqlabel.streaming.BEFORE_SECONDS", 2.0)
    stream = Stream(recognizer(FORWARD, THREE))
    for _ in range(60):
        stream.feed(sound(0.5))
        assert len(stream._samples) < 3 * 8000 and len(stream._features) < 500


def spoken(path: list[int], pieces: int = 7) -> list[Partial]:
    """The partial results of a stream whose emissions come as they are, some at a time."""
    stream = Stream(recognizer(FORWARD, THREE))  # 30 ms a frame: pauses of 20 frames
    rows = np.full((len(path), len(TOKENS)), 1e-3, np.float32)
    rows[np.arange(len(path)), path] = 1
    found = []
    for part in np.array_split(np.log(rows), pieces):
        stream._emissions = np.concatenate([stream._emissions, part])
        found += list(stream._stretches(is_last=False))
    return found + list(stream._stretches(is_last=True))


A, B, C = (TOKENS.tokens.index(token) for token in "abc")


def test_a_pause_ends_a_stretch_and_partial_results_grow_until_then() -> None:
    found = spoken([0] * 50 + [A, 0, B, 0, C] + [0] * 30 + [C, C, 0, A] + [0] * 5, pieces=30)
    finals = [partial.text for partial in found if partial.is_final]
    assert finals == ["abc", "ca"]
    before = [partial.text for partial in found[: found.index(next(p for p in found if p.is_final))]]
    assert before == sorted(before, key=len) and {"", "abc"} <= set(before)


def test_however_it_comes_the_same_stretches_are_said() -> None:
    rng = np.random.default_rng(2)
    path: list[int] = []
    for _ in range(30):
        path += rng.choice([0, 0, A, B, C], size=int(rng.integers(5, 40))).tolist()
        path += [0] * int(rng.integers(10, 60))
    said = [[one.text for one in spoken(path, pieces) if one.is_final] for pieces in (1, 9, 100)]
    assert said[0] == said[1] == said[2]
    assert len(said[0]) > 10


def test_who_never_stops_is_cut_at_a_blank() -> None:
    path = ([A, B, C, 0] * 1000)[:2600]  # 78 s
    found = [one.text for one in spoken(path, 50) if one.is_final]
    assert len(found) >= 3
    assert "".join(found) == "abc" * 650


# --- the command ------------------------------------------------------------------------------------------


def saved(reader: Recognizer, path: Path) -> Path:
    save_model(path, reader.header, reader.loaded.model.state_dict(), reader.loaded.frontend)
    return path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return saved(recognizer(FORWARD, THREE), tmp_path / "model.safetensors")


def streamed(model: Path, data: bytes, *options: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "seqlabel", "transcribe", str(model), "--stream", "-", *options]
    return subprocess.run(command, input=data, capture_output=True, check=False, env={**os.environ})


def test_raw_samples_of_a_pipe_are_read_as_the_file_is(model: Path, tmp_path: Path) -> None:
    samples = (32767 * sound(4.0)).astype("<i2")
    found = streamed(model, samples.tobytes() + b"\x01", "--json")
    rows = [json.loads(line) for line in found.stdout.splitlines()]
    assert found.returncode == 0 and rows[-1]["is_final"]
    assert [row["seconds"] for row in rows] == sorted(row["seconds"] for row in rows)
    assert found.stderr.decode().startswith("4.0 s of sound, ")
    assert found.stderr.count(b"\n") == 1
    stream = Stream(Recognizer.load(model, "cpu"))
    expected = [
        one.text for one in stream.read([samples.astype(np.float32) / np.float32(32768)]) if one.is_final
    ]
    assert [row["text"] for row in rows if row["is_final"]] == expected
    plain = streamed(model, samples.tobytes()).stdout.decode().splitlines()
    assert plain == [text for text in expected if text]


def test_what_is_no_raw_sound_is_one_line(model: Path) -> None:
    for data, said in ((b"", b"no samples"), (b"RIFF1234WAVE", b"has a header, and is no raw audio")):
        found = streamed(model, data)
        assert (found.returncode, found.stdout) == (2, b"")
        assert found.stderr.startswith(b"seqlabel: -: ") and said in found.stderr
        assert found.stderr.count(b"\n") == 1


class _Crumbs(io.RawIOBase):
    """A pipe that gives a byte at a time."""

    def __init__(self, data: bytes) -> None:
        self.data = io.BytesIO(data)

    def read(self, size: int = -1, /) -> bytes:
        return self.data.read(min(size, 1))


def test_sound_that_comes_in_crumbs_is_what_it_is() -> None:
    stream = Stream(recognizer(FORWARD, THREE))

    def pieces(data: bytes) -> list[np.ndarray]:
        return list(_pieces(_Crumbs(data), stream, "-", _Interrupt()))

    with pytest.raises(ConfigError, match="has a header, and is no raw audio"):
        pieces(b"RIFF1234WAVE")
    for data in (b"", b"\1", b"\1\2", b"\1\2\3", b"ID\4\5\6"):
        expected = np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.float32) / np.float32(32768)
        np.testing.assert_array_equal(np.concatenate([expected[:0], *pieces(data)]), expected)


def listened(reader: Recognizer, path: Path) -> int:
    return listen(reader, argparse.Namespace(paths=[path], json=True))


@pytest.fixture
def hears_ctrl_c() -> Iterator[None]:
    """A shell has what it starts with `&` ignore Ctrl-C, these tests too."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class _AtCall:
    """A decoder that is interrupted while it reads for the n-th time."""

    def __init__(self, decoder: Any, number: int) -> None:
        self.decoder, self.left = decoder, number

    def __call__(self, emissions: Emissions) -> Any:
        self.left -= 1
        if self.left == 0:
            signal.raise_signal(signal.SIGINT)
        return self.decoder(emissions)


@pytest.mark.usefixtures("hears_ctrl_c")
def test_ctrl_c_loses_nothing_of_what_has_been_heard(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reader = recognizer(FORWARD, THREE)
    frontend, normalizer = reader.loaded.frontend, NormalizationConfig(scope="corpus").build()
    normalizer.fit([(frontend.feature(Waveform(sound(8.0), 8000)), None)])
    frontend.normalizer = normalizer
    with torch.inference_mode():  # tokens where there is noise, blanks where there is none
        reader.loaded.model.head.weight *= 30
        reader.loaded.model.head.bias[0] += 1
    samples = (32767 * sound(8.0)).astype("<i2")
    path = tmp_path / "x.raw"
    path.write_bytes(samples.tobytes())
    plain, num_finals = reader.decoder, []
    for number in (6, 13, 14, 25):  # the second and the last just behind the end of a stretch
        reader.decoder = _AtCall(plain, number)  # type: ignore[assignment]
        assert listened(reader, path) == 130
        rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        reader.decoder = plain
        # The end of what was heard has a row of its own where it has a text.
        heard = samples[: round(8000 * rows[-1]["seconds"])].astype(np.float32) / np.float32(32768)
        stream = Stream(reader)
        pieces = np.split(heard, range(1600, len(heard), 1600))
        expected = [one.text for one in stream.read(pieces) if one.is_final]
        assert [row["text"] for row in rows if row["is_final"]] == expected
        num_finals.append(len(expected))
    assert num_finals[-1] > num_finals[0]


def test_models_that_have_to_hear_the_end_are_refused(refusal: Refusal, tmp_path: Path) -> None:
    raw = tmp_path / "x.raw"
    raw.write_bytes(bytes(1000))
    both = saved(recognizer(PLAIN, None), tmp_path / "both.safetensors")
    assert "--encoder.direction forward" in refusal("transcribe", both, "--stream", raw)
    reader = recognizer(FORWARD, THREE)
    reader.loaded.frontend.normalizer = NormalizationConfig(scope="example").build()
    with pytest.raises(Exception, match=r"normalised over the whole example.*scope corpus"):
        Stream(reader)


def test_options_that_do_not_go_with_a_stream_are_refused(
    refusal: Refusal, model: Path, tmp_path: Path
) -> None:
    assert "leave the other files out" in refusal("transcribe", model, "--stream", "-", tmp_path)
    assert "leave --format srt out" in refusal("transcribe", model, "--stream", "-", "--format", "srt")
    assert "leave --review out" in refusal("transcribe", model, "--stream", "-", "--review")
    assert "cannot be opened" in refusal("transcribe", model, "--stream", tmp_path / "none")
