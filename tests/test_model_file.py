import json
import pickle
import struct
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from seqlabel.encoders import ConvLayerConfig, ConvRecurrentConfig, EncoderConfig, RecurrentConfig
from seqlabel.errors import ModelFileError
from seqlabel.experiment import DataConfig, ExperimentConfig
from seqlabel.features import MatrixConfig
from seqlabel.features.normalization import NormalizationConfig
from seqlabel.frontend import Frontend, FrontendConfig
from seqlabel.language_model import LanguageModels
from seqlabel.model import Model
from seqlabel.model_file import (
    FORMAT_VERSION,
    Header,
    LoadedModel,
    TrainingSummary,
    load_model,
    read_header,
    save_model,
)
from seqlabel.records import Matrix
from seqlabel.tensor_files import read_tensors
from seqlabel.tokens import TokenTable

CPU = torch.device("cpu")
RECURRENT = RecurrentConfig(hidden_size=3, num_layers=1)
CONVOLUTIONAL = ConvRecurrentConfig(layers=(ConvLayerConfig(channels=2, pool=(2, 1)),), recurrent=RECURRENT)
SUMMARY = TrainingSummary(
    epoch=7,
    num_steps=70,
    num_train_examples=30,
    num_dev_examples=5,
    minutes=1.5,
    dev_cer=0.125,
    dev_wer=0.25,
    dev_ser=0.5,
    finished_at="2026-11-23T02:00:00+00:00",
    versions={"seqlabel": "0.1.0", "torch": "2.11.0"},
)


def signal(seed: int = 1, num_frames: int = 15) -> Matrix:
    values = np.random.default_rng(seed).normal(size=(num_frames, 4)) * 3 + 1
    return Matrix(values.astype(np.float32))


def made(encoder: EncoderConfig = RECURRENT) -> LoadedModel:
    """A model as a training run would have it, statistics of the corpus included."""
    torch.manual_seed(1)
    config = ExperimentConfig(
        name="tiny",
        data=DataConfig(directory="data/tiny"),
        frontend=FrontendConfig(
            feature=MatrixConfig(dim=4), normalization=NormalizationConfig(scope="corpus")
        ),
        encoder=encoder,
    )
    frontend = Frontend(config.frontend)
    frontend.fit((signal(seed), None) for seed in (1, 2, 3))
    tokens = TokenTable.from_texts(["é a", "b"])
    model = Model(encoder, frontend.dim, len(tokens))
    with torch.no_grad():  # a batch in training, so that batch norms have statistics of their own
        model.train()(torch.randn(3, 9, 4), torch.tensor([9, 4, 7]))
    num_parameters = sum(parameter.numel() for parameter in model.parameters())
    header = Header(experiment=config, tokens=tokens, num_parameters=num_parameters, summary=SUMMARY)
    return LoadedModel(header, frontend, model.eval(), LanguageModels())


def write(path: Path, model: LoadedModel) -> Path:
    save_model(path, model.header, model.model.state_dict(), model.frontend)
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "best.safetensors", made())


def rewritten(file: Path, **changes: str | None) -> Path:
    """The file with entries of its metadata replaced, or taken out where None."""
    tensors, metadata = read_tensors(file)
    kept = {
        key: value
        for key, value in (metadata | changes).items()
        if value is not None and key != "checksum"  # without one, as older files are
    }
    save_file(tensors, file, kept)
    return file


# --- what is written is read ------------------------------------------------------------------------------


@pytest.mark.parametrize("encoder", [RECURRENT, CONVOLUTIONAL], ids=["recurrent", "conv_recurrent"])
def test_a_loaded_model_gives_equal_emissions(encoder: EncoderConfig, tmp_path: Path) -> None:
    before = made(encoder)
    after = load_model(write(tmp_path / "a.safetensors", before), CPU)
    assert not after.model.training
    found = []
    for model in (before, after):
        frames = torch.from_numpy(model.frontend(signal(9)))[None]
        with torch.no_grad():
            found.append(model.model(frames, torch.tensor([15])))
    assert torch.equal(found[0].log_probs, found[1].log_probs)
    assert torch.equal(found[0].lengths, found[1].lengths)


