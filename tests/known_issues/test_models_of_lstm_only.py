from pathlib import Path

import torch

from seqlabel.model_file import load_model, read_tensors, save_tensors
from tests.blocks import TrainedRun


def test_a_model_from_before_there_were_other_cells_reads_as_before(
    trained_run: TrainedRun, tmp_path: Path
) -> None:
    tensors, metadata = read_tensors(trained_run.model)
    old = {name.replace(".cells.", ".lstm."): tensor for name, tensor in tensors.items()}
    assert old.keys() != tensors.keys()
    save_tensors(tmp_path / "old.safetensors", old, metadata)
    model, expected = (
        load_model(path, torch.device("cpu")).model
        for path in (tmp_path / "old.safetensors", trained_run.model)
    )
    assert all(torch.equal(model.state_dict()[name], value) for name, value in expected.state_dict().items())
