"""Several networks, and several views of an example by each, that read it together (`decoders.ensemble`)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from seqlabel.errors import ConfigError, ManifestError, SeqlabelError
from seqlabel.evaluation import Heard
from seqlabel.loaded import Loaded
from seqlabel.model import Model
from seqlabel.model_file import Header, LoadedModel
from seqlabel.objectives import CtcConfig
from seqlabel.records import Example, Signal, Strokes
from seqlabel.views import View, views_of

Frames = tuple[np.ndarray, ...]
"""The (T, F) array of an example for each member of an ensemble."""


@dataclass(frozen=True, slots=True)
class Member:
    """A network and how it looks at an example."""

    model: Model
    view: View


class Ensemble:
    """One network or several, each at as many views; the first member is the first network at the signal as it is.

    Raises:
        ConfigError: models that cannot read together, or more views than there are.
    """

    def __init__(self, models: Sequence[LoadedModel], num_views: int) -> None:
        self.members = [
            Member(one.model, view) for one in models for view in views_of(one.frontend, num_views)
        ]
        self.frontends = [one.frontend for one in models]
        if len(self.members) > 1:
            _check(models)

    def measure(self, examples: Sequence[Example], on_example: Callable[[], object] | None = None) -> None:
        """Has the front end of each network look at the files of a set before they are read (`Frontend.measure`)."""
        for frontend in self.frontends:
            frontend.measure(examples, on_example)

    def frames(self, example: Example, signal: Signal | None = None) -> Frames:
        """Returns what each member is given of an example.

        Args:
            example: what is read.
            signal: what the first front end has read of it, where it has.

        Raises:
            FormatError: the file cannot be read as what a network's features need.
        """
        signals = {} if signal is None else {id(self.members[0].view.frontend): signal}
        found = []
        for view in (member.view for member in self.members):
            if id(view.frontend) not in signals:
                signals[id(view.frontend)] = view.frontend.read(example)
            found.append(view(signals[id(view.frontend)], example.group))
        return tuple(found)

    def frames_of_ink(self, ink: Strokes) -> Frames:
        """Returns what each member is given of pen ink."""
        return tuple(member.view(ink) for member in self.members)

    def heard_by_others(self, loaded: Sequence[Loaded], on_look: Callable[[], object]) -> list[Heard]:
        """Returns all members but the first, each with what it is given of examples that the first has read.

        Raises:
            ManifestError: one of them cannot read an example.
        """
        first = self.members[0].view.frontend
        for other in self.frontends[1:]:
            other.measure([item.example for item in loaded])
        signals = {id(first): [item.known_signal for item in loaded]}
        fitted = {id(first.normalizer)}
        found: list[Heard] = []
        for model, view in ((member.model, member.view) for member in self.members[1:]):
            frontend, frames, example = view.frontend, list[np.ndarray](), None
            try:
                if id(frontend) not in signals:
                    signals[id(frontend)] = []
                    for example in (item.example for item in loaded):
                        signals[id(frontend)].append(frontend.read(example))
                own = list(zip(signals[id(frontend)], (item.example for item in loaded), strict=True))
                # All views of a network go by the statistics of the first.
                if id(frontend.normalizer) not in fitted:
                    fitted.add(id(frontend.normalizer))
                    frontend.fit_groups((signal, example.group) for signal, example in own)
                for signal, example in own:
                    frames.append(view(signal, example.group))
                    on_look()
            except SeqlabelError as error:
                which = "" if example is None else f"'{example.id}': "
                raise ManifestError(
                    f"{which}{error}; one of the models that read along refuses it"
                ) from error
            found.append((model, frames))
        return found


def _check(models: Sequence[LoadedModel]) -> None:
    """Refuses models that cannot read together.

    Raises:
        ConfigError: one has not learnt by CTC, or has other tokens, or reads other files.
    """
    first = models[0]
    for number, one in enumerate(models, start=1):
        which = "the model" if number == 1 else f"model {number}"
        if not isinstance(one.header.experiment.objective, CtcConfig):
            raise ConfigError(f"{which} has not learnt by CTC, and reads alone and at one view")
        if one.header.tokens != first.header.tokens:
            raise ConfigError(
                f"{which} has other tokens than the first one: {_difference(first.header, one.header)}; models that "
                "read together have learnt the same alphabet"
            )
        if one.frontend.suffixes != first.frontend.suffixes:
            raise ConfigError(
                f"{which} reads {' '.join(sorted(one.frontend.suffixes))}, the first one "
                f"{' '.join(sorted(first.frontend.suffixes))}; models that read together read the same files"
            )


def _difference(first: Header, other: Header) -> str:
    own, others = first.tokens.tokens, other.tokens.tokens
    odd = sorted(set(own) ^ set(others))
    if not odd:
        return "another order, unit or form of them"
    more = f" and {len(odd) - 3} more" if len(odd) > 3 else ""
    return f"{', '.join(map(repr, odd[:3]))}{more} in one of them alone"
