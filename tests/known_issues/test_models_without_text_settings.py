import json
from pathlib import Path

import torch

from seqlabel.model_file import load_model, read_tensors, save_tensors
from seqlabel.texts import TextConfig
from tests.blocks import TrainedRun


def test_a_model_from_before_there_were_settings_of_texts_reads_as_before(
    trained_run: TrainedRun, tmp_path: Path
) -> None:
    tensors, metadata = read_tensors(trained_run.model)
    header = json.loads(metadata["header"])
    del header["experiment"]["texts"]
    header["tokens"] = {name: header["tokens"][name] for name in ("tokens", "unit")}
    save_tensors(tmp_path / "old.safetensors", tensors, metadata | {"header": json.dumps(header)})
    old, new = (
        load_model(path, torch.device("cpu")).header
        for path in (tmp_path / "old.safetensors", trained_run.model)
    )
    assert old == new
    assert old.experiment.texts == TextConfig()
    assert (old.tokens.unicode_form, old.tokens.reading_order) == ("NFC", "logical")
