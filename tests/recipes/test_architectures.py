import argparse
import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from recipes.architectures import compare
from recipes.architectures.compare import NETWORKS, TASKS, Task, equal_size, num_weights, report, significance
from seqlabel.encoders import RecurrentConfig
from seqlabel.experiment import DataConfig, ExperimentConfig, TrainingConfig
from seqlabel.features import MatrixConfig
from seqlabel.frontend import Frontend, FrontendConfig
from seqlabel.manifest import write_manifest
from seqlabel.model import Model
from seqlabel.records import Example


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("network", NETWORKS)
def test_every_network_has_as_many_weights_as_the_blstm_within_5_per_cent(name: str, network: str) -> None:
    task, (cell, way) = TASKS[name], NETWORKS[network]
    input_dim = Frontend(task.config.frontend).dim
    size = equal_size(cell, way, task, input_dim)
    config = RecurrentConfig(hidden_size=size, num_layers=1, cell=cell, direction=way)
    model = Model(config, input_dim, task.num_tokens, task.config.objective)
    count = sum(parameter.numel() for parameter in model.parameters())
    assert count == num_weights(cell, way, size, input_dim, task.num_tokens)
    wanted = num_weights("lstm", "both", task.hidden_size, input_dim, task.num_tokens)
    assert abs(count - wanted) <= 0.05 * wanted


def test_significance_counts_the_signs_that_part_the_groups_as_far() -> None:
    one, other = {"a": 5, "b": 3, "c": 9}, {"a": 1, "b": 2, "c": 2}
    differences = [4, 1, 7]
    extreme = sum(
        abs(sum(s * d for s, d in zip(signs, differences, strict=True))) >= 12
        for signs in itertools.product((-1, 1), repeat=3)
    )
    assert significance(one, other) == extreme / 8 == 0.25
    assert significance(one, one) == 1.0


def test_the_report_gives_means_spreads_and_the_difference_from_blstm() -> None:
    def result(network: str, seed: int, error: float, errors: int) -> dict[str, object]:
        groups = {str(group): errors for group in range(10)}
        return {
            "task": "an4",
            "network": network,
            "seed": seed,
            "cells": 96,
            "weights": 160_000,
            "minutes": 1.5,
            "error": error,
            "cer": error,
            "groups": groups,
        }

    results = [result("RNN", seed, 0.2, 20) for seed in (1, 2)]
    results += [result("BLSTM", seed, 0.1 + 0.02 * seed, 10) for seed in (1, 2)]
    lines = report(results).splitlines()
    assert lines[2] == "| an4 (CER) | RNN | 96 | 160,000 | 20.00 % ± 0.00 | 20.00 % ± 0.00 | 0.002 | 1.5 |"
    assert lines[3] == "| an4 (CER) | BLSTM | 96 | 160,000 | 13.00 % ± 1.41 | 13.00 % ± 1.41 |  | 1.5 |"


@pytest.mark.slow
def test_a_comparison_trains_everything_once_and_writes_table_and_curves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data" / "tiny"
    data.mkdir(parents=True)
    rng = np.random.default_rng(1)
    for split in ("train", "dev", "test"):
        examples = []
        for number in range(6):
            source = data / f"{split}-{number}.npy"
            np.save(source, rng.normal(size=(12, 3)).astype(np.float32))
            examples.append(Example(id=str(number), source=source, text="abc", group=f"speaker {number % 3}"))
        write_manifest(data / f"{split}.jsonl", examples)
    config = ExperimentConfig(
        name="tiny",
        data=DataConfig(directory="unused"),
        frontend=FrontendConfig(feature=MatrixConfig(dim=3)),
        encoder=RecurrentConfig(),
        training=TrainingConfig(num_epochs=1, num_threads=1),
    )
    monkeypatch.setattr(compare, "TASKS", {"tiny": Task(config, "tiny", 24, 4, "cer")})
    arguments = argparse.Namespace(
        data_dir=tmp_path / "data", run_dir=tmp_path / "runs", aligner=None, only=["tiny"], seeds=[1], jobs=1
    )
    assert compare.compare(arguments) == 0
    shown = capsys.readouterr().out
    assert all(f"| {network} |" in shown for network in NETWORKS)
    results = [json.loads(line) for line in (tmp_path / "runs" / "results.jsonl").read_text().splitlines()]
    assert {result["network"] for result in results} == set(NETWORKS)
    assert (tmp_path / "runs" / "curves.png").stat().st_size > 10_000

    def refuse(*_: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(compare, "train", refuse)
    assert compare.compare(arguments) == 0
