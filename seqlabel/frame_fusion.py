"""Models that are compared frame by frame: a guide for a training, and one model made of several.

Networks trained by CTC put a token at different frames, so that the mean of what they say has fewer tokens than each.
One that learns with another as its guide (`training.guide`) has them at the frames of the other, and then the mean is
better than each, in one pass and by the best path.

Source: Kurata and Audhkhasi, "Guiding CTC posterior spike timings for improved posterior fusion and knowledge
distillation", Interspeech 2019.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor

from seqlabel.encoders import (
    ConvRecurrentConfig,
    EmbeddedConfig,
    ParallelConfig,
    ParallelEncoder,
    RecurrentConfig,
)
from seqlabel.encoders.parallel import COMPARED_LENGTHS
from seqlabel.errors import ConfigError
from seqlabel.frontend import Frontend, FrontendConfig
from seqlabel.model import Model
from seqlabel.model_file import Header, LoadedModel, load_model
from seqlabel.objectives import CtcConfig
from seqlabel.tokens import TokenTable


def load_guide(
    path: Path, name: str, frontend: Frontend, tokens: TokenTable, model: Model, device: torch.device
) -> Model:
    """Returns the network that shows another one where tokens are to stand.

    Args:
        path: its model file.
        name: what it is called in complaints.
        frontend, tokens, model: of the one that is to learn.
        device: where it is to compute.

    Raises:
        ModelFileError: the file is no model.
        ConfigError: its frames or tokens are not those of the one that is to learn.
    """
    loaded = load_model(path, device)
    if (why := _difference(frontend, tokens, model, loaded)) is not None:
        raise unlike_guide(name, why)
    return loaded.model.requires_grad_(False)


def unlike_guide(name: str, why: str) -> ConfigError:
    """Returns the error for a guide whose frames are others."""
    return ConfigError(
        f"training.guide {name}: {why}; take a model that reads the same features, trained with the same data"
    )


def difference_of_settings(frontend: FrontendConfig, header: Header) -> str | None:
    """Returns which settings keep the frames of a model from being those of a front end; None where none does."""
    theirs = header.experiment
    if not isinstance(theirs.objective, CtcConfig):
        return "it has not learnt by CTC"
    for name in ("feature", "normalization", "stacking"):
        if getattr(theirs.frontend, name) != getattr(frontend, name):
            return f"it has other settings of the {name}"
    return None


def _difference(frontend: Frontend, tokens: TokenTable, model: Model, other: LoadedModel) -> str | None:
    """Returns what keeps the frames of another model from being those of this one; None where they are the same."""
    if (why := difference_of_settings(frontend.config, other.header)) is not None:
        return why
    if other.header.tokens != tokens:
        return "it has other tokens, or another order of them"
    ours, theirs = frontend.statistics(), other.frontend.statistics()
    if any(not np.allclose(ours[name], theirs[name], rtol=1e-4, atol=1e-6) for name in ours):
        return "its features are normalised by the statistics of other data"
    if not torch.equal(model.output_lengths(COMPARED_LENGTHS), other.model.output_lengths(COMPARED_LENGTHS)):
        return "it makes another number of frames"
    return None


def merge(models: Sequence[LoadedModel], names: Sequence[str]) -> tuple[ParallelConfig, Model]:
    """Returns one model that says what the others say in the mean, and the settings of its encoder.

    Its networks stand side by side below one head, whose logits are the mean of theirs: in each frame it says the
    geometric mean of their probabilities, normalised. What only training needs is left out.

    Args:
        models: two or more with the same frames, tokens and rules for texts, which are not merged themselves.
        names: what they are called in complaints.

    Raises:
        ConfigError: models that cannot be merged.
    """
    first, members = models[0], list[RecurrentConfig | ConvRecurrentConfig]()
    for name, one in zip(names, models, strict=True):
        encoder = one.header.experiment.encoder
        if isinstance(encoder, ParallelConfig):
            raise ConfigError(f"{name}: is merged already; name the models that it was made of")
        if isinstance(encoder, EmbeddedConfig):
            raise ConfigError(f"{name}: reads symbols, and such models are not merged; leave it out")
        if one.header.adapted_to is not None:
            raise ConfigError(
                f"{name}: is adapted to one voice or hand; merge models for everybody, and adapt what becomes of them"
            )
        why = _difference(first.frontend, first.header.tokens, first.model, one)
        if why is None and one.header.experiment.texts != first.header.experiment.texts:
            why = "it has other rules for texts"
        if why is not None:
            raise ConfigError(
                f"{name}: cannot be merged with {names[0]}: {why}; merge models of one recipe and one training set "
                "that have learnt by CTC, all but one with --training.guide"
            )
        members.append(encoder)
    config = ParallelConfig(members=tuple(members))
    made = Model(config, first.frontend.dim, len(first.header.tokens), first.header.experiment.objective)
    together = cast(ParallelEncoder, made.encoder)
    weights: dict[str, Tensor] = {}
    for number, one in enumerate(models):
        for name, tensor in one.model.encoder.state_dict().items():
            weights[f"encoder.members.{number}.{name}"] = tensor
    heads = [one.model.head for one in models]
    weights["head.weight"] = together.side_by_side([head.weight.detach() for head in heads], axis=1) / len(
        heads
    )
    weights["head.bias"] = torch.stack([head.bias.detach() for head in heads]).mean(dim=0)
    made.load_state_dict(weights)
    return config, made.to(heads[0].weight.device).eval()
