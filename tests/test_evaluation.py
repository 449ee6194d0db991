from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch

from seqlabel.data import Loaded, keep_for_scoring, read_signals
from seqlabel.evaluation import Evaluation, decode, evaluate
from seqlabel.manifest import read_manifest
from seqlabel.metrics import score
from seqlabel.recognizer import Recognizer
from tests.blocks import TrainedRun

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def recognizer(trained_run: TrainedRun) -> Recognizer:
    return Recognizer.load(trained_run.model, "cpu")


@pytest.fixture(scope="module")
def loaded(recognizer: Recognizer, trained_run: TrainedRun) -> list[Loaded]:
    frontend = recognizer.loaded.frontend
    found, _ = read_signals(read_manifest(trained_run.data / "test.jsonl"), frontend)
    return keep_for_scoring(found, frontend, recognizer.header.tokens)


@pytest.fixture(scope="module")
def features(recognizer: Recognizer, loaded: list[Loaded]) -> list[np.ndarray]:
    return [recognizer.loaded.frontend(item.signal) for item in loaded]


def evaluated(recognizer: Recognizer, loaded: Sequence[Loaded]) -> Evaluation:
    features = [recognizer.loaded.frontend(item.signal) for item in loaded]
    return evaluate(recognizer.loaded.model, recognizer.decoder, features, loaded, CPU)


def texts(recognizer: Recognizer, features: Sequence[np.ndarray]) -> list[str]:
    return [found[0].text for found in decode(recognizer.loaded.model, recognizer.decoder, features, CPU)]


def test_what_an_example_is_read_as_does_not_depend_on_the_others(
    recognizer: Recognizer, features: list[np.ndarray]
) -> None:
    together = texts(recognizer, features)
    assert [texts(recognizer, [one])[0] for one in features] == together
    assert texts(recognizer, features[::-1]) == together[::-1]


def test_nothing_is_read_as_nothing(recognizer: Recognizer) -> None:
    assert decode(recognizer.loaded.model, recognizer.decoder, [], CPU) == []


def test_every_example_is_counted_as_it_is_decoded(
    recognizer: Recognizer, features: list[np.ndarray]
) -> None:
    counted: list[None] = []
    decode(recognizer.loaded.model, recognizer.decoder, features, CPU, lambda: counted.append(None))
    assert len(counted) == len(features)


@pytest.mark.parametrize("is_training", [True, False])
def test_a_model_is_left_in_the_mode_it_was_in(
    is_training: bool, recognizer: Recognizer, features: list[np.ndarray]
) -> None:
    model = recognizer.loaded.model
    model.train(is_training)
    try:
        decode(model, recognizer.decoder, features[:1], CPU)
        assert model.training == is_training
    finally:
        model.eval()


def test_rates_are_those_of_the_hypotheses_that_come_with_them(
    recognizer: Recognizer, loaded: list[Loaded]
) -> None:
    wrong = [replace(item, example=replace(item.example, text="abc abc")) for item in loaded]
    evaluation = evaluated(recognizer, wrong)
    hypotheses = [hypothesis.text for hypothesis in evaluation.hypotheses]
    assert evaluation.rates == score(zip(evaluation.references, hypotheses, strict=True))
    assert evaluation.rates.cer > 0


def test_ids_references_and_hypotheses_stand_in_the_order_of_the_set(
    recognizer: Recognizer, loaded: list[Loaded]
) -> None:
    evaluation = evaluated(recognizer, loaded)
    assert evaluation.ids == tuple(item.example.id for item in loaded)
    assert evaluation.references == tuple(item.example.text for item in loaded)
    assert [hypothesis.text for hypothesis in evaluation.hypotheses] == list(evaluation.references)


def test_characters_that_the_model_cannot_write_count_as_errors(
    recognizer: Recognizer, loaded: list[Loaded]
) -> None:
    frontend = recognizer.loaded.frontend
    foreign = replace(loaded[0].example, text="é" * 5)
    kept = keep_for_scoring([(foreign, loaded[0].signal)], frontend, recognizer.header.tokens)
    assert evaluated(recognizer, kept).rates.characters.reference_length == 5
    assert evaluated(recognizer, kept).rates.cer >= 1
