from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from seqlabel.encoders import ConvLayerConfig, ConvRecurrentConfig, EncoderConfig, RecurrentConfig
from seqlabel.errors import ManifestError
from seqlabel.experiment import DataConfig, ExperimentConfig
from seqlabel.features import MatrixConfig
from seqlabel.features.normalization import NormalizationConfig
from seqlabel.frontend import FrontendConfig
from seqlabel.manifest import write_manifest
from seqlabel.objectives import CtcConfig, FramewiseConfig, ObjectiveConfig
from seqlabel.records import Example
from seqlabel.run_log import RunLog
from seqlabel.texts import RuleConfig, TextConfig
from seqlabel.training_set import TrainingSet, prepare, read_examples

RECURRENT = RecurrentConfig(hidden_size=2, num_layers=1)
TEXTS = TextConfig()
CTC = CtcConfig()


def write_example(folder: Path, id_: str, text: str | None, num_frames: int = 12, dim: int = 3) -> Example:
    path = folder / f"{id_}.npy"
    np.save(path, np.random.default_rng(len(id_)).normal(size=(num_frames, dim)).astype(np.float32))
    return Example(id=id_, source=path, text=text, group=f"speaker of {id_}")


def prepared(
    folder: Path,
    training: list[Example],
    dev: list[Example] | None = None,
    *,
    scope: str = "example",
    encoder: EncoderConfig = RECURRENT,
    texts: TextConfig = TEXTS,
    objective: ObjectiveConfig = CTC,
    **data: object,
) -> TrainingSet:
    dev = [write_example(folder, "dev", "ab")] if dev is None else dev
    write_manifest(folder / "train.jsonl", training)
    write_manifest(folder / "dev.jsonl", dev)
    config = ExperimentConfig(
        name="tiny",
        data=DataConfig(directory="unused", **data),
        frontend=FrontendConfig(feature=MatrixConfig(dim=3), normalization=NormalizationConfig(scope=scope)),
        encoder=encoder,
        texts=texts,
        objective=objective,
    )
    return prepare(config, folder, RunLog(folder, append=False))


def log_of(folder: Path) -> str:
    return (folder / "train.log").read_text(encoding="utf-8")


def unreadable(folder: Path) -> Example:
    (folder / "broken.npy").write_bytes(b"no matrix at all")
    return Example(id="broken", source=folder / "broken.npy", text="a")


@pytest.fixture
def good(tmp_path: Path) -> list[Example]:
    return [write_example(tmp_path, "one", "ab"), write_example(tmp_path, "two", "b a")]


def test_a_good_set_is_ready_to_be_learnt(tmp_path: Path, good: list[Example]) -> None:
    data = prepared(tmp_path, good, texts=TextConfig(rare_below=1))
    assert data.tokens.tokens == ("<blank>", " ", "a", "b")
    assert [item.target for item in data.train] == [(2, 3), (3, 1, 2)]
    assert [features.shape for features in data.dev_features] == [(12, 3)]
    assert data.model.head.out_features == 4
    assert log_of(tmp_path) == ""


def test_several_training_manifests_are_joined(tmp_path: Path, good: list[Example]) -> None:
    write_manifest(tmp_path / "more.jsonl", [write_example(tmp_path, "three", "c")])
    data = prepared(tmp_path, good, train=("train.jsonl", "more.jsonl"))
    assert [item.example.id for item in data.train] == ["one", "two", "three"]
    assert "c" in data.tokens.tokens


OFFENDERS = {
    "unreadable file": (unreadable, "broken.npy"),
    "missing file": (lambda folder: Example(id="gone", source=folder / "gone.npy", text="a"), "no such file"),
    "no text": (lambda folder: write_example(folder, "mute", None), "has no text"),
    "empty text": (lambda folder: write_example(folder, "mute", ""), "has no text"),
    "wrong width": (lambda folder: write_example(folder, "wide", "a", dim=5), "found 12 x 5 values"),
    "too long": (lambda folder: write_example(folder, "long", "ab" * 7), "needs 14 frames"),
    "too long with its repeats": (lambda folder: write_example(folder, "long", "a" * 7), "6 repeats"),
}
every_offender = pytest.mark.parametrize(("make", "reason"), OFFENDERS.values(), ids=OFFENDERS.keys())
every_scope = pytest.mark.parametrize("scope", ["example", "group", "corpus"])