def test_the_header_says_all_there_is_to_know(file: Path) -> None:
    assert read_header(file) == made().header
    assert load_model(file, CPU).header == made().header


def test_the_header_is_json_that_any_program_can_read(file: Path) -> None:
    data = file.read_bytes()
    [size] = struct.unpack("<Q", data[:8])
    metadata = json.loads(data[8 : 8 + size])["__metadata__"]
    assert metadata["format"] == "seqlabel"
    assert metadata["format_version"] == str(FORMAT_VERSION)
    header = json.loads(metadata["header"])
    encoder = header["experiment"]["encoder"]
    assert (encoder["type"], encoder["cell"], encoder["hidden_size"]) == ("recurrent", "lstm", 3)
    assert encoder["peepholes"] is False and encoder["projection_size"] is None
    assert header["tokens"]["tokens"] == ["<blank>", " ", "a", "b", "é"]
    assert header["summary"]["dev_cer"] == 0.125


def test_statistics_of_the_corpus_are_among_the_tensors(file: Path) -> None:
    tensors, _ = read_tensors(file)
    statistics = made().frontend.statistics()
    assert {name for name in tensors if not name.startswith("model.")} == {
        "normalization.mean",
        "normalization.std",
    }
    np.testing.assert_array_equal(tensors["normalization.mean"].numpy(), statistics["mean"])
    np.testing.assert_array_equal(tensors["normalization.std"].numpy(), statistics["std"])


# --- what is no model is refused --------------------------------------------------------------------------


def refusal(path: Path) -> str:
    """The one message that loading and looking at the header both give."""
    messages = []
    for read in (read_header, lambda path: load_model(path, CPU)):
        with pytest.raises(ModelFileError) as error:
            read(path)
        messages.append(str(error.value))
    assert messages[0] == messages[1]
    assert str(path) in messages[0]
    assert "\n" not in messages[0]
    return messages[0]


@pytest.mark.parametrize("share", [0.0, 0.001, 0.01, 0.3, 0.6, 0.9, 0.999])
def test_a_truncated_file_is_refused(share: float, file: Path) -> None:
    data = file.read_bytes()
    file.write_bytes(data[: int(share * len(data))])
    assert "not a whole safetensors file" in refusal(file)
    assert "copy it again" in refusal(file)


def test_a_file_with_something_behind_its_end_is_refused(file: Path) -> None:
    with file.open("ab") as end:
        end.write(b"more")
    assert "not a whole safetensors file" in refusal(file)


def test_an_image_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "line.png"
    Image.new("L", (40, 10), 255).save(path)
    assert "not a whole safetensors file" in refusal(path)


@pytest.mark.parametrize("content", [b"", b"\0", b"\xff" * 64, b"config = 3\n" * 40])
def test_other_bytes_are_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    path.write_bytes(content)
    assert "not a whole safetensors file" in refusal(path)


def test_a_missing_file_is_refused_with_where_models_are_written(tmp_path: Path) -> None:
    assert "no such model file; `seqlabel train` writes best.safetensors" in refusal(
        tmp_path / "a.safetensors"
    )


def test_a_run_folder_is_refused_with_the_file_that_was_meant(tmp_path: Path) -> None:
    assert f"is a folder; give the model file in it, such as {tmp_path / 'best.safetensors'}" in refusal(
        tmp_path
    )


def test_the_tensors_of_another_program_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    for metadata in (None, {"format": "pt"}):
        save_file({"weight": torch.ones(2)}, path, metadata)
        assert "not a seqlabel model" in refusal(path)


@pytest.mark.parametrize("version", [str(FORMAT_VERSION + 1), "", None])
def test_another_format_version_is_refused(version: str | None, file: Path) -> None:
    message = refusal(rewritten(file, format_version=version))
    assert f"this seqlabel reads {FORMAT_VERSION}" in message
    assert "install a newer seqlabel" in message


