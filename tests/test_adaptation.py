"""Biases against enumerations of all paths, and the command with models of random weights."""

import itertools
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seqlabel.adaptation import _counts, _telling, adapt, token_shares
from seqlabel.ctc import collapse
from seqlabel.formats import write_wav
from seqlabel.manifest import write_manifest
from seqlabel.model_file import load_model, save_model
from seqlabel.recognizer import Recognizer
from seqlabel.records import Example, Waveform
from seqlabel.tokens import TokenTable
from tests.blocks import TrainedRun
from tests.test_timed_reading import PLAIN, TOKENS, recognizer

Run = Callable[..., tuple[int, str, str]]
Refusal = Callable[..., str]
CPU = torch.device("cpu")


def frames(num_frames: int, num_tokens: int, seed: int, sharpness: float = 2.0) -> np.ndarray:
    logits = sharpness * np.random.default_rng(seed).normal(size=(num_frames, num_tokens))
    return (logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)).astype(np.float32)


# --- how often tokens come up -----------------------------------------------------------------------------


def test_shares_are_those_of_the_tokens_that_the_table_has() -> None:
    tokens = TokenTable.from_texts(["abc"])
    np.testing.assert_allclose(token_shares(["aab", "b?", ""], tokens), [0, 0.5, 0.5, 0])
    assert not token_shares(["xyz"], tokens).any()


@given(seed=st.integers(0, 10**6), num_frames=st.integers(1, 6))
def test_expected_counts_are_those_of_all_paths(seed: int, num_frames: int) -> None:
    log_probs = frames(num_frames, 3, seed)
    bias = np.array([0.0, 0.7, -0.4])
    probs = np.exp(log_probs + bias)
    probs /= probs.sum(axis=1, keepdims=True)
    expected = np.zeros(3)
    for path in itertools.product(range(3), repeat=num_frames):
        probability = np.prod([probs[frame, token] for frame, token in enumerate(path)])
        for token in collapse(path):
            expected[token] += probability
    np.testing.assert_allclose(_counts(_telling([log_probs], 3), bias), expected, atol=1e-6)


def test_frames_that_are_blank_for_sure_change_nothing_that_counts() -> None:
    quiet = np.full((50, 4), np.log(1e-6), np.float32)
    log_probs = np.concatenate([frames(5, 4, 1), quiet, frames(5, 4, 2)])
    log_probs[5:55, 0] = np.log1p(-3e-6)
    rows = _telling([log_probs], 4)
    assert len(rows) < 20
    everything = np.concatenate([rows[:1], log_probs.astype(np.float64)])
    np.testing.assert_allclose(_counts(rows, np.zeros(4)), _counts(everything, np.zeros(4)), atol=1e-3)


def test_the_end_of_one_example_is_not_the_beginning_of_the_next() -> None:
    sure = np.log(np.array([[0.01, 0.99]], np.float32))
    assert _counts(_telling([sure, sure], 2), np.zeros(2))[1] == pytest.approx(1.98)


# --- the biases -------------------------------------------------------------------------------------------


def heard(count: int, seed: int = 1) -> tuple[list[np.ndarray], list[list[int]]]:
    """Texts of three tokens, in whose emissions the second is mistaken for the third more often than not."""
    rng = np.random.default_rng(seed)
    texts = rng.integers(1, 4, (count, 8)).tolist()
    examples = []
    for text in texts:
        logits = np.full((16, 4), -4.0)
        logits[1::2, 0] = 4.0
        for place, token in enumerate(text):
            logits[2 * place, token] = rng.normal(2.0, 1.0)
            if token == 2:
                logits[2 * place, 3] = rng.normal(2.8, 1.0)
        examples.append((logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)).astype(np.float32))
    return examples, texts


def errors(examples: list[np.ndarray], texts: list[list[int]], bias: np.ndarray) -> int:
    found = [collapse((rows + bias).argmax(axis=1).tolist()) for rows in examples]
    return sum(
        read != wanted
        for row, text in zip(found, texts, strict=True)
        for read, wanted in zip(row, text, strict=True)
    )