@every_scope
@every_offender
def test_an_offender_is_refused_with_its_reason(
    make: object, reason: str, scope: str, tmp_path: Path, good: list[Example]
) -> None:
    offender = make(tmp_path)
    with pytest.raises(ManifestError, match="1 of 3 examples cannot be used") as refusal:
        prepared(tmp_path, [*good, offender], scope=scope)
    message = str(refusal.value)
    assert f"'{offender.id}': " in message
    assert reason in message
    assert "train.jsonl" in message
    assert "--data.offenders leave_out" in message
    assert "\n" not in message


@every_scope
@every_offender
def test_an_offender_is_left_out_counted_and_named_if_the_recipe_says_so(
    make: object, reason: str, scope: str, tmp_path: Path, good: list[Example]
) -> None:
    offender = make(tmp_path)
    data = prepared(tmp_path, [offender, *good], scope=scope, offenders="leave_out")
    assert [item.example.id for item in data.train] == ["one", "two"]
    assert "left out: " in log_of(tmp_path)
    assert "1 of 3 examples cannot be used" in log_of(tmp_path)
    [line] = [line for line in log_of(tmp_path).splitlines() if line.startswith(f"  {offender.id}: ")]
    assert reason in line


@every_scope
def test_offenders_do_not_change_what_is_learnt_from_the_others(
    scope: str, tmp_path: Path, good: list[Example]
) -> None:
    alone = prepared(tmp_path, good, scope=scope)
    beside = prepared(tmp_path, [unreadable(tmp_path), *good], scope=scope, offenders="leave_out")
    assert alone.tokens == beside.tokens
    for first, second in zip(alone.dev_features, beside.dev_features, strict=True):
        np.testing.assert_array_equal(first, second)


def test_all_offenders_are_counted_and_the_first_named(tmp_path: Path, good: list[Example]) -> None:
    bad = [write_example(tmp_path, f"mute{number}", "") for number in range(5)]
    with pytest.raises(ManifestError, match=r"5 of 7 examples cannot be used: 'mute0'.* and 2 more"):
        prepared(tmp_path, [*good, *bad])


def test_all_offenders_that_are_left_out_stand_in_the_log(tmp_path: Path, good: list[Example]) -> None:
    bad = [write_example(tmp_path, f"mute{number}", "") for number in range(5)]
    prepared(tmp_path, [*good, *bad], offenders="leave_out")
    assert all(f"  mute{number}: has no text" in log_of(tmp_path) for number in range(5))


def test_nothing_but_offenders_is_refused_whatever_the_recipe_says(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="1 of 1 examples cannot be used"):
        prepared(tmp_path, [write_example(tmp_path, "long", "a" * 40)], offenders="leave_out")


def test_frames_are_counted_after_the_subsampling_of_the_encoder(tmp_path: Path, good: list[Example]) -> None:
    encoder = ConvRecurrentConfig(layers=(ConvLayerConfig(channels=2, pool=(4, 1)),), recurrent=RECURRENT)
    fits, too_long = write_example(tmp_path, "fits", "aba"), write_example(tmp_path, "long", "abab")
    assert len(prepared(tmp_path, [*good, fits], encoder=encoder).train) == 3
    with pytest.raises(ManifestError, match=r"'long': its text needs 4 frames .* the model has 3 left"):
        prepared(tmp_path, [*good, too_long], encoder=encoder)


