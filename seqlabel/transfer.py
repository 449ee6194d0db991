"""A new model that begins with the weights of a trained one."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from seqlabel.encoders import ConvRecurrentEncoder
from seqlabel.errors import ConfigError
from seqlabel.model import Model
from seqlabel.model_file import load_model
from seqlabel.tokens import TokenTable


@dataclass(frozen=True, slots=True)
class Transfer:
    """What a model has taken over.

    Attributes:
        num_weights, num_taken: of the new model, and those among them that came from the trained one.
        new_tokens: the tokens that the trained model does not know.
        same_features: whether both compute their features in the same way.
    """

    num_weights: int
    num_taken: int
    new_tokens: tuple[str, ...]
    same_features: bool


def take_over(model: Model, tokens: TokenTable, path: Path, frontend: object) -> Transfer:
    """Gives a model the weights of a model file that fit it, those of its tokens by their names.

    What has another size, and the tokens that the trained model does not know, keep their random start.

    Args:
        model: the new model, changed in place.
        tokens: its token table.
        path: the trained model.
        frontend: the new model's `FrontendConfig`.

    Raises:
        ModelFileError: the file is no model.
        ConfigError: nothing in it fits.
    """
    loaded = load_model(path, torch.device("cpu"))
    theirs = loaded.model.state_dict()
    place = {token: index for index, token in enumerate(loaded.header.tokens.tokens)}
    shared = [(index, place[token]) for index, token in enumerate(tokens.tokens) if token in place]
    mine, others = (torch.tensor(indices) for indices in zip(*shared, strict=True))
    num_taken = num_encoder = 0
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            given = theirs.get(name)
            if given is None:
                continue
            if name.startswith("encoder."):
                if given.shape == tensor.shape:
                    tensor.copy_(given)
                    num_encoder += tensor.numel() if tensor.ndim >= 2 else 0  # a bias fits anywhere
                    num_taken += tensor.numel()
            elif given.shape[1:] == tensor.shape[1:]:
                tensor[mine] = given[others]
                num_taken += len(shared) * tensor[0].numel()
    if not num_encoder:
        raise ConfigError(
            f"{path}: none of its weights fits this recipe; take the recipe that it was trained with (`seqlabel info`)"
        )
    theirs_frontend = loaded.header.experiment.frontend
    return Transfer(
        num_weights=sum(tensor.numel() for tensor in model.state_dict().values()),
        num_taken=num_taken,
        new_tokens=tuple(token for token in tokens.tokens if token not in place),
        same_features=(theirs_frontend.feature, theirs_frontend.normalization, theirs_frontend.stacking)
        == tuple(getattr(frontend, name) for name in ("feature", "normalization", "stacking")),
    )


def first_part(model: Model) -> nn.Module:
    """Returns what is held still at first: the convolutional stem, or all of another encoder."""
    return model.encoder.stem if isinstance(model.encoder, ConvRecurrentEncoder) else model.encoder
