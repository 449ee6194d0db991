from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from seqlabel.checks import before_training, look_at_contents, look_at_headers
from seqlabel.encoders import EmbeddedConfig, RecurrentConfig
from seqlabel.experiment import DataConfig, ExperimentConfig, TrainingConfig
from seqlabel.features import FeatureConfig, MatrixConfig, SymbolsConfig
from seqlabel.frontend import FrontendConfig
from seqlabel.manifest import write_manifest
from seqlabel.records import Example
from seqlabel.run_log import RunLog
from seqlabel.training import train
from seqlabel.training_set import prepare

MATRIX = MatrixConfig(dim=3)


def config(feature: FeatureConfig = MATRIX) -> ExperimentConfig:
    encoder = RecurrentConfig(hidden_size=2, num_layers=1)
    is_symbols = isinstance(feature, SymbolsConfig)
    return ExperimentConfig(
        name="tiny",
        data=DataConfig(directory="unused", batch_size=2),
        frontend=FrontendConfig(feature=feature, normalization=None),
        encoder=EmbeddedConfig(num_symbols=6, recurrent=encoder) if is_symbols else encoder,
        training=TrainingConfig(num_epochs=1, num_threads=1, precision="float32"),
    )


def example(
    folder: Path, id_: str, text: str | None, content: int | None = None, group: str | None = None
) -> Example:
    path = folder / f"{id_}.npy"
    seed = content if content is not None else int.from_bytes(id_.encode())
    np.save(path, np.random.default_rng(seed).normal(size=(12, 3)).astype(np.float32))
    return Example(id=id_, source=path, text=text, group=group)


def corpus(folder: Path, **splits: Sequence[Example]) -> Path:
    for name, examples in splits.items():
        write_manifest(folder / f"{name}.jsonl", examples)
    return folder


def of_headers(folder: Path) -> list[str]:
    return list(look_at_headers(config(), folder, 1))


def of_contents(folder: Path, feature: FeatureConfig = MATRIX) -> list[str]:
    return list(look_at_contents(prepare(config(feature), folder, RunLog(folder, append=False))))


def test_a_corpus_that_is_in_order_is_passed_in_silence(tmp_path: Path) -> None:
    corpus(tmp_path, train=[example(tmp_path, "a", "ab")], dev=[example(tmp_path, "b", "ba")])
    assert (of_headers(tmp_path), of_contents(tmp_path)) == ([], [])


def test_a_shared_writer_is_told_of_dev_and_of_a_test_set_that_training_never_reads(tmp_path: Path) -> None:
    corpus(
        tmp_path,
        train=[example(tmp_path, "a", "ab", group="anna")],
        dev=[example(tmp_path, "b", "ba", group="anna")],
        test=[example(tmp_path, "c", "aa", group="anna")],
    )
    told = "1 of its 1 examples, stand in train too: anna"
    assert of_headers(tmp_path) == [
        f"check: shared-group: 1 group of dev, {told} (dev b)",
        f"check: shared-group: 1 group of test, {told} (test c)",
    ]


def test_what_the_training_tells_itself_is_told_of_the_test_set_only(tmp_path: Path) -> None:
    gone = Example(id="gone", source=tmp_path / "gone.npy", text="ab")
    corpus(
        tmp_path,
        train=[example(tmp_path, "a", "ab"), gone],
        dev=[example(tmp_path, "b", "abc")],
        test=[gone],
    )
    assert of_headers(tmp_path) == [f"check: missing-file: {tmp_path / 'gone.npy'}: no such file (test gone)"]


def test_of_many_findings_two_are_told_and_the_others_counted(tmp_path: Path) -> None:
    train_examples = [
        example(tmp_path, name, f"a{space}b")
        for name, space in zip("abcd", "\u200b\u200c\u200d\ufeff", strict=True)
    ]
    corpus(tmp_path, train=train_examples, dev=[example(tmp_path, "e", "ab")])
    lines = of_headers(tmp_path)
    assert all(line.startswith("check: control-characters: ") for line in lines)
    assert len(lines) <= 3


