"""The model file: one safetensors file with the weights and, as JSON in its header, all that reading needs.

Nothing on the loading path can run code: tensors are raw numbers and the header is decoded into typed data.
How files are written, and what their checksum is, `tensor_files` says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from seqlabel.calibration import Calibration
from seqlabel.config import Config
from seqlabel.decoders import DecoderConfig
from seqlabel.encoders import EncoderConfig, ParallelConfig, RecurrentConfig
from seqlabel.errors import ConfigError, ModelFileError, SeqlabelError
from seqlabel.experiment import ExperimentConfig
from seqlabel.frontend import Frontend
from seqlabel.language_model import LanguageModels, NgramModel, Pronunciation
from seqlabel.model import Model
from seqlabel.tensor_files import read_metadata, read_tensors, save_tensors
from seqlabel.tokens import TokenTable

FORMAT_VERSION = 1


class TrainingSummary(Config, frozen=True):
    """How a model came to be.

    Attributes:
        epoch: the pass after which the weights were taken, from 1.
        num_steps: optimiser steps until then.
        num_train_examples, num_dev_examples: sizes of the sets.
        minutes: training time until then, stops not counted.
        dev_cer, dev_wer, dev_ser: error rates on the dev set, as fractions.
        finished_at: date and time in UTC, ISO 8601.
        versions: of seqlabel and PyTorch.
    """

    epoch: int
    num_steps: int
    num_train_examples: int
    num_dev_examples: int
    minutes: float
    dev_cer: float
    dev_wer: float
    dev_ser: float
    finished_at: str
    versions: dict[str, str]


class Header(Config, frozen=True):
    """The JSON part of a model file.

    Attributes:
        calibration: without one confidences are what the network says.
        adapted_to: how much of one voice or hand its biases were learnt from; None for a model for everybody.
        merged_from: the models that it was made of, where it was made of several. Its settings are then those of the
            first, but for the encoder; steps and minutes are sums over all, dev errors its own.
    """

    experiment: ExperimentConfig
    tokens: TokenTable
    num_parameters: int
    summary: TrainingSummary
    calibration: Calibration | None = None
    adapted_to: str | None = None
    merged_from: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model file in memory: ready to read examples."""

    header: Header
    frontend: Frontend
    model: Model
    language: LanguageModels