def test_what_is_mistaken_for_another_is_so_less_often() -> None:
    examples, texts = heard(100)
    found = adapt(examples, np.array([0, 1, 1, 1]) / 3)
    np.testing.assert_allclose(found.after, found.wanted, rtol=0.02)
    assert found.before[2] < 0.7 * found.wanted[2]
    assert found.bias[2] > 0.5 > found.bias[3]
    assert errors(examples, texts, found.bias) < 0.75 * errors(examples, texts, np.zeros(4))
    others = heard(100, seed=2)
    assert errors(*others, found.bias) < 0.75 * errors(*others, np.zeros(4))


def test_little_that_was_heard_moves_little_and_a_small_spread_less() -> None:
    shares = np.array([0, 1, 1, 1]) / 3
    examples, _ = heard(100)
    far = [
        np.abs(adapt(some, shares, spread).bias).max()
        for some, spread in ((examples, 1.0), (examples[:1], 1.0), (examples[:1], 0.1), ([], 1.0))
    ]
    assert far == sorted(far, reverse=True)
    assert far[2] < 0.1
    assert far[3] == 0


def test_what_comes_up_as_often_as_in_texts_stays() -> None:
    examples, _ = heard(20)
    counts = _counts(_telling(examples, 4), np.zeros(4))
    found = adapt(examples, counts / counts.sum())
    assert np.abs(found.bias).max() < 0.02


def test_a_token_that_is_in_no_text_is_never_forbidden() -> None:
    examples, _ = heard(50)
    found = adapt(examples, np.array([0, 0.5, 0.5, 0]))
    assert -50 < found.bias[3] < -2
    assert np.isfinite(found.bias).all()


# --- the command ------------------------------------------------------------------------------------------


@pytest.fixture
def model(tmp_path: Path) -> Path:
    reader = recognizer(PLAIN, None)
    path = tmp_path / "model.safetensors"
    save_model(path, reader.header, reader.loaded.model.state_dict(), reader.loaded.frontend)
    return path


@pytest.fixture
def voice(tmp_path: Path) -> Path:
    folder = tmp_path / "voice"
    folder.mkdir()
    rng = np.random.default_rng(1)
    for name in "abcd":
        write_wav(folder / f"{name}.wav", Waveform(rng.normal(size=9000).astype(np.float32) / 9, 8000))
    return folder


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    (tmp_path / "texts.txt").write_text("ab ab\ncab\nzz\n")
    return tmp_path / "texts.txt"


def test_the_adapted_model_is_the_model_with_other_biases(
    run: Run, model: Path, voice: Path, texts: Path
) -> None:
    before = model.read_bytes()
    out = model.parent / "voice.safetensors"
    code, said, err = run("adapt", model, voice, "--texts", texts, "-o", out)
    assert code == 0 and err.count("\n") <= 1 and ("say more" in err) == bool(err)
    assert said.startswith("heard     4 examples, ") and said.endswith(f"written   {out}\n")
    assert model.read_bytes() == before
    own, adapted = load_model(model, CPU), load_model(out, CPU)
    shares = token_shares(texts.read_text().splitlines(), TOKENS)
    emissions, offenders = Recognizer.load(model, "cpu").heard(
        [Example(id=path.name, source=path) for path in sorted(voice.iterdir())]
    )
    found = adapt(emissions, shares)
    assert offenders == [] and np.abs(found.bias).max() > 0.1
    for name, tensor in own.model.state_dict().items():
        added = torch.from_numpy(found.bias).float() if name == "head.bias" else torch.zeros(())
        torch.testing.assert_close(adapted.model.state_dict()[name], tensor + added)
    assert adapted.header.adapted_to is not None and adapted.header.adapted_to in said
    assert msgspec.structs.replace(adapted.header, adapted_to=None) == own.header
    assert "adapted   to one voice or hand: 4 examples" in run("info", out)[1]
    again, _ = Recognizer.load(out, "cpu").heard(
        [Example(id=path.name, source=path) for path in sorted(voice.iterdir())]
    )
    np.testing.assert_allclose(
        _counts(_telling(again, len(TOKENS)), np.zeros(len(TOKENS))), found.after, rtol=1e-3
    )


