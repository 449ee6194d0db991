"""Which transcripts are likely to be wrong, as a trained model sees it.

An example is suspect by how much worse its transcript explains the signal than what the model reads itself: the
difference of the two CTC losses, in nats for each token of the transcript. The loss alone is high for whatever is hard
to read; of that the model's own reading has the same share, so that the difference leaves it out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from seqlabel.bars import BarOf, progress
from seqlabel.checks.findings import Place
from seqlabel.ctc import Emissions, ctc_loss
from seqlabel.data import check_targets, read_signals, with_prepared_text
from seqlabel.decoders import GreedyConfig
from seqlabel.errors import ConfigError
from seqlabel.evaluation import decode
from seqlabel.model_file import LoadedModel
from seqlabel.objectives import CtcConfig
from seqlabel.records import Example


@dataclass(frozen=True, slots=True)
class Suspect:
    """An example and how suspect its transcript is.

    Attributes:
        place: of the example.
        score: nats for each token by which the transcript is less probable than what was read; about 0 where the model
            agrees, infinite where the text does not fit the frames that the model has left.
        loss: negative logarithm of the transcript's probability, in nats.
        text: the transcript, as the model learns texts.
        reading: what the model reads (best path).
    """

    place: Place
    score: float
    loss: float
    text: str
    reading: str


@dataclass(frozen=True, slots=True)
class Unranked:
    """An example that the model cannot judge, and why."""

    place: Place
    reason: str


def rank_transcripts(
    loaded: LoadedModel,
    examples: Sequence[tuple[Place, Example]],
    device: torch.device,
    bar_of: BarOf | None = None,
) -> tuple[list[Suspect], list[Unranked]]:
    """Returns all examples, the most suspect first, and those that cannot be judged.

    Args:
        loaded: a model that has learnt by CTC, of these examples or of others alike.
        examples: with their transcripts.
        device: where to compute.
        bar_of: given what is done and for how many examples, shows that in a context.

    Raises:
        ConfigError: the model has not learnt by CTC.
    """
    experiment, tokens = loaded.header.experiment, loaded.header.tokens
    if not isinstance(experiment.objective, CtcConfig):
        raise ConfigError("the model has not learnt by CTC, and ranks no transcripts; take one that has")
    # By number, since two splits may use the same ids.
    places = {str(number): place for number, (place, _) in enumerate(examples)}
    prepared = [
        replace(with_prepared_text(example, experiment.texts, tokens.unit), id=number)
        for number, (_, example) in zip(places, examples, strict=True)
    ]
    frontend = loaded.frontend
    with progress(bar_of, "reading", len(prepared)) as advance:
        found, unreadable = read_signals(prepared, frontend, advance)
    frontend.fit_groups((signal, example.group) for example, signal in found)
    # A text that does not fit its frames has an infinite loss, and comes first.
    items, unfit = check_targets(found, frontend, tokens, lambda *_: None)
    features = [frontend(item.known_signal, item.example.group) for item in items]
    greedy = GreedyConfig().build(tokens)
    losses: dict[int, float] = {}
    readings: dict[int, float] = {}

    def keep(indices: list[int], emissions: Emissions) -> None:
        best = greedy(emissions)
        losses.update(_losses(indices, emissions, [items[index].target for index in indices]))
        readings.update(_losses(indices, emissions, [found[0].token_ids for found in best]))

    with progress(bar_of, "judging", len(items)) as advance:
        hypotheses = decode(loaded.model, greedy, features, device, advance, keep)
    suspects = [
        Suspect(
            places[item.example.id],
            (losses[index] - readings[index]) / len(item.target),
            losses[index],
            item.example.text or "",
            hypotheses[index][0].text,
        )
        for index, item in enumerate(items)
    ]
    suspects.sort(key=lambda suspect: -suspect.score)
    return suspects, [Unranked(places[offender.id], offender.reason) for offender in (*unreadable, *unfit)]


def _losses(
    indices: Sequence[int], emissions: Emissions, targets: Sequence[Sequence[int]]
) -> dict[int, float]:
    lengths = torch.tensor([len(target) for target in targets])
    padded = torch.zeros(len(targets), max(1, int(lengths.max())), dtype=torch.long)
    for row, target in enumerate(targets):
        padded[row, : len(target)] = torch.tensor(target, dtype=torch.long)
    device = emissions.log_probs.device
    found = ctc_loss(emissions, padded.to(device), lengths.to(device)).tolist()
    return dict(zip(indices, found, strict=True))
