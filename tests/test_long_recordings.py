"""Recordings read piece by piece: networks of random weights, and windows made short, so that seconds are long."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
import pytest
import torch
from praatio import textgrid

from seqlabel import long_recordings
from seqlabel import recognizer as recognizing
from seqlabel.ctc import Emissions, collapse
from seqlabel.decoders import BeamConfig, GreedyConfig, word_spans
from seqlabel.encoders import ConvRecurrentConfig, RecurrentConfig
from seqlabel.features import MfccConfig
from seqlabel.features.normalization import NormalizationConfig
from seqlabel.features.stacking import StackingConfig
from seqlabel.formats import write_wav
from seqlabel.language_model import END, LanguageModels, Pronunciation, corpus, estimate
from seqlabel.long_recordings import (
    Stretch,
    _Cutter,
    _Pieces,
    _stripped,
    merged,
    reads_long,
    window_emissions,
)
from seqlabel.model_file import save_model
from seqlabel.recognizer import Recognizer
from seqlabel.records import Example, Hypothesis, Span, Waveform
from seqlabel.timed_reading import read_timed
from seqlabel.tokens import TokenTable
from tests.test_timed_reading import PLAIN, STEM, TOKENS, recognizer

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def short_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {
        "LONG_SECONDS": 3.0,
        "WINDOW_SECONDS": 1.0,
        "CONTEXT_SECONDS": 1.0,
        "LEAST_STRETCH": 1.5,
        "MOST_STRETCH": 4.0,
        "PAUSE_SECONDS": 0.09,
        "WINDOWS_AT_ONCE": 3,
    }
    for name, value in settings.items():
        monkeypatch.setattr(long_recordings, name, value)
    monkeypatch.setattr(recognizing, "LONG_SECONDS", 3.0)


def talk(folder: Path, seconds: float = 14.0, rate: int = 8000) -> Path:
    """Noise whose loudness and colour change a few times a second."""
    rng = np.random.default_rng(1)
    time = np.arange(round(seconds * rate)) / rate
    noise = rng.normal(size=len(time)) * (0.02 + np.sin(7 * time) ** 2) * 0.2
    tone = 0.2 * np.sin(2 * np.pi * time * (400 + 300 * np.sign(np.sin(11 * time))))
    path = folder / "talk.wav"
    write_wav(path, Waveform((noise + tone * (np.sin(5 * time) > 0)).astype(np.float32), rate))
    return path


def joined(reader: Recognizer, path: Path) -> np.ndarray:
    """The emissions of the windows of a recording, one behind the other, as it is read."""
    pieces = _Pieces(reader.loaded)
    pieces.fit(path)
    found = []
    for window in pieces.windows(path):
        [rows] = window_emissions(reader.loaded, reader.device, torch.float32, [pieces.frames(window)])
        found.append(rows[window.first // pieces.unit : -(-window.last // pieces.unit)])
    return np.concatenate(found)


def whole(reader: Recognizer, path: Path) -> np.ndarray:
    frontend = reader.loaded.frontend
    frames = frontend(frontend.read(Example(id="x", source=path)))
    return window_emissions(reader.loaded, reader.device, torch.float32, [frames])[0]


THREE = StackingConfig(num_frames=3, step=3)
WIDE = StackingConfig(num_frames=5, step=2)


@pytest.mark.parametrize(
    ("encoder", "stacking"), [(PLAIN, THREE), (PLAIN, None), (PLAIN, WIDE), (STEM, None)]
)
@pytest.mark.parametrize("rate", [8000, 11025])
def test_the_emissions_are_about_those_of_the_whole_recording(
    encoder: RecurrentConfig | ConvRecurrentConfig,
    stacking: StackingConfig | None,
    rate: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path, reader = talk(tmp_path, 20.0, rate), recognizer(encoder, stacking)
    # Features as they are would hold the gates of random weights open for ever.
    reader.loaded.frontend.normalizer = NormalizationConfig(scope="example").build()
    with torch.inference_mode():
        reader.loaded.model.head.weight *= 10  # probabilities from near 0 to near 1
        for name, weights in reader.loaded.model.encoder.named_parameters():
            if "cells" in name:
                weights *= 0.5  # gates half open, which forget within a second
    expected = np.exp(whole(reader, path))
    assert np.ptp(expected, axis=0).max() > 0.05
    far = []
    monkeypatch.setattr(long_recordings, "WINDOW_SECONDS", 6.0)
    for seconds in (0.1, 6.0):
        monkeypatch.setattr(long_recordings, "CONTEXT_SECONDS", seconds)
        far.append(np.abs(np.exp(joined(reader, path)) - expected).max())
    assert far[1] < 1e-3 < far[0]


def test_frames_and_samples_follow_each_other_without_a_gap(tmp_path: Path) -> None:
    path, reader = talk(tmp_path), recognizer(PLAIN, THREE)
    stretches = list(reader.read_long(path))
    samples = np.concatenate([stretch.signal.samples for stretch in stretches])
    signal = reader.loaded.frontend.read(Example(id="x", source=path))
    assert isinstance(signal, Waveform)
    np.testing.assert_array_equal(samples, signal.samples)
    starts = np.cumsum([0] + [len(stretch.signal.samples) for stretch in stretches[:-1]])
    assert [stretch.start_seconds for stretch in stretches] == pytest.approx(starts / 8000)
    assert [stretch.start_frame * 240 for stretch in stretches] == starts.tolist()


@pytest.mark.parametrize("framing", ["snip", "reflect", "centre"])
def test_features_of_windows_are_those_of_the_whole(
    framing: Literal["snip", "reflect", "centre"], tmp_path: Path
) -> None:
    path, reader = talk(tmp_path), recognizer(PLAIN, THREE)
    frontend = reader.loaded.frontend
    frontend.feature = MfccConfig(sample_rate=8000, framing=framing, num_deltas=2).build()
    pieces = _Pieces(reader.loaded)
    own = [window.features[window.first : window.last] for window in pieces.windows(path)]
    expected = frontend.feature(frontend.read(Example(id="x", source=path)))
    found = np.concatenate(own)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("scope", ["example", "group", "window"])
@pytest.mark.parametrize("room", [0, 1 << 20])
def test_a_recording_is_normalised_by_all_of_itself_or_by_the_window_around(
    scope: str, room: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_recordings, "MOST_KEPT_BYTES", room)
    path, reader = talk(tmp_path), recognizer(PLAIN, None)
    frontend = reader.loaded.frontend
    frontend.normalizer = NormalizationConfig(scope=scope, window=200).build()  # type: ignore[arg-type]
    pieces = _Pieces(reader.loaded)
    pieces.fit(path)
    assert (pieces.kept is None) == (room == 0 or scope == "window")
    windows = [(pieces.frames(window), window) for window in pieces.windows(path)]
    found = np.concatenate([frames[window.first : window.last] for frames, window in windows])
    expected = frontend(frontend.read(Example(id="x", source=path)))
    np.testing.assert_allclose(found, expected, atol=2e-4)


@pytest.mark.parametrize("seconds", [3.01, 3.9, 4.0, 4.07, 5.0])
@pytest.mark.parametrize("stacking", [None, THREE, WIDE])
def test_any_length_is_read_to_its_end(
    seconds: float, stacking: StackingConfig | None, tmp_path: Path
) -> None:
    path, reader = talk(tmp_path, seconds), recognizer(PLAIN, stacking)
    assert joined(reader, path).shape == whole(reader, path).shape
    stretches = list(reader.read_long(path))
    assert sum(len(stretch.signal.samples) for stretch in stretches) == round(8000 * seconds)


# --- where it is cut --------------------------------------------------------------------------------------


def cutter(tokens: TokenTable) -> _Cutter:
    return _Cutter(tokens, _Pieces(recognizer(PLAIN, THREE).loaded))  # frames of 30 ms: 50 to 133 a stretch


def emissions(path: list[int], num_tokens: int) -> np.ndarray:
    rows = np.full((len(path), num_tokens), 0.01, np.float32)
    rows[np.arange(len(path)), path] = 0.9
    return np.log(rows / rows.sum(axis=1, keepdims=True))


def cut(tokens: TokenTable, path: list[int]) -> list[tuple[int, str | None]]:
    """Returns the lengths of the stretches and the space at the end of each."""
    one = cutter(tokens)
    one.add(emissions(path, len(tokens)), np.zeros(240 * len(path), np.float32))
    found = list(one.cuts(is_last=True))
    assert sum(len(each.samples) for each in found) == 240 * len(path)
    return [
        (len(each.log_probs), None if each.space_after is None else each.space_after.text) for each in found
    ]


A, SPACE = TOKENS.tokens.index("a"), TOKENS.tokens.index(" ")


def test_it_is_cut_in_the_longest_pause_beside_a_space() -> None:
    #      60 frames     pause in a word   words           pause
    path = [A, 0, 0] * 20 + [A] + [0] * 30 + [A, 0, 0] * 5 + [SPACE] + [0] * 6 + [A, 0] * 20
    assert cut(TOKENS, path) == [(110, " "), (43, None)]


def test_without_spaces_it_is_cut_in_the_longest_pause() -> None:
    tokens = TokenTable.from_texts(["abc"])
    path = [1, 0, 0] * 20 + [1] + [0] * 30 + [1, 0, 0] * 5
    assert cut(tokens, path) == [(60 + 1 + 15, None), (30, None)]


def test_who_never_stops_is_cut_between_tokens_where_the_blank_is_surest() -> None:
    one = cutter(TOKENS)
    path = [A, SPACE] * 150
    rows = emissions(path, len(TOKENS))
    rows[90] = np.log([0.5] + [0.5 / (len(TOKENS) - 1)] * (len(TOKENS) - 1))
    rows[90, A] += 1  # not even there is the blank the most probable
    one.add(rows, np.zeros(240 * len(path), np.float32))
    found = list(one.cuts(is_last=True))
    assert len(found[0].log_probs) == 90
    assert sum(len(each.log_probs) for each in found) == 300
    assert max(len(each.log_probs) for each in found) <= 134


def test_what_may_go_on_is_waited_for() -> None:
    one = cutter(TOKENS)
    one.add(emissions([A, 0, SPACE, 0] * 15, len(TOKENS)), np.zeros(240 * 60, np.float32))
    assert list(one.cuts(is_last=False)) == []
    one.add(emissions([0] * 10 + [A] * 3, len(TOKENS)), np.zeros(240 * 13, np.float32))
    [first] = one.cuts(is_last=False)
    assert len(first.log_probs) == (59 + 70) // 2


@pytest.mark.parametrize("seed", range(5))
def test_cuts_at_pauses_change_nothing_of_the_best_path(seed: int) -> None:
    rng = np.random.default_rng(seed)
    path: list[int] = []
    for _ in range(40):
        for token in rng.integers(1, len(TOKENS), 6).tolist():
            path += [token] * int(rng.integers(1, 3)) + [0] * int(rng.integers(1, 4))
        path += [SPACE] + [0] * int(rng.integers(2, 12))
    one, greedy = cutter(TOKENS), GreedyConfig().build(TOKENS)
    rows = emissions(path, len(TOKENS))
    stretches: list[Stretch] = []
    start, space = 0, None
    for part in np.array_split(rows, 9):
        one.add(part, np.zeros(240 * len(part), np.float32))
        for each in one.cuts(is_last=one.end == len(rows)):
            lengths = torch.tensor([len(each.log_probs)])
            [[found]] = greedy(Emissions(torch.from_numpy(each.log_probs)[None], lengths))
            _, found, _ = _stripped(found)
            stretches.append(Stretch(start, 0.03 * start, Waveform(each.samples, 8000), found, space))
            start, space = start + len(each.log_probs), each.space_after
    assert len(stretches) > 5
    assert merged(stretches, TOKENS).text.split() == TOKENS.decode(collapse(path)).split()


# --- stretches put together -------------------------------------------------------------------------------


def stretch(text: str, start: int, tokens: TokenTable, space: bool = False) -> Stretch:
    ids = tuple(tokens.encode(text)) if text else ()
    spans = tuple(
        Span(text=tokens.tokens[id_], start_frame=2 * place, end_frame=2 * place + 1, confidence=0.5)
        for place, id_ in enumerate(ids)
    )
    found = Hypothesis(
        text=text,
        token_ids=ids,
        score=-1.0,
        acoustic_score=-2.0,
        language_score=1.0,
        spans=spans,
        words=word_spans(spans, tokens),
    )
    before = Span(text=" ", start_frame=start, end_frame=start + 1, confidence=0.7) if space else None
    return Stretch(start, start * 0.03, Waveform(np.zeros(1, np.float32), 8000), found, before)


def test_stretches_are_joined_by_the_spaces_between_them() -> None:
    parts = [
        stretch("ab", 0, TOKENS),
        stretch("c", 100, TOKENS),
        stretch("", 200, TOKENS, space=True),
        stretch("b a", 300, TOKENS, space=True),
    ]
    found = merged(parts, TOKENS)
    assert found.text == "abc b a"
    assert found.token_ids == tuple(TOKENS.encode("abc b a"))
    assert [span.start_frame for span in found.spans] == [0, 2, 100, 300, 300, 302, 304]
    assert (found.score, found.acoustic_score, found.language_score) == (-4.0, -8.0, 4.0)


def test_a_space_before_a_stretch_of_silence_is_one_behind_it() -> None:
    parts = [stretch("ab", 0, TOKENS), stretch("", 100, TOKENS, space=True), stretch("c", 200, TOKENS)]
    found = merged(parts, TOKENS)
    assert found.text == "ab c"
    assert [span.start_frame for span in found.spans] == [0, 2, 100, 200]


def test_a_word_that_goes_on_behind_a_cut_is_one_word() -> None:
    parts = [stretch("a ab", 0, TOKENS), stretch("", 90, TOKENS), stretch("c b", 100, TOKENS)]
    found = merged(parts, TOKENS)
    assert found.text == "a abc b"
    assert [(word.text, word.start_frame, word.end_frame) for word in found.words] == [
        ("a", 0, 1),
        ("abc", 4, 101),
        ("b", 104, 105),
    ]


def test_a_language_model_goes_on_from_stretch_to_stretch(tmp_path: Path) -> None:
    known, tokens = recognizer(PLAIN, THREE), TokenTable(("<blank>", "x", "a", "b", "c"))  # no space
    loaded = replace(known.loaded, header=msgspec.structs.replace(known.header, tokens=tokens))
    with torch.inference_mode():
        loaded.model.head.weight *= 30
    model = estimate(corpus(["abcabxcab", "cabxab", "bxxac"], "char"), 3).model
    reader = Recognizer(loaded, "cpu", BeamConfig(lm_weight=0.7), LanguageModels(model))
    stretches = list(reader.read_long(talk(tmp_path)))
    found = reader.put_together(stretches)
    assert len(stretches) > 3
    assert len(found.text) > 20
    sentence = [model.ids[token] for token in found.text] + [model.ids[END]]
    state, expected = model.begin_state, 0.0
    for word in sentence:
        log_prob, state = model.automaton.step(state, word)
        expected += 0.7 * log_prob
    assert found.language_score == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("has_lexicon", [True, False])
def test_words_of_a_lexicon_of_pronunciations_stand_apart(
    has_lexicon: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_recordings, "LEAST_STRETCH", 0.3)
    monkeypatch.setattr(long_recordings, "MOST_STRETCH", 0.5)
    known, tokens = recognizer(PLAIN, THREE), TokenTable(("<blank>", "x", "a", "b", "c"))  # no space
    loaded = replace(known.loaded, header=msgspec.structs.replace(known.header, tokens=tokens))
    words = ("abc", "bca", "cab", "xab")
    lexicon = tuple(Pronunciation(word, word[0]) for word in words)
    config, models = (BeamConfig(), LanguageModels(lexicon=lexicon)) if has_lexicon else (None, None)
    reader = Recognizer(loaded, "cpu", config, models)
    [(_, [found])] = reader.read_files([talk(tmp_path)])  # type: ignore[misc]
    assert found.text.split() == [word.text for word in found.words]
    assert (len(found.words) > 5 and {word.text for word in found.words} <= set(words)) == has_lexicon


def test_words_that_are_tokens_stand_apart() -> None:
    tokens = TokenTable.from_texts(["one two"], "word")
    assert merged([stretch("one", 0, tokens), stretch("two one", 90, tokens)], tokens).text == "one two one"
    assert merged([], tokens).text == ""


# --- the command ------------------------------------------------------------------------------------------


@pytest.fixture
def model(tmp_path: Path) -> Path:
    reader = recognizer(PLAIN, THREE)
    path = tmp_path / "model.safetensors"
    save_model(path, reader.header, reader.loaded.model.state_dict(), reader.loaded.frontend)
    return path


def test_long_and_short_files_are_read_in_their_order(run: Run, model: Path, tmp_path: Path) -> None:
    long, short = talk(tmp_path), tmp_path / "short.wav"
    write_wav(short, Waveform(np.random.default_rng(1).normal(size=8000).astype(np.float32) / 9, 8000))
    code, out, err = run("transcribe", model, short, long, short)
    assert (code, err) == (0, "")
    rows = [line.split("\t") for line in out.splitlines()]
    assert [row[0] for row in rows] == [str(short), str(long), str(short)]
    assert rows[0][1] == rows[2][1]
    reader = Recognizer.load(model, "cpu")
    assert rows[1][1] == merged(reader.read_long(long), TOKENS).text


@pytest.mark.parametrize("with_times", [False, True])
def test_what_was_read_of_a_long_recording_does_not_wait_for_other_files(
    with_times: bool, model: Path, tmp_path: Path
) -> None:
    reader = Recognizer.load(model, "cpu")
    paths = [talk(tmp_path), tmp_path / "later.wav"]
    found = read_timed(reader, paths) if with_times else reader.read_files(paths)
    assert next(iter(found))[0] == paths[0]
    write_wav(paths[1], Waveform(np.zeros(8000, np.float32), 8000))
    path, result = next(iter(found))
    assert path == paths[1] and not isinstance(result, Exception)


def test_the_times_of_a_long_recording_go_on_from_stretch_to_stretch(
    run: Run, model: Path, tmp_path: Path
) -> None:
    assert run("transcribe", model, talk(tmp_path), "--format", "textgrid", "--out", tmp_path / "out")[0] == 0
    grid = textgrid.openTextgrid(str(tmp_path / "out" / "talk.TextGrid"), includeEmptyIntervals=False)
    tokens = grid.getTier("tokens").entries
    assert grid.maxTimestamp == pytest.approx(14.0)
    assert tokens[-1].end > 12
    assert all(left.end <= right.start + 1e-6 for left, right in pairwise(tokens))


def test_words_with_times_are_the_words_of_the_text(
    run: Run, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_recordings, "LEAST_STRETCH", 0.3)
    monkeypatch.setattr(long_recordings, "MOST_STRETCH", 0.5)  # cut in the middle of words, too
    path = talk(tmp_path)
    assert run("transcribe", model, path, "--format", "textgrid", "--out", tmp_path / "out")[0] == 0
    grid = textgrid.openTextgrid(str(tmp_path / "out" / "talk.TextGrid"), includeEmptyIntervals=False)
    text = run("transcribe", model, path)[1].rstrip("\n").split("\t")[1]
    words = [entry.label for entry in grid.getTier("words").entries]
    assert words == text.split()
    assert "".join(entry.label for entry in grid.getTier("tokens").entries) == "".join(words)


def test_damage_in_the_middle_is_one_line(run: Run, model: Path, tmp_path: Path) -> None:
    import soundfile

    path = tmp_path / "nan.wav"
    samples = np.random.default_rng(1).normal(size=8000 * 9).astype(np.float32) / 9
    samples[50_000] = np.nan
    soundfile.write(path, samples, 8000, subtype="FLOAT")
    code, out, err = run("transcribe", model, path)
    assert (code, out) == (2, "")
    assert err.startswith(f"seqlabel: {path}: holds samples that are NaN") and err.count("\n") == 1


def test_models_of_other_things_read_nothing_piece_by_piece() -> None:
    reader = recognizer(PLAIN, None)
    assert reads_long(reader.loaded)
    reader.loaded.frontend.feature = MfccConfig(sample_rate=8000, dither=1.0).build()
    assert not reads_long(reader.loaded)
    assert not reader.is_long(Path("talk.txt"))
    assert not reader.is_long(Path("there is no such file.wav"))
    assert torch.get_num_threads() >= 1