def test_files_folders_and_manifests_without_texts_are_taken(
    run: Run, model: Path, voice: Path, texts: Path
) -> None:
    files = sorted(voice.iterdir())
    manifest = model.parent / "voice.jsonl"
    write_manifest(manifest, [Example(id=path.name, source=path) for path in files])
    written = []
    for paths in ([voice], files, [manifest], [manifest, *files]):
        out = model.parent / f"{len(written)}.safetensors"
        code, said, _ = run("adapt", model, *paths, "--texts", texts, "-o", out)
        assert code == 0 and f"heard     {8 if len(paths) == 5 else 4} examples" in said
        written.append(load_model(out, CPU).model.head.bias)
    torch.testing.assert_close(written[0], written[1])
    torch.testing.assert_close(written[0], written[2])
    assert not torch.equal(written[0], written[3])


def test_what_cannot_be_read_is_told_and_the_rest_is_heard(
    run: Run, model: Path, voice: Path, texts: Path
) -> None:
    (voice / "broken.wav").write_bytes(b"RIFF")
    out = model.parent / "voice.safetensors"
    code, said, err = run("adapt", model, voice, "--texts", texts, "-o", out)
    assert code == 2 and "heard     4 examples" in said and out.exists()
    assert err.splitlines()[0].count("broken.wav") == 1


def test_little_is_told_to_be_little(run: Run, model: Path, voice: Path, texts: Path) -> None:
    out = model.parent / "voice.safetensors"
    code, _, err = run("adapt", model, voice / "a.wav", "--texts", texts, "-o", out)
    assert code == 0 and out.exists()
    heard = run("adapt", model, voice, "--texts", texts, "-o", out)[1]
    assert "tokens" in heard and ("say more" in err) == (adapted_tokens(model, voice / "a.wav") < 20)


def adapted_tokens(model: Path, path: Path) -> float:
    emissions, _ = Recognizer.load(model, "cpu").heard([Example(id="a", source=path)])
    return float(_counts(_telling(emissions, len(TOKENS)), np.zeros(len(TOKENS))).sum())


def test_a_link_stays_one_and_a_broken_manifest_is_not_passed_over(
    run: Run, refusal: Refusal, model: Path, voice: Path, texts: Path
) -> None:
    target, link = model.parent / "target.safetensors", model.parent / "link.safetensors"
    target.write_bytes(b"")
    link.symlink_to(target)
    assert run("adapt", model, voice, "--texts", texts, "-o", link)[0] == 0
    assert link.is_symlink() and load_model(target, CPU).header.adapted_to is not None
    (voice / "metadata.csv").write_text("filename,txt\na.wav,ab\n")
    assert "metadata.csv:1" in refusal("adapt", model, voice, "--texts", texts, "-o", target)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"out": "model.safetensors"}, "name another file"),
        ({"out": "/dev/null"}, "no file that could hold a model"),
        ({"out": "nowhere/voice.safetensors"}, "its folder does not exist"),
        ({"texts": "missing.txt"}, "missing.txt"),
        ({"texts": "foreign.txt"}, "none of the model's"),
        ({"paths": "missing.wav"}, "missing.wav"),
        ({"paths": "empty"}, "empty"),
        ({"more": ["--spread", "0"]}, "--spread"),
        ({"more": ["--spread", "1e-300"]}, "--spread"),
        ({"more": ["--spread", "nan"]}, "--spread"),
    ],
)
def test_what_cannot_be_adapted_to_is_one_line(
    change: dict[str, object], words: str, refusal: Refusal, model: Path, voice: Path, texts: Path
) -> None:
    (model.parent / "foreign.txt").write_text("xyz\n")
    (model.parent / "empty").mkdir()
    out = model.parent / str(change.get("out", "voice.safetensors"))
    paths = model.parent / str(change.get("paths", voice))
    given_texts = model.parent / str(change.get("texts", texts))
    more = change.get("more", [])
    assert isinstance(more, list)
    said = refusal("adapt", model, paths, "--texts", given_texts, "-o", out, *more)
    assert words in said
    assert out == model or not out.is_file()


def test_a_trained_model_reads_what_it_has_learnt_as_before(run: Run, trained_run: TrainedRun) -> None:
    """Biases of a model that is right about its examples hardly move, since tokens come up as in their texts."""
    out = trained_run.run.parent / "adapted.safetensors"
    manifest = trained_run.data / "train.jsonl"
    model = trained_run.run / "best.safetensors"
    code, _, _ = run("adapt", model, manifest, "--texts", manifest, "-o", out)
    assert code == 0
    before, after = (Recognizer.load(path, "cpu").evaluate(manifest).rates.cer for path in (model, out))
    assert after <= before + 0.02
