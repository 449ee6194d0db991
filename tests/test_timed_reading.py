"""When words were said: a recogniser with random weights has frames like any other."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from seqlabel.encoders import ConvLayerConfig, ConvRecurrentConfig, RecurrentConfig
from seqlabel.experiment import DataConfig, ExperimentConfig
from seqlabel.features import MfccConfig
from seqlabel.features.stacking import StackingConfig
from seqlabel.formats import write_wav
from seqlabel.frontend import Frontend, FrontendConfig
from seqlabel.language_model import LanguageModels
from seqlabel.model import Model
from seqlabel.model_file import Header, LoadedModel, TrainingSummary, save_model
from seqlabel.recognizer import Recognizer
from seqlabel.records import Hypothesis, Span, Waveform
from seqlabel.timed_reading import MOST_SECONDS, Said, frame_edges, timed, times_of_all
from seqlabel.tokens import TokenTable
from tests.blocks import TrainedRun

TOKENS = TokenTable.from_texts(["ab c"])


def header(encoder: RecurrentConfig | ConvRecurrentConfig, stacking: StackingConfig | None) -> Header:
    frontend = FrontendConfig(feature=MfccConfig(sample_rate=8000), normalization=None, stacking=stacking)
    summary = TrainingSummary(
        epoch=1,
        num_steps=1,
        num_train_examples=1,
        num_dev_examples=1,
        minutes=0.0,
        dev_cer=1.0,
        dev_wer=1.0,
        dev_ser=1.0,
        finished_at="2026-01-01T00:00:00+00:00",
        versions={},
    )
    config = ExperimentConfig(name="x", data=DataConfig(directory="data"), frontend=frontend, encoder=encoder)
    return Header(experiment=config, tokens=TOKENS, num_parameters=1, summary=summary)


def recognizer(encoder: RecurrentConfig | ConvRecurrentConfig, stacking: StackingConfig | None) -> Recognizer:
    torch.manual_seed(1)
    described = header(encoder, stacking)
    frontend = Frontend(described.experiment.frontend)
    model = Model(encoder, frontend.dim, len(TOKENS)).eval()
    return Recognizer(LoadedModel(described, frontend, model, LanguageModels()), "cpu")


PLAIN = RecurrentConfig(hidden_size=4, num_layers=1)
STEM = ConvRecurrentConfig(
    layers=(ConvLayerConfig(channels=2, stride=(2, 1)), ConvLayerConfig(channels=2, pool=(2, 2))),
    recurrent=PLAIN,
)


@pytest.mark.parametrize(
    ("encoder", "stacking", "step"),
    [(PLAIN, None, 0.01), (PLAIN, StackingConfig(num_frames=3, step=3), 0.03), (STEM, None, 0.04)],
    ids=["plain", "stacked", "stem"],
)
def test_frames_of_emissions_lie_where_their_audio_lies(
    encoder: RecurrentConfig | ConvRecurrentConfig, stacking: StackingConfig | None, step: float
) -> None:
    reader = recognizer(encoder, stacking)
    signal = Waveform(np.zeros(8000, np.float32), 8000)
    features = torch.from_numpy(reader.loaded.frontend(signal))[None]
    emitted = int(reader.loaded.model(features, torch.tensor([features.shape[1]])).lengths[0])
    edges = frame_edges(reader, emitted)
    assert np.diff(edges) == pytest.approx(np.full(emitted, step))
    # The first window is 25 ms long: its middle is that of the first 10 ms frame.
    assert edges[0] == pytest.approx(0.0125 - 0.005)
    assert edges[-1] == pytest.approx(1.0, abs=step + 0.01)


def span(text: str, start: int, end: int, confidence: float = 0.9) -> Span:
    return Span(text=text, start_frame=start, end_frame=end, confidence=confidence)


def silence(seconds: float) -> Waveform:
    return Waveform(np.zeros(round(8000 * seconds), np.float32), 8000)


def test_borders_lie_half_way_and_no_token_reaches_far() -> None:
    reader = recognizer(PLAIN, None)
    spans = (span("a", 10, 12), span("b", 20, 22), span(" ", 30, 31), span("c", 150, 152))
    words = (span("ab", 10, 22, 0.7), span("c", 150, 152, 0.8))
    best = Hypothesis(text="ab c", token_ids=(2, 3, 1, 4), score=0.0, spans=spans, words=words)
    found = timed(reader, "x", silence(2.0), best, by_sound=False)
    assert [token.text for token in found.tokens] == ["a", "b", "c"]  # the space is not heard
    a, b, c = found.tokens
    middle = 0.0075 + 0.11
    assert (a.start, a.end) == (0.0, pytest.approx(middle + 0.05))
    assert b.start == a.end
    assert c.start == pytest.approx(0.0075 + 1.51 - MOST_SECONDS)
    assert [(word.text, word.start, word.end, word.confidence) for word in found.words] == [
        ("ab", a.start, b.end, 0.7),
        ("c", c.start, c.end, 0.8),
    ]


def test_nothing_read_has_no_times() -> None:
    found = timed(recognizer(PLAIN, None), "x", silence(2.0), Hypothesis(text="", token_ids=(), score=0.0))
    assert (found.words, found.tokens, found.seconds) == ((), (), 2.0)


def bursts(times: Sequence[tuple[float, float, float]], seconds: float) -> Waveform:
    """Tones of so many Hz from one time to another, in faint noise."""
    samples = np.random.default_rng(1).normal(scale=1e-3, size=round(8000 * seconds))
    for start, end, pitch in times:
        part = slice(round(8000 * start), round(8000 * end))
        samples[part] += 0.3 * np.sin(2 * np.pi * pitch * np.arange(part.stop - part.start) / 8000)
    return Waveform(samples.astype(np.float32), 8000)


TONES = ((0.3, 0.72, 400.0), (0.72, 1.1, 1500.0), (1.5, 1.9, 400.0))
"""A word of two tokens, and another one after a pause."""
TONE_SPANS = (span("a", 45, 46), span("b", 100, 101), span(" ", 120, 121), span("c", 180, 181))
"""The peaks of CTC: somewhere in the tones."""


def test_words_begin_and_end_where_they_are_heard() -> None:
    said = Said(bursts(TONES, 2.2), (2, 3, 1, 4), TONE_SPANS)
    [times] = times_of_all(recognizer(PLAIN, None), [said])
    heard = [times[place] for place in (0, 1, 3)]
    assert np.abs(np.array(heard) - np.array(TONES)[:, :2]).max() <= 0.02
    [by_peaks] = times_of_all(recognizer(PLAIN, None), [said], by_sound=False)
    assert abs(by_peaks[3][0] - 1.5) > 0.05  # what there was before


def test_silence_and_crowded_tokens_have_times_in_their_order_too() -> None:
    spans = tuple(span("a", frame, frame + 1) for frame in range(0, 40, 2))
    for signal in (silence(0.4), bursts([(0.1, 0.2, 400.0)], 0.4)):
        [times] = times_of_all(recognizer(PLAIN, None), [Said(signal, (2,) * 20, spans)])
        flat = [time for pair in times for time in pair]
        assert flat == sorted(flat)
        assert flat[0] >= 0 and flat[-1] <= 0.4


def test_more_tokens_than_steps_of_sound_keep_the_times_of_their_peaks() -> None:
    spans = tuple(span("a", frame, frame + 1) for frame in range(9))
    said = Said(silence(0.05), (2,) * 9, spans)
    reader = recognizer(PLAIN, None)
    assert times_of_all(reader, [said]) == times_of_all(reader, [said], by_sound=False)


@pytest.mark.parametrize(
    ("kind", "suffix"),
    [("srt", ".srt"), ("vtt", ".vtt"), ("ctm", ".ctm"), ("textgrid", ".TextGrid"), ("audacity", ".txt")],
)
def test_transcribe_writes_recordings(
    kind: str, suffix: str, run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    reader = recognizer(PLAIN, None)
    model = tmp_path / "model.safetensors"
    save_model(model, reader.header, reader.loaded.model.state_dict(), reader.loaded.frontend)
    rng = np.random.default_rng(1)
    for name in ("one", "two"):
        write_wav(tmp_path / f"{name}.wav", Waveform(rng.normal(size=4000).astype(np.float32) / 9, 8000))
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    out = tmp_path / "out"
    code, said, err = run(
        "transcribe",
        model,
        tmp_path / "one.wav",
        tmp_path / "broken.wav",
        tmp_path / "two.wav",
        "--format",
        kind,
        "--out",
        out,
    )
    assert code == 2
    assert "broken.wav" in err
    assert len(err.splitlines()) == 1
    assert {path.name for path in out.iterdir()} == {f"one{suffix}", f"two{suffix}"}
    assert said.splitlines()[0] == f"{tmp_path / 'one.wav'}\t{out / f'one{suffix}'}"


def test_only_recordings_have_times(
    trained_run: TrainedRun, refusal: Callable[..., str], tmp_path: Path
) -> None:
    words = ("transcribe", trained_run.model, trained_run.data, "--format", "srt", "--out", tmp_path)
    assert refusal(*words).startswith("--format srt is for recordings, and the model reads ")
    assert "name their folder with --out" in refusal(*words[:-2])
