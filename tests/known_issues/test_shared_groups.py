from pathlib import Path

import numpy as np

from seqlabel.encoders import RecurrentConfig
from seqlabel.experiment import DataConfig, ExperimentConfig
from seqlabel.features import MatrixConfig
from seqlabel.features.normalization import NormalizationConfig
from seqlabel.frontend import FrontendConfig
from seqlabel.manifest import write_manifest
from seqlabel.records import Example
from seqlabel.run_log import RunLog
from seqlabel.training_set import prepare


def test_a_speaker_of_train_and_dev_is_normalised_by_each_sets_own_signals(tmp_path: Path) -> None:
    for name, values in (("train", [0.0, 2.0]), ("dev", [10.0, 14.0])):
        np.save(tmp_path / f"{name}.npy", np.array([values], dtype=np.float32).T)
        example = Example(id=name, source=tmp_path / f"{name}.npy", text="a", group="one speaker")
        write_manifest(tmp_path / f"{name}.jsonl", [example])
    config = ExperimentConfig(
        name="tiny",
        data=DataConfig(directory="unused"),
        frontend=FrontendConfig(
            feature=MatrixConfig(dim=1), normalization=NormalizationConfig(scope="group")
        ),
        encoder=RecurrentConfig(hidden_size=2, num_layers=1),
    )
    data = prepare(config, tmp_path, RunLog(tmp_path, append=False))
    [item] = data.train
    assert data.frontend(item.signal, item.example.group).ravel().tolist() == [-1.0, 1.0]
    assert data.dev_features[0].ravel().tolist() == [-1.0, 1.0]