def save_model(
    path: Path,
    header: Header,
    weights: dict[str, Tensor],
    frontend: Frontend,
    previous: Path | None = None,
    language: LanguageModels | None = None,
) -> None:
    """Writes a model file; a file of that name stays whole until the new one is complete, and is `previous` then.

    What its decoder is to know of the language goes into it as well.

    Raises:
        ModelFileError: it cannot be written; a file that was there before stays.
    """
    tensors = {f"model.{name}": tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    for name, array in frontend.statistics().items():
        tensors[f"normalization.{name}"] = torch.from_numpy(array)
    tensors |= _language_tensors(language or LanguageModels())
    metadata = {
        "format": "seqlabel",
        "format_version": str(FORMAT_VERSION),
        "header": msgspec.json.encode(header).decode(),
    }
    save_tensors(path, tensors, metadata, previous)


def load_model(path: Path, device: torch.device) -> LoadedModel:
    """Returns the model of a file, on `device`, in evaluation mode.

    Raises:
        ModelFileError: not a model file, damaged, or of a newer format.
    """
    tensors, metadata = read_tensors(path)
    header = _decode_header(path, metadata)
    try:
        frontend = Frontend(header.experiment.frontend)
    except SeqlabelError as error:
        raise ModelFileError(f"{path}: its header cannot be used: {error}") from error
    weights = {
        # Recurrent layers held their weights as `lstm` before there were other cells.
        name.removeprefix("model.").replace(".lstm.", ".cells."): tensor
        for name, tensor in tensors.items()
        if name.startswith("model.")
    }
    try:
        model = _model(path, header, frontend.dim, weights)
        model.load_state_dict(weights)
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise ModelFileError(f"{path}: the weights are not those of its configuration: {reason}") from error
    prefix = "normalization."
    try:
        frontend.set_statistics(
            {
                name.removeprefix(prefix): tensor.to(torch.float32).numpy()
                for name, tensor in tensors.items()
                if name.startswith(prefix)
            }
        )
    except ConfigError as error:
        raise ModelFileError(f"{path}: {error}; copy it again or take another model") from error
    return LoadedModel(header, frontend, model.to(device).eval(), _language(path, tensors))


def _model(path: Path, header: Header, input_dim: int, weights: dict[str, Tensor]) -> Model:
    """Returns a model whose weights have the shapes of `weights`; it is built where they take no memory first.

    The sizes in a header are anybody's, and no memory is given to them before the weights are there.

    Raises:
        ModelFileError: the weights are others, or not numbers.
    """
    experiment = header.experiment
    if (num_layers := _num_recurrent_layers(experiment.encoder)) > len(weights):
        raise ModelFileError(
            f"{path}: {num_layers} layers, and {len(weights)} arrays of weights; copy the file again"
        )
    settings = (experiment.encoder, input_dim, len(header.tokens), experiment.objective)
    try:
        with torch.device("meta"):
            wanted = {name: tensor.shape for name, tensor in Model(*settings).state_dict().items()}
    except ConfigError as error:
        raise ModelFileError(f"{path}: its header cannot be used: {error}") from error
    except (TypeError, OverflowError, RuntimeError) as error:  # PyTorch's, of sizes beyond 64 bits
        raise ModelFileError(
            f"{path}: its header has sizes that no network has; copy the file again"
        ) from error
    for name in sorted(wanted.keys() | weights.keys()):
        found = weights[name].shape if name in weights else None
        if found != wanted.get(name):
            raise ModelFileError(
                f"{path}: the weights are not those of its configuration: {name} is "
                f"{_shape_text(found)}, expected {_shape_text(wanted.get(name))}"
            )
        if not torch.isfinite(weights[name]).all():
            raise ModelFileError(
                f"{path}: {name} holds NaN or infinity; copy the file again or take another model"
            )
    return Model(*settings)


def _num_recurrent_layers(encoder: EncoderConfig) -> int:
    if isinstance(encoder, ParallelConfig):
        return sum(map(_num_recurrent_layers, encoder.members))
    return encoder.num_layers if isinstance(encoder, RecurrentConfig) else encoder.recurrent.num_layers


def _shape_text(shape: torch.Size | None) -> str:
    return "missing" if shape is None else " x ".join(map(str, shape)) or "one number"


def set_calibration(path: Path, calibration: Calibration) -> None:
    """Writes into a model file what its confidences are worth.

    Raises:
        ModelFileError: as for `load_model`, or the file cannot be written; then it stays as it was.
    """
    tensors, metadata = read_tensors(path)
    header = msgspec.structs.replace(_decode_header(path, metadata), calibration=calibration)
    save_tensors(path, tensors, metadata | {"header": msgspec.json.encode(header).decode()})


def add_biases(path: Path, out: Path, biases: Float64[np.ndarray, " C"], adapted_to: str) -> None:
    """Writes a model file anew with a bias added to each token's output, before probabilities are made of them.

    Raises:
        ModelFileError: `path` cannot be read as a model file, or `out` cannot be written.
    """
    tensors, metadata = read_tensors(path)
    header = msgspec.structs.replace(_decode_header(path, metadata), adapted_to=adapted_to)
    own = tensors["model.head.bias"]
    tensors["model.head.bias"] = (own.double() + torch.from_numpy(biases)).to(own.dtype)
    save_tensors(out, tensors, metadata | {"header": msgspec.json.encode(header).decode()})


def set_decoding(
    path: Path, decoder: DecoderConfig, language: LanguageModels, calibration: Calibration | None = None
) -> None:
    """Writes into a model file how it is to be decoded, with the language models that belong to it.

    The calibration is that of this decoder; without one confidences are what the network says.

    Raises:
        ModelFileError: as for `load_model`, or the file cannot be written; then it stays as it was.
    """
    tensors, metadata = read_tensors(path)
    header = _decode_header(path, metadata)
    experiment = msgspec.structs.replace(header.experiment, decoder=decoder)
    header = msgspec.structs.replace(header, experiment=experiment, calibration=calibration)
    tensors = {name: tensor for name, tensor in tensors.items() if not name.startswith("language.")}
    tensors |= _language_tensors(language)
    save_tensors(path, tensors, metadata | {"header": msgspec.json.encode(header).decode()})


def _language_tensors(language: LanguageModels) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    for kind in ("tokens", "words"):
        model: NgramModel | None = getattr(language, kind)
        if model is not None:
            arrays = model.arrays() | {"names": _as_bytes(model.words)}
            tensors |= {f"language.{kind}.{name}": torch.from_numpy(array) for name, array in arrays.items()}
    if language.lexicon is not None:
        lines = [f"{entry.word}\t{entry.spelling}" for entry in language.lexicon]
        tensors["language.lexicon.names"] = torch.from_numpy(_as_bytes(lines))
    return tensors


def _as_bytes(names: Sequence[str]) -> np.ndarray:
    """Words, which have no line ends, as bytes: the header of a file has room for some 100 MB alone."""
    return np.frombuffer("\n".join(names).encode(), np.uint8).copy()


def _language(path: Path, tensors: dict[str, Tensor]) -> LanguageModels:
    parts: dict[str, dict[str, np.ndarray]] = {"tokens": {}, "words": {}, "lexicon": {}}
    try:
        for name, tensor in tensors.items():
            if name.startswith("language."):
                _, kind, part = name.split(".", 2)
                parts[kind][part] = tensor.numpy()
        names = {
            kind: arrays.pop("names").tobytes().decode().split("\n")
            for kind, arrays in parts.items()
            if arrays
        }
        models = {
            kind: NgramModel.from_arrays(names[kind], parts[kind])
            for kind in ("tokens", "words")
            if kind in names
        }
        lexicon = None
        if "lexicon" in names:
            lexicon = tuple(Pronunciation(*line.split("\t", 1)) for line in names["lexicon"])
    except (KeyError, ValueError, IndexError, TypeError) as error:
        raise ModelFileError(f"{path}: its language model is not whole ({error}); copy it again") from error
    return LanguageModels(lexicon=lexicon, **models)


def read_header(path: Path) -> Header:
    """Returns what a model file says of itself, without its weights.

    Raises:
        ModelFileError: as for `load_model`.
    """
    return _decode_header(path, read_metadata(path))


def _decode_header(path: Path, metadata: dict[str, str]) -> Header:
    if metadata.get("format") != "seqlabel" or "header" not in metadata:
        raise ModelFileError(
            f"{path}: a safetensors file, but not a seqlabel model; expected one that train wrote"
        )
    version = metadata.get("format_version", "")
    if version != str(FORMAT_VERSION):
        raise ModelFileError(
            f"{path}: format version {version!r}, this seqlabel reads {FORMAT_VERSION}; install a newer seqlabel"
        )
    try:
        return msgspec.json.decode(metadata["header"], type=Header)
    except (msgspec.MsgspecError, SeqlabelError, ValueError, RecursionError) as error:
        raise ModelFileError(
            f"{path}: its header cannot be understood ({error}); it was written by another seqlabel, or changed"
        ) from error