def changed(text: bytes, old: bytes, new: bytes) -> str:
    assert old in text
    return text.replace(old, new).decode()


HEADERS = {
    "not JSON": (b"{", b"["),
    "a setting nobody knows": (b'"num_layers"', b'"num_storeys"'),
    "a kind nobody knows": (b'"recurrent"', b'"transformer"'),
    "a setting out of its range": (b'"num_layers":1', b'"num_layers":0'),
    "an impossible feature": (b'"dim":4', b'"dim":0'),
    "a token table without blank": (b'"<blank>"', b'"blank"'),
    "a missing part": (b'"summary"', b'"resume"'),
}


@pytest.mark.parametrize(("old", "new"), HEADERS.values(), ids=HEADERS.keys())
def test_a_header_that_makes_no_sense_is_refused(old: bytes, new: bytes, file: Path) -> None:
    header = msgspec.json.encode(made().header)
    rewritten(file, header=changed(header, old, new))
    with pytest.raises(ModelFileError, match=r"best\.safetensors: .") as error:
        load_model(file, CPU)
    assert "\n" not in str(error.value)


TENSORS = {
    "other weights": (b'"hidden_size":3', b'"hidden_size":5'),
    "more layers": (b'"num_layers":1', b'"num_layers":2'),
    "fewer tokens": (b',"b"', b""),
}


@pytest.mark.parametrize(("old", "new"), TENSORS.values(), ids=TENSORS.keys())
def test_weights_of_another_configuration_are_refused(old: bytes, new: bytes, file: Path) -> None:
    rewritten(file, header=changed(msgspec.json.encode(made().header), old, new))
    with pytest.raises(ModelFileError, match=r"best\.safetensors: the weights are not those of"):
        load_model(file, CPU)


@pytest.mark.parametrize(
    "without", ["model.head.bias", "normalization.mean", "normalization.std", "both statistics"]
)
def test_a_missing_tensor_is_refused(without: str, file: Path) -> None:
    tensors, metadata = read_tensors(file)
    prefix = "normalization." if without == "both statistics" else without
    save_file({k: v for k, v in tensors.items() if not k.startswith(prefix)}, file, metadata)
    with pytest.raises(ModelFileError, match=r"best\.safetensors: "):
        load_model(file, CPU)


def test_statistics_of_another_width_are_refused(file: Path) -> None:
    tensors, metadata = read_tensors(file)
    save_file(tensors | {"normalization.mean": torch.zeros(9)}, file, metadata)
    with pytest.raises(ModelFileError, match=r"best\.safetensors: "):
        load_model(file, CPU)


# --- nothing in a file is run -----------------------------------------------------------------------------


class Trap:
    """Unpickled, it leaves a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.path,)


def test_a_pickle_is_refused_and_does_not_run(tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    pickled, saved = tmp_path / "a.pkl", tmp_path / "a.pt"
    pickled.write_bytes(pickle.dumps(Trap(sprung)))
    torch.save({"model": Trap(sprung)}, saved)
    for path in (pickled, saved):
        assert "not a whole safetensors file" in refusal(path)
    assert not sprung.exists()
    pickle.loads(pickled.read_bytes())
    assert sprung.exists()  # the trap was set


# --- a file stays whole -----------------------------------------------------------------------------------


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = file.read_bytes()

    def half_written(tensors: object, path: Path, metadata: object) -> None:
        path.write_bytes(before[:100])
        raise OSError("no space left on device")

    monkeypatch.setattr("seqlabel.tensor_files.save_file", half_written)
    with pytest.raises(ModelFileError, match="no space left"):
        write(file, made(CONVOLUTIONAL))
    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_new_model_takes_the_place_of_the_old_one(file: Path) -> None:
    write(file, made(CONVOLUTIONAL))
    assert read_header(file).experiment.encoder == CONVOLUTIONAL
    assert [path.name for path in file.parent.iterdir()] == [file.name]