@pytest.mark.parametrize("offenders", ["refuse", "leave_out"])
@pytest.mark.parametrize("scope", ["example", "group"])
@pytest.mark.parametrize("kind", ["unreadable file", "missing file", "wrong width"])
def test_a_dev_example_that_cannot_be_read_is_never_left_out(
    kind: str, scope: str, offenders: str, tmp_path: Path, good: list[Example]
) -> None:
    make, reason = OFFENDERS[kind]
    bad = make(tmp_path)
    dev = [write_example(tmp_path, "dev", "ab"), bad]
    with pytest.raises(ManifestError, match=r"dev\.jsonl: 1 of 2 examples cannot be used") as refusal:
        prepared(tmp_path, good, dev, scope=scope, offenders=offenders)
    assert f"'{bad.id}': " in str(refusal.value)
    assert reason in str(refusal.value)


def test_a_character_that_only_dev_has_is_said_and_its_example_still_counted(
    tmp_path: Path, good: list[Example]
) -> None:
    data = prepared(tmp_path, good, [write_example(tmp_path, "dev", "aéb")])
    assert len(data.dev) == 1
    assert "dev has 1 characters that no training text has" in log_of(tmp_path)
    assert "'é' (U+00E9, LATIN SMALL LETTER E WITH ACUTE) once, first 'dev'" in log_of(tmp_path)


def test_a_word_that_only_dev_has_is_said(tmp_path: Path) -> None:
    train = [write_example(tmp_path, "one", "one two")]
    data = prepared(tmp_path, train, [write_example(tmp_path, "dev", "two three")], token_unit="word")
    assert data.tokens.tokens == ("<blank>", "one", "two")
    assert "dev has 1 words that no training text has, always counted as errors: 'three'" in log_of(tmp_path)


@pytest.mark.parametrize("empty", ["train", "dev"])
def test_an_empty_manifest_is_refused(empty: str, tmp_path: Path, good: list[Example]) -> None:
    with pytest.raises(ManifestError, match=f"{empty}.jsonl: no example"):
        prepared(tmp_path, [] if empty == "train" else good, [] if empty == "dev" else None)