def test_a_large_corpus_is_left_to_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(before_training, "MOST_EXAMPLES", 1)
    corpus(tmp_path, train=[example(tmp_path, "a", " ab")], dev=[example(tmp_path, "b", "ba")])
    [line] = of_headers(tmp_path)
    assert line.startswith(
        "check: not looked at beforehand, since there are more than 1 examples; `seqlabel check`"
    )


def test_equal_contents_are_found_under_any_name(tmp_path: Path) -> None:
    train_examples = [
        example(tmp_path, "a", "ab", content=1),
        example(tmp_path, "b", "ba", content=1),
        example(tmp_path, "c", "ab", content=2),
        example(tmp_path, "d", "ab", content=3),
        example(tmp_path, "e", "ab", content=3),
    ]
    corpus(tmp_path, train=train_examples, dev=[example(tmp_path, "f", "ab", content=2)])
    assert of_contents(tmp_path) == [
        "check: contradiction: one content, 2 texts: 'ab' and 'ba' (train a and 1 more)",
        "check: shared-content: in train ('c') and dev ('f')",
        "check: repeated: 2 times: 'd', 'e'",
    ]


def test_where_nearly_everything_is_repeated_only_the_number_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(before_training, "MOST_EXAMPLES", 2)
    same = [example(tmp_path, name, "ab", content=1) for name in "abc"]
    corpus(tmp_path, train=same, dev=[example(tmp_path, "d", "ab")])
    [line] = of_contents(tmp_path)
    assert line.startswith("check: the contents of 3 examples stand there several times; `seqlabel check`")


def test_contents_are_those_of_the_examples_that_are_learnt_from(tmp_path: Path) -> None:
    """The digests stay beside their examples where some of them are left out."""
    unlearnable = example(tmp_path, "x", "ab" * 20, content=5)
    train_examples = [
        unlearnable,
        example(tmp_path, "a", "ab", content=1),
        example(tmp_path, "b", "ab", content=1),
    ]
    corpus(tmp_path, train=train_examples, dev=[example(tmp_path, "c", "ab", content=5)])
    left_out = config()
    left_out = type(left_out)(
        **{name: getattr(left_out, name) for name in left_out.__struct_fields__ if name != "data"},
        data=DataConfig(directory="unused", offenders="leave_out"),
    )
    data = prepare(left_out, tmp_path, RunLog(tmp_path, append=False))
    assert list(look_at_contents(data)) == ["check: repeated: 2 times: 'a', 'b'"]


def test_words_recur_and_are_no_repetition(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("c a t\nc a t\nd o g\n")
    examples = [
        Example(id=name, source=tmp_path / f"words.txt:{row}", text=text)
        for name, row, text in (("a", 1, "KAT"), ("b", 2, "KET"), ("c", 3, "DOG"))
    ]
    corpus(tmp_path, train=examples[:2], dev=examples[2:])
    assert of_contents(tmp_path, SymbolsConfig(table=tuple("catdog"))) == []


def test_a_training_tells_it_once_and_not_when_it_goes_on(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = corpus(
        tmp_path,
        train=[example(tmp_path, "a", "ab", content=1, group="anna")],
        dev=[example(tmp_path, "b", "ab", content=1, group="anna")],
    )
    train(config(), tmp_path / "run", folder)
    told = [line for line in capfd.readouterr().err.splitlines() if line.startswith("check: ")]
    assert told == [
        "check: shared-group: 1 group of dev, 1 of its 1 examples, stand in train too: anna (dev b)",
        "check: shared-content: in train ('a') and dev ('b')",
    ]
    assert "\n".join(told[:1]) in (tmp_path / "run" / "train.log").read_text()
    train(config(), tmp_path / "run", folder)
    assert "check: " not in capfd.readouterr().err
