"""Decoding a set and counting its errors: the one function behind `evaluate` and the dev scores of training."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from seqlabel.ctc import Emissions
from seqlabel.data import bucketed_batches, collate
from seqlabel.decoders import Decoder, decode_ensemble
from seqlabel.loaded import FeaturesOnDemand, Loaded
from seqlabel.metrics import CharacterUnit, ErrorCounts, ErrorRates, score
from seqlabel.model import Model
from seqlabel.records import Hypothesis
from seqlabel.texts import Changes

Heard = tuple[Model, Sequence[np.ndarray]]
"""A network that reads along, and the (T, F) array that it is given for each example."""

BATCH_SIZE = 32
BATCH_FRAMES = 20000


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The rates over a whole set and each hypothesis beside its example, in the set's order, with the example's group.

    `num_untold` lines of pages had no text and are not among them. `changes` tells which references the model's rules
    have changed; None where there are none.
    """

    rates: ErrorRates
    ids: tuple[str, ...]
    references: tuple[str, ...]
    hypotheses: tuple[Hypothesis, ...]
    groups: tuple[str | None, ...]
    num_untold: int = 0
    changes: Changes | None = None


def decode(
    model: Model,
    decoder: Decoder,
    features: Sequence[np.ndarray],
    device: torch.device,
    on_example: Callable[[], object] | None = None,
    on_emissions: Callable[[list[int], Emissions], object] | None = None,
    n_best: int = 1,
    precision: torch.dtype = torch.float32,
    others: Sequence[Heard] = (),
) -> list[list[Hypothesis]]:
    """Returns the hypotheses for each (T, F) array, in order; batches are made of neighbours in length.

    What one array is read as does not depend on the others. In bfloat16 the encoder computes its products.
    `on_example` is called after each, `on_emissions` with the indices of each batch and what the model says of it.
    With `others`, what all of them say is read together (`decode_ensemble`).
    """
    found: dict[int, list[Hypothesis]] = {}
    models = [model, *(other for other, _ in others)]
    were_training = [one.training for one in models]
    # Those that are computed when they are wanted would all be computed once more for it.
    if isinstance(features, FeaturesOnDemand):
        lengths: list[int] = features.lengths.tolist()
    else:
        lengths = [len(frames) for frames in features]
    for one in models:
        one.eval()
    is_bfloat16 = precision == torch.bfloat16
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=is_bfloat16):
        for indices in bucketed_batches(lengths, BATCH_SIZE, BATCH_FRAMES, None):
            emissions = _emissions(model, features, indices, device)
            if on_emissions is not None:
                on_emissions(indices, emissions)
            if others:
                along = [_emissions(other, heard, indices, device) for other, heard in others]
                decoded = decode_ensemble(decoder, [emissions, *along], n_best)
            else:
                decoded = decoder(emissions, n_best=n_best)
            for index, hypotheses in zip(indices, decoded, strict=True):
                found[index] = hypotheses
                if on_example is not None:
                    on_example()
    for one, was_training in zip(models, were_training, strict=True):
        one.train(was_training)
    return [found[index] for index in range(len(features))]


def _emissions(
    model: Model, features: Sequence[np.ndarray], indices: Sequence[int], device: torch.device
) -> Emissions:
    batch = collate([("", features[i], ()) for i in indices])
    said: Emissions = model(batch.features.to(device), batch.feature_lengths.to(device))
    return said


def evaluate(
    model: Model,
    decoder: Decoder,
    features: Sequence[np.ndarray],
    loaded: Sequence[Loaded],
    device: torch.device,
    on_example: Callable[[], object] | None = None,
    on_emissions: Callable[[list[int], Emissions], object] | None = None,
    precision: torch.dtype = torch.float32,
    unit: CharacterUnit = "character",
    others: Sequence[Heard] = (),
) -> Evaluation:
    """Returns the error rates over `loaded`, whose features are given, with counts summed over the whole set.

    Where the model names every frame, its frame errors are counted as well. The callbacks and `others` are those of
    `decode`, `unit` is what the character error rate counts.
    """
    counts: list[ErrorCounts] = []

    def count_frames(indices: list[int], emissions: Emissions) -> None:
        if on_emissions is not None:
            on_emissions(indices, emissions)
        if not reads_labels:
            return
        best = emissions.log_probs.argmax(dim=-1).tolist()
        for index, path, length in zip(indices, best, emissions.lengths.tolist(), strict=True):
            labels = loaded[index].goal(length)
            wrong = sum(found != label for found, label in zip(path, labels, strict=False))
            counts.append(ErrorCounts(substitutions=wrong, reference_length=length))

    reads_labels = model.objective.reads_labels
    hypotheses = [
        best
        for best, *_ in decode(
            model, decoder, features, device, on_example, count_frames, precision=precision, others=others
        )
    ]
    examples = [item.example for item in loaded]
    references = tuple(example.text or "" for example in examples)
    rates = score(zip(references, (hypothesis.text for hypothesis in hypotheses), strict=True), unit)
    if reads_labels:
        rates = replace(rates, frames=sum(counts, ErrorCounts()))
    ids, groups = tuple(example.id for example in examples), tuple(example.group for example in examples)
    return Evaluation(rates, ids, references, tuple(hypotheses), groups)
