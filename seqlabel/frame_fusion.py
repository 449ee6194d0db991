"""Models that are compared frame by frame: a guide for a training, and one model made of several.

Networks trained by CTC put a token at different frames, so that the mean of what they say has fewer tokens than each.
One that learns with another as its guide (`training.guide`) has them at the frames of the other, and then the mean is
better than each, in one pass and by the best path.

Source: Kurata and Audhkhasi, "Guiding CTC posterior spike timings for improved posterior fusion and knowledge
distillation", Interspeech 2019.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from seqlabel.encoders import ConvRecurrentConfig, EmbeddedConfig, ParallelConfig, RecurrentConfig
from seqlabel.encoders.parallel import LONGEST_COMPARED
from seqlabel.errors import ConfigError
from seqlabel.frontend import Frontend
from seqlabel.model import Model
from seqlabel.model_file import LoadedModel, load_model
from seqlabel.objectives import CtcConfig
from seqlabel.tokens import TokenTable


def load_guide(
    path: Path, frontend: Frontend, tokens: TokenTable, model: Model, device: torch.device
) -> Model:
    """Returns the network that shows another one where tokens are to stand.

    Args:
        path: its model file.
        frontend, tokens, model: of the one that is to learn.
        device: where it is to compute.

    Raises:
        ModelFileError: the file is no model.
        ConfigError: its frames or tokens are not those of the one that is to learn.
    """
    loaded = load_model(path, device)
    if (why := difference(frontend, tokens, model, loaded)) is not None:
        raise ConfigError(
            f"training.guide {path}: {why}; take a model of the same recipe, trained with the same data"
        )
    return loaded.model.requires_grad_(False)


def difference(frontend: Frontend, tokens: TokenTable, model: Model, other: LoadedModel) -> str | None:
    """Returns what keeps the frames of another model from being those of this one; None where they are the same."""
    if not isinstance(other.header.experiment.objective, CtcConfig):
        return "it has not learnt by CTC"
    if other.header.tokens != tokens:
        return "it has other tokens, or another order of them"
    for name in ("feature", "normalization", "stacking"):
        if getattr(other.frontend.config, name) != getattr(frontend.config, name):
            return f"it has other settings of the {name}"
    ours, theirs = frontend.statistics(), other.frontend.statistics()
    if any(not np.allclose(ours[name], theirs[name], rtol=1e-4, atol=1e-6) for name in ours):
        return "its features are normalised by the statistics of other data"
    lengths = torch.arange(1, LONGEST_COMPARED + 1)
    if not torch.equal(model.output_lengths(lengths), other.model.output_lengths(lengths)):
        return "it makes another number of frames"
    return None


def merge(models: Sequence[LoadedModel]) -> tuple[ParallelConfig, dict[str, Tensor]]:
    """Returns the encoder and the weights of one model that says what the others say in the mean.

    Its networks stand side by side below one head, whose logits are the mean of theirs: in each frame it says the
    geometric mean of their probabilities, normalised. What only training needs is left out.

    Args:
        models: two or more with the same frames and tokens, which are not merged themselves.

    Raises:
        ConfigError: models that cannot be merged.
    """
    first, members = models[0], list[RecurrentConfig | ConvRecurrentConfig]()
    for number, one in enumerate(models, start=1):
        encoder = one.header.experiment.encoder
        if isinstance(encoder, ParallelConfig):
            raise ConfigError(f"model {number} is merged already; name the models that it was made of")
        if isinstance(encoder, EmbeddedConfig):
            raise ConfigError(
                f"model {number} reads symbols, which nothing merges; evaluate takes it --with others"
            )
        why = difference(first.frontend, first.header.tokens, first.model, one)
        if why is not None:
            raise ConfigError(
                f"model {number} cannot be merged with the first one: {why}; models that are merged have one recipe "
                "and one training set, and all but the first have learnt with --training.guide"
            )
        members.append(encoder)
    config = ParallelConfig(members=tuple(members))
    together = config.build(first.frontend.dim)
    weights: dict[str, Tensor] = {}
    for number, one in enumerate(models):
        for name, tensor in one.model.encoder.state_dict().items():
            weights[f"encoder.members.{number}.{name}"] = tensor
    heads = [one.model.head for one in models]
    weights["head.weight"] = together.side_by_side([head.weight.detach() for head in heads], axis=1) / len(
        heads
    )
    weights["head.bias"] = torch.stack([head.bias.detach() for head in heads]).mean(dim=0)
    return config, weights
