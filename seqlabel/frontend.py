"""From a file to the frames that an encoder reads: signal, feature, normalisation and stacking in one object.

In training the augmentations stand between these steps; everywhere else they are absent.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from seqlabel.augmentations import FeatureAugmentationConfig, SignalAugmentationConfig
from seqlabel.config import Config
from seqlabel.errors import ConfigError
from seqlabel.features import Columns, FeatureConfig
from seqlabel.features.normalization import NormalizationConfig
from seqlabel.features.stacking import StackingConfig, stack
from seqlabel.records import Example, Signal


class FrontendConfig(Config, frozen=True):
    """How a signal becomes frames.

    Attributes:
        feature: the kind of signal and its features.
        normalization: mean and variance over an example, a window, its group or the corpus; None for none.
        stacking: neighbouring frames side by side and subsampling; None for none.
        signal_augmentations, feature_augmentations: random changes, in this order, in training only.
    """

    feature: FeatureConfig
    normalization: NormalizationConfig | None = NormalizationConfig(scope="example")
    stacking: StackingConfig | None = None
    signal_augmentations: tuple[SignalAugmentationConfig, ...] = ()
    feature_augmentations: tuple[FeatureAugmentationConfig, ...] = ()


@dataclass(frozen=True, slots=True)
class Augmentations:
    """Random changes, in the order in which they happen."""

    of_signals: tuple[Callable[[Signal, np.random.Generator], Signal], ...]
    of_features: tuple[Callable[[np.ndarray, np.random.Generator], np.ndarray], ...]


class Frontend:
    """Reads examples and computes their frames.

    Attributes:
        dim: features of each frame that comes out.
        suffixes: kinds of file that it reads.
    """

    def __init__(self, config: FrontendConfig) -> None:
        self.config = config
        self.feature = config.feature.build()
        self.normalizer = config.normalization.build() if config.normalization else None
        self._augmentations: Augmentations | None = None
        self.dim = self.feature.dim * (config.stacking.num_frames if config.stacking else 1)
        self.suffixes = self.feature.suffixes

    def augmentations(self) -> "Augmentations":
        """Returns what changes signals and features in training, built when it is first asked for.

        A model file has the settings of its training in it. The folder of noise that they name is of no use to those
        who read with the model, and reading with it must not open what a stranger has named.

        Raises:
            ConfigError, FormatError: something that they need is missing or wrong.
        """
        if self._augmentations is None:
            self._augmentations = Augmentations(
                tuple(part.build() for part in self.config.signal_augmentations),
                tuple(part.build() for part in self.config.feature_augmentations),
            )
        return self._augmentations

    def augmented(self, signal: Signal, rng: np.random.Generator) -> Signal:
        """Returns a signal as training sees it, changed by all augmentations of signals in their order."""
        for augment in self.augmentations().of_signals:
            signal = augment(signal, rng)
        return signal

    @property
    def is_fitted(self) -> bool:
        """Whether the normalisation takes its statistics over several examples."""
        return self.normalizer is not None and self.normalizer.config.scope in ("group", "corpus")

    @property
    def measures_groups(self) -> bool:
        """Whether the signals of a group are read by what its files have in common (`measure`)."""
        return isinstance(self.feature, Columns) and self.feature.measures_groups

    def measure(self, examples: Iterable[Example], on_example: Callable[[], object] | None = None) -> None:
        """Looks at the files of a set before they are read, where `measures_groups`.

        Args:
            examples: all of the set.
            on_example: called after each.
        """
        if isinstance(self.feature, Columns) and self.feature.measures_groups:
            self.feature.measure(examples, on_example)

    def read(self, example: Example) -> Signal:
        """Returns the signal of an example from its file.

        Raises:
            FormatError: the file cannot be read as what the feature needs.
        """
        return self.feature.read(example)

    def fit(self, examples: Iterable[tuple[Signal, str | None]]) -> None:
        """Learns the statistics of the corpus or of its groups from (signal, group), where the scope has any."""
        if self.normalizer is not None and self.is_fitted:
            self.normalizer.fit((self.feature(signal), group) for signal, group in examples)

    @contextmanager
    def fitting(self, *, of_groups: bool = False) -> Iterator[Callable[[np.ndarray, str | None], None]]:
        """Gives a function that takes the features of one example after the other with its group, as `fit` learns them.

        With `of_groups` as `fit_groups`. The statistics are there when the context ends.
        """
        wanted = ("group",) if of_groups else ("group", "corpus")
        normalizer = self.normalizer
        if normalizer is None or normalizer.config.scope not in wanted:
            yield lambda features, group: None
            return
        running = normalizer.running()
        yield running.add
        running.finish()

    def num_stacked(self, num_frames: int) -> int:
        """Returns how many frames come out for that many frames of the feature."""
        return -(-num_frames // self.config.stacking.step) if self.config.stacking else num_frames

    def fit_groups(self, examples: Iterable[tuple[Signal, str | None]]) -> None:
        """Learns the statistics of the groups of another set, where the scope is the group."""
        if self.normalizer is not None and self.normalizer.config.scope == "group":
            self.fit(examples)

    def statistics(self) -> dict[str, np.ndarray]:
        """Returns the arrays that a model file has to keep."""
        return self.normalizer.state() if self.normalizer is not None else {}

    def set_statistics(self, statistics: dict[str, np.ndarray]) -> None:
        """Takes the arrays that `statistics` gave.

        Raises:
            ConfigError: they are not the arrays that the normalisation needs.
        """
        is_of_corpus = self.normalizer is not None and self.normalizer.config.scope == "corpus"
        expected = {"mean": (self.feature.dim,), "std": (self.feature.dim,)} if is_of_corpus else {}
        found = {name: array.shape for name, array in statistics.items()}
        if found != expected:
            raise ConfigError(
                f"statistics of the normalisation: found {found or 'none'}, expected {expected or 'none'}"
            )
        for name, array in statistics.items():
            if not np.isfinite(array).all() or (name == "std" and array.min() <= 0):
                raise ConfigError(f"statistics of the normalisation: {name} holds what no {name} can be")
        if self.normalizer is not None:
            self.normalizer.set_state(statistics)

    def __call__(
        self, signal: Signal, group: str | None = None, rng: np.random.Generator | None = None
    ) -> Float32[np.ndarray, "T F"]:
        """Returns the frames; augmented when a generator is given."""
        return self.views(signal, group, rng, 1)[0]

    def views(
        self, signal: Signal, group: str | None, rng: np.random.Generator | None, num_views: int
    ) -> list[Float32[np.ndarray, "T F"]]:
        """Returns the frames `num_views` times: one augmented signal, its features augmented anew for each view."""
        changed = signal if rng is None else self.augmented(signal, rng)
        plain = self.feature(changed)
        if self.normalizer is not None:
            follows = self.is_fitted and self.normalizer.config.follows_augmentation and changed is not signal
            plain = self.normalizer(plain, group, self.feature(signal) if follows else None)
        found = []
        for _ in range(num_views):
            features = plain
            if rng is not None:
                for augment_features in self.augmentations().of_features:
                    features = augment_features(features, rng)
            found.append(stack(features, self.config.stacking) if self.config.stacking else features)
        return found