def test_statistics_of_the_corpus_are_those_of_the_training_examples(
    tmp_path: Path, good: list[Example]
) -> None:
    statistics = prepared(tmp_path, good, scope="corpus").frontend.statistics()
    values = np.concatenate([np.load(example.source) for example in good])
    np.testing.assert_allclose(statistics["mean"], values.mean(axis=0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(statistics["std"], values.std(axis=0), rtol=1e-5)


def test_groups_of_the_dev_set_are_normalised_by_their_own_examples(
    tmp_path: Path, good: list[Example]
) -> None:
    data = prepared(tmp_path, good, scope="group")
    [features] = data.dev_features
    np.testing.assert_allclose(features.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(features.std(axis=0), 1, atol=1e-4)


def test_white_space_is_no_text_where_words_are_the_tokens(tmp_path: Path, good: list[Example]) -> None:
    with pytest.raises(ManifestError, match="'blank': has no words"):
        prepared(tmp_path, [*good, write_example(tmp_path, "blank", "  ")], token_unit="word")


def test_texts_are_learnt_and_judged_as_the_settings_say(tmp_path: Path) -> None:
    train = [write_example(tmp_path, "one", "\u017fe\u0301"), write_example(tmp_path, "two", "\u00e9s")]
    texts = TextConfig(rules=(RuleConfig(pattern="\u017f", replacement="s"),), rare_below=0)
    data = prepared(tmp_path, train, [write_example(tmp_path, "dev", "\u017f")], texts=texts)
    assert data.tokens.tokens == ("<blank>", "s", "\u00e9")
    assert [item.example.text for item in (*data.train, *data.dev)] == ["s\u00e9", "\u00e9s", "s"]
    assert log_of(tmp_path).splitlines() == [
        "training: rules changed 1 of 2 texts: one; first '\u017fe\u0301' became 's\u00e9'",
        "dev: rules changed 1 of 1 texts: dev; first '\u017f' became 's'",
        "1 characters are written in several ways, learnt as one (NFC): '\u00e9' 2 times, of them 1 as U+0065 U+0301, "
        "first 'one'",
    ]


def test_what_rules_leave_nothing_of_cannot_be_learnt(tmp_path: Path, good: list[Example]) -> None:
    texts = TextConfig(rules=(RuleConfig(pattern="c", replacement=""),))
    with pytest.raises(ManifestError, match="1 of 3 examples cannot be used: 'gone': has no text"):
        prepared(tmp_path, [*good, write_example(tmp_path, "gone", "cc")], texts=texts)


def test_rare_characters_are_told_unless_the_settings_say_otherwise(
    tmp_path: Path, good: list[Example]
) -> None:
    prepared(tmp_path, good)
    assert log_of(tmp_path).startswith("3 of 3 characters are rare, fewer than 3 times in training: ")
    prepared(tmp_path, good, texts=TextConfig(rare_below=2))
    assert log_of(tmp_path) == (
        "1 of 3 characters are rare, fewer than 2 times in training: ' ' (U+0020, SPACE) once, first 'two'\n"
    )


def test_labels_are_learnt_as_the_settings_say(tmp_path: Path) -> None:
    labelled = [
        replace(write_example(tmp_path, id_, None), labels=(("x", 6.0), ("b", 6.0))) for id_ in ("one", "dev")
    ]
    texts = TextConfig(rules=(RuleConfig(pattern="x", replacement="a"),))
    data = prepared(tmp_path, labelled[:1], labelled[1:], texts=texts, objective=FramewiseConfig())
    assert data.tokens.tokens == ("<blank>", "a", "b")
    assert data.train[0].runs == ((1, 6.0), (2, 6.0))
    assert data.dev[0].example.text == "ab"


def test_auxiliary_examples_stand_at_the_end_of_training(tmp_path: Path) -> None:
    other = [write_example(tmp_path, "drawn", "cb"), write_example(tmp_path, "ink", "a")]
    write_manifest(tmp_path / "drawn.jsonl", other)
    training = [write_example(tmp_path, id_, "ab") for id_ in ("one", "two")]
    data = prepared(tmp_path, training, auxiliary=("drawn.jsonl",))
    assert [item.example.id for item in data.train] == ["one", "two", "drawn", "ink"]
    assert data.num_own == 2 and "c" in data.tokens.tokens


def test_auxiliary_examples_that_are_left_out_are_not_counted_as_own(tmp_path: Path) -> None:
    other = [unreadable(tmp_path), write_example(tmp_path, "drawn", "a")]
    write_manifest(tmp_path / "drawn.jsonl", other)
    training = [write_example(tmp_path, "one", "ab"), write_example(tmp_path, "none", None)]
    data = prepared(tmp_path, training, auxiliary=("drawn.jsonl",), offenders="leave_out")
    assert [item.example.id for item in data.train] == ["one", "drawn"] and data.num_own == 1


def test_dev_is_never_set_apart_from_auxiliary_examples(tmp_path: Path) -> None:
    write_manifest(tmp_path / "drawn.jsonl", [write_example(tmp_path, f"drawn{n}", "a") for n in range(20)])
    write_manifest(tmp_path / "train.jsonl", [write_example(tmp_path, f"own{n}", "ab") for n in range(4)])
    told: list[str] = []
    config = DataConfig(directory="unused", dev=None, dev_share=0.5, auxiliary=("drawn.jsonl",))
    train, dev, num_auxiliary = read_examples(config, tmp_path, told.append)
    assert [example.id[:3] for example in dev] == ["own", "own"]
    assert [example.id[:3] for example in train] == ["own", "own"] + ["dra"] * 20 and num_auxiliary == 20
    assert told[0].startswith("dev: 2 of 4 examples")


def test_auxiliary_examples_alone_are_no_training_set(tmp_path: Path) -> None:
    write_manifest(tmp_path / "drawn.jsonl", [write_example(tmp_path, "drawn", "a")])
    with pytest.raises(ManifestError, match=r"train.jsonl, drawn.jsonl: 1 of 2 examples cannot be used"):
        prepared(tmp_path, [unreadable(tmp_path)], auxiliary=("drawn.jsonl",), offenders="leave_out")
