"""A trained model at work: files in, text and error rates out."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from seqlabel.bars import BarOf, progress
from seqlabel.calibration import Reliability, Verdict, judge
from seqlabel.ctc import Emissions, align, runs
from seqlabel.data import (
    Offender,
    check_targets,
    describe_offenders,
    keep_for_scoring,
    read_signals,
    with_prepared_text,
)
from seqlabel.decoders import Beam, BeamConfig, Decoder, DecoderConfig, GreedyConfig, path_spans
from seqlabel.decoders.search import PRONOUNCED
from seqlabel.devices import choose_device, prepare_arithmetic
from seqlabel.ensemble import Ensemble, Frames
from seqlabel.errors import ConfigError, ManifestError, SeqlabelError
from seqlabel.evaluation import Evaluation, Heard, decode, evaluate
from seqlabel.formats import AUDIO_SUFFIXES, audio_seconds
from seqlabel.language_model import LanguageModels
from seqlabel.long_recordings import LONG_SECONDS, Stretch, merged, read_long, reads_long
from seqlabel.manifest import read_manifest, without_untold_lines
from seqlabel.metrics import CharacterUnit, ErrorRates
from seqlabel.model_file import Header, LoadedModel, load_model
from seqlabel.objectives import CtcConfig
from seqlabel.records import Example, Hypothesis, Signal, Span
from seqlabel.texts import changes

CHUNK = 64
"""Files that are read before a batch is decoded: bounds the memory, and the wait, whatever the number of files."""


Features = list[Frames | SeqlabelError]
Precision = Literal["float32", "bfloat16"]


def named(path: Path, error: SeqlabelError) -> SeqlabelError:
    """Returns an error that says which file it is about."""
    return error if str(path) in str(error) else type(error)(f"{path}: {error}")


def keeper(kept: dict[int, np.ndarray]) -> Callable[[list[int], Emissions], None]:
    """Returns what puts the (T, C) emissions of each example, told to it in batches, beside the example's index."""

    def keep(indices: list[int], emissions: Emissions) -> None:
        log_probs = emissions.log_probs.cpu().numpy()
        for index, frames, length in zip(indices, log_probs, emissions.lengths.tolist(), strict=True):
            kept[index] = frames[:length].copy()

    return keep


@dataclass(frozen=True, slots=True)
class Aligned:
    """An example and the most probable path of its text.

    Attributes:
        example, signal: what it is, its text as the model learns texts.
        path: a token id or the blank for each frame of emissions.
        spans: the tokens with their frames and confidences.
    """

    example: Example
    signal: Signal
    path: tuple[int, ...]
    spans: tuple[Span, ...]


class Recognizer:
    """Reads files with a trained model, or with several together.

    Example:
        >>> recognizer = Recognizer.load("runs/an4/best.safetensors")  # doctest: +SKIP
        >>> recognizer.transcribe("line.png")  # doctest: +SKIP
        'CEST MON TESTAMENT'
    """

    def __init__(
        self,
        loaded: LoadedModel,
        device: str = "auto",
        decoder: DecoderConfig | None = None,
        language: LanguageModels | None = None,
        precision: Precision = "float32",
        others: Sequence[LoadedModel] = (),
        num_views: int = 1,
    ) -> None:
        self.loaded = loaded
        self.ensemble = Ensemble([loaded, *others], num_views)
        self.device = choose_device(device)
        self.precision: torch.dtype = getattr(torch, precision)
        self.calibration = loaded.header.calibration
        config = loaded.header.experiment.decoder if decoder is None else decoder
        if decoder is None and len(self.ensemble.members) > 1 and isinstance(config, GreedyConfig):
            config = BeamConfig()
        self.decoder = config.build(loaded.header.tokens, loaded.language if language is None else language)

    @classmethod
    def load(
        cls,
        path: str | Path,
        device: str = "auto",
        decoder: DecoderConfig | None = None,
        language: LanguageModels | None = None,
        precision: Precision = "float32",
        others: Sequence[str | Path] = (),
        num_views: int = 1,
    ) -> "Recognizer":
        """Returns the recogniser of a model file.

        Args:
            path: the file.
            device: where to compute.
            decoder: how to read, in place of what the file says; several networks or views that nobody says it of are
                read by a beam in the place of the best path, which proposes one text alone.
            language: the language models, in place of those in the file.
            precision: of the encoder's arithmetic.
            others: model files with the same tokens, which read along (`decode_ensemble`).
            num_views: how often each network looks at an example (`views_of`).

        Raises:
            ModelFileError: a file is not a whole model.
            ConfigError: the device is not there, a language model is of something else, models that cannot read
                together, or more views than there are.
        """
        prepare_arithmetic(None)
        first, *along = (load_model(Path(name), choose_device(device)) for name in (path, *others))
        return cls(first, device, decoder, language, precision, along, num_views)

    @property
    def header(self) -> Header:
        """What the model file says of itself."""
        return self.loaded.header

    @property
    def suffixes(self) -> frozenset[str]:
        """The kinds of file that the model reads, as lower-case suffixes with their dot."""
        return self.loaded.frontend.suffixes

    def transcribe(self, path: str | Path) -> str:
        """Returns the text of one file.

        Raises:
            FormatError: the file cannot be read as what the model's features need.
        """
        [(_, result)] = self.transcribe_files([Path(path)])
        if isinstance(result, SeqlabelError):
            raise result
        return result.text

    def transcribe_files(self, paths: Sequence[Path]) -> Iterator[tuple[Path, Hypothesis | SeqlabelError]]:
        """Yields each path with its best hypothesis, or with the error that kept it from being read, in order."""
        for path, result in self.read_files(paths):
            yield path, result if isinstance(result, SeqlabelError) else result[0]

    def read_files(
        self, paths: Sequence[Path], n_best: int = 1, bar_of: BarOf | None = None
    ) -> Iterator[tuple[Path, list[Hypothesis] | SeqlabelError]]:
        """Yields each path with its best hypotheses, or with the error that kept it from being read, in order.

        Of a long recording (`long_recordings.LONG_SECONDS`) there is one, put together of stretches between pauses.
        `bar_of` is as for `evaluate`, and shows how many of its seconds have been read.
        """
        # The next files are read in a thread while the network works on those before.
        waiting: deque[tuple[list[Path], Future[Features]]] = deque()
        pool = ThreadPoolExecutor(max_workers=1)
        try:
            for chunk, is_long in self.chunks(paths):
                if not is_long:
                    waiting.append((chunk, pool.submit(self._features, chunk)))
                while len(waiting) > (0 if is_long else 1):
                    yield from self._read_chunk(*waiting.popleft(), n_best)
                if is_long:
                    yield from self._read_long_ones(chunk, bar_of)
            while waiting:
                yield from self._read_chunk(*waiting.popleft(), n_best)
        finally:
            pool.shutdown(cancel_futures=True)

    def _read_long_ones(
        self, paths: Sequence[Path], bar_of: BarOf | None
    ) -> Iterator[tuple[Path, list[Hypothesis] | SeqlabelError]]:
        for path in paths:
            try:
                yield path, [self.put_together(self.read_long(path, bar_of))]
            except SeqlabelError as error:
                yield path, named(path, error)

    def _read_chunk(
        self, paths: Sequence[Path], features: Future[Features], n_best: int
    ) -> Iterator[tuple[Path, list[Hypothesis] | SeqlabelError]]:
        found = features.result()
        decoded = iter(self.read_frames([part for part in found if isinstance(part, tuple)], n_best))
        for path, part in zip(paths, found, strict=True):
            yield path, list(map(self.calibrated, next(decoded))) if isinstance(part, tuple) else part

    def _features(self, paths: Sequence[Path]) -> Features:
        """Returns the features of each file, or why it cannot be read."""
        found: Features = []
        for path in paths:
            try:
                found.append(self.ensemble.frames(Example(id=str(path), source=path)))
            except SeqlabelError as error:
                found.append(named(path, error))
        return found

    def chunks(self, paths: Sequence[Path]) -> Iterator[tuple[list[Path], bool]]:
        """Yields the files in their order, several short ones together, each long recording alone, and which it is.

        Hours of sound are not waited for with what was read before them.
        """
        short: list[Path] = []
        for path in paths:
            is_long = self.is_long(path)
            if short and (is_long or len(short) == CHUNK):
                yield short, False
                short = []
            if is_long:
                yield [path], True
            else:
                short.append(path)
        if short:
            yield short, False

    def is_long(self, path: Path) -> bool:
        """Tells whether a file is a recording that is read in stretches; what cannot be opened is none."""
        if path.suffix.lower() not in AUDIO_SUFFIXES or not reads_long(self.loaded):
            return False
        try:
            return audio_seconds(path) > LONG_SECONDS
        except SeqlabelError:
            return False

    def read_long(self, path: Path, bar_of: BarOf | None = None) -> Iterator[Stretch]:
        """Yields what is read in a recording of any length, stretch by stretch, in bounded memory.

        Args:
            path: a file that libsndfile reads.
            bar_of: as for `read_files`.

        Raises:
            FormatError: the file cannot be read, also where damage is met half way.
            ConfigError: several networks or views are to read it.
        """
        if len(self.ensemble.members) > 1:
            raise ConfigError(
                f"{path}: lasts more than {LONG_SECONDS:g} s and is read in stretches, by one model at one view; leave "
                "--with and --views out"
            )
        with progress(bar_of, f"reading {path.name}, seconds", round(audio_seconds(path))) as advance:
            shown = 0

            def on_seconds(seconds: float) -> None:
                nonlocal shown
                for _ in range(int(seconds) - shown):
                    advance()
                shown = max(shown, int(seconds))

            found = read_long(self.loaded, self.decoder, self.device, self.precision, path, on_seconds)
            for stretch in found:
                yield replace(stretch, hypothesis=self.calibrated(stretch.hypothesis))

    def put_together(self, stretches: Iterable[Stretch]) -> Hypothesis:
        """Returns the stretches of a recording as one hypothesis."""
        by_sound = isinstance(self.decoder, Beam) and self.decoder.kind == PRONOUNCED
        return merged(stretches, self.header.tokens, has_whole_words=by_sound)

    def read_frames(
        self,
        frames: Sequence[Frames],
        n_best: int = 1,
        on_example: Callable[[], object] | None = None,
        on_emissions: Callable[[list[int], Emissions], object] | None = None,
    ) -> list[list[Hypothesis]]:
        """Returns the best hypotheses of each example, with the networks' confidences, which nothing has calibrated.

        The callbacks are those of `decode`; emissions are those of the first network at the first view.
        """
        others = [
            (member.model, [each[turn] for each in frames])
            for turn, member in enumerate(self.ensemble.members)
            if turn
        ]
        return decode(
            self.loaded.model,
            self.decoder,
            [each[0] for each in frames],
            self.device,
            on_example,
            on_emissions,
            n_best,
            self.precision,
            others,
        )

    def calibrated(self, hypothesis: Hypothesis) -> Hypothesis:
        """Returns a hypothesis of the decoder with the confidences that the model file has learnt to give."""
        return hypothesis if self.calibration is None else self.calibration.applied(hypothesis)

    def align(
        self,
        manifest: str | Path | Sequence[Example],
        bar_of: BarOf | None = None,
        label_prior: float = 0.0,
    ) -> tuple[list[Example], list[Offender]]:
        """Returns the examples with labels out of the best path of their texts, and those that cannot be aligned.

        A blank frame belongs half to the token on each side, and lengths are in frames of emissions.

        Args:
            manifest: as for `evaluate`.
            bar_of: as for `evaluate`.
            label_prior: as for `aligned`.

        Raises:
            ConfigError: the model has not learnt by CTC.
        """
        found, offenders = self.aligned(manifest, bar_of, label_prior)
        names = self.header.tokens.tokens
        examples = []
        for one in found:
            labels = tuple((names[token], float(count)) for token, count in runs(one.path))
            examples.append(replace(one.example, labels=labels))
        return examples, offenders

    def aligned(
        self,
        manifest: str | Path | Sequence[Example],
        bar_of: BarOf | None = None,
        label_prior: float = 0.0,
    ) -> tuple[list[Aligned], list[Offender]]:
        """Returns the best path of the text of each example, and the examples that cannot be aligned.

        Args:
            manifest: as for `evaluate`.
            bar_of: as for `evaluate`.
            label_prior: the share of the logarithm of each token's mean probability, the blank's included, over all
                frames of the manifest that is taken off first (Huang et al., "Less peaky and more accurate CTC forced
                alignment by label priors", ICASSP 2024): the blank, which is probable everywhere, gives way.

        Raises:
            ConfigError: the model has not learnt by CTC.
        """
        if not isinstance(self.header.experiment.objective, CtcConfig):
            raise ConfigError("the model has not learnt by CTC, and aligns nothing; take one that has")
        given = read_manifest(Path(manifest)) if isinstance(manifest, str | Path) else list(manifest)
        frontend, tokens = self.loaded.frontend, self.header.tokens
        texts = self.header.experiment.texts
        examples = [
            example if example.text is None else replace(example, text=texts.prepare(example.text))
            for example in given
        ]
        with progress(bar_of, "reading", len(examples)) as on_example:
            found, offenders = read_signals(examples, frontend, on_example)
        frontend.fit_groups((signal, example.group) for example, signal in found)
        loaded, others = check_targets(found, frontend, tokens, self.loaded.model.obstacle)
        kept: dict[int, np.ndarray] = {}
        paths: dict[int, Aligned] = {}

        def put(index: int, log_probs: np.ndarray, log_prior: np.ndarray | float = 0.0) -> None:
            item = loaded[index]
            path = align(log_probs - log_prior, item.target)
            spans = path_spans(log_probs[np.arange(len(path)), path], path, tokens)
            paths[index] = Aligned(item.example, item.known_signal, tuple(path), spans)

        def keep(indices: list[int], emissions: Emissions) -> None:
            log_probs = emissions.log_probs.cpu().numpy()
            for index, frames, length in zip(indices, log_probs, emissions.lengths.tolist(), strict=True):
                if label_prior:
                    kept[index] = frames[:length].copy()
                else:
                    put(index, frames[:length])

        features = [frontend(item.known_signal, item.example.group) for item in loaded]
        with progress(bar_of, "aligning", len(loaded)) as on_example:
            greedy = GreedyConfig().build(tokens)
            decode(self.loaded.model, greedy, features, self.device, on_example, keep)
        if kept:
            total = sum(np.exp(frames).sum(axis=0, dtype=np.float64) for frames in kept.values())
            prior = np.log(np.maximum(total / np.sum(total), np.finfo(np.float32).tiny))
            for index in range(len(loaded)):
                put(index, kept.pop(index), label_prior * prior)
        return [paths[index] for index in range(len(loaded))], offenders + others

    def heard(
        self, examples: Sequence[Example], bar_of: BarOf | None = None
    ) -> tuple[list[np.ndarray], list[Offender]]:
        """Returns the (T, C) emissions of examples whose texts need not be known, and those that cannot be read.

        Args:
            examples: what is read.
            bar_of: as for `evaluate`.

        Raises:
            ConfigError: the model has not learnt by CTC.
        """
        if not isinstance(self.header.experiment.objective, CtcConfig):
            raise ConfigError("the model has not learnt by CTC, and emits no tokens; take one that has")
        frontend = self.loaded.frontend
        with progress(bar_of, "reading", len(examples)) as on_example:
            found, offenders = read_signals(examples, frontend, on_example)
        frontend.fit_groups((signal, example.group) for example, signal in found)
        kept: dict[int, np.ndarray] = {}
        with progress(bar_of, "hearing", len(found)) as on_example:
            features = [frontend(signal, example.group) for example, signal in found]
            greedy = GreedyConfig().build(self.header.tokens)
            decode(self.loaded.model, greedy, features, self.device, on_example, keeper(kept))
        return [kept[index] for index in range(len(found))], offenders

    def emissions(
        self, manifest: str | Path | Sequence[Example], bar_of: BarOf | None = None
    ) -> tuple[list[str], list[np.ndarray], ErrorRates]:
        """Returns the references of a manifest, the (T, C) emissions of each example, and the rates of the best paths.

        Args:
            manifest: as for `evaluate`.
            bar_of: as for `evaluate`.

        Raises:
            ManifestError: as for `evaluate`.
        """
        kept: dict[int, np.ndarray] = {}
        decoder = self.header.experiment.decoder
        greedy = (decoder if isinstance(decoder, GreedyConfig) else GreedyConfig()).build(self.header.tokens)
        found = self._evaluate(manifest, bar_of, greedy, keeper(kept), together=False)
        return list(found.references), [kept[index] for index in range(len(kept))], found.rates

    def evaluate(
        self,
        manifest: str | Path | Sequence[Example],
        bar_of: BarOf | None = None,
        unit: CharacterUnit = "character",
    ) -> Evaluation:
        """Returns the error rates over a manifest (its path, or examples) and every hypothesis.

        References are brought into the form of the training texts first, the model's rules included.

        Args:
            manifest: what is read, with its references.
            bar_of: given what is done and for how many examples, shows that in a context; the function that
                the context gives is called after each example.
            unit: what the character error rate counts.

        Raises:
            ManifestError: an example has no reference, or a file cannot be read; nothing is left out in silence.
        """
        found = self._evaluate(manifest, bar_of, self.decoder, None, unit)
        return replace(found, hypotheses=tuple(map(self.calibrated, found.hypotheses)))

    def reliability(self, found: Evaluation) -> Reliability | None:
        """Returns how far the confidences of an evaluation came true; None where the model tells none."""
        if not isinstance(self.header.experiment.objective, CtcConfig):
            return None
        return Reliability.of(self.header.tokens, found.references, found.hypotheses, self.calibration)

    def verdict(self, manifest: str | Path | Sequence[Example], bar_of: BarOf | None = None) -> Verdict:
        """Returns how often the decoder is right, beside the confidences that it has on its own.

        Args:
            manifest: as for `evaluate`.
            bar_of: as for `evaluate`.

        Raises:
            ManifestError: as for `evaluate`.
            ConfigError: the model has not learnt by CTC.
        """
        if not isinstance(self.header.experiment.objective, CtcConfig):
            raise ConfigError("the model has not learnt by CTC, and tells no confidences; take one that has")
        found = self._evaluate(manifest, bar_of, self.decoder, None)
        return judge(self.header.tokens, zip(found.references, found.hypotheses, strict=True))

    def _evaluate(
        self,
        manifest: str | Path | Sequence[Example],
        bar_of: BarOf | None,
        decoder: Decoder,
        on_emissions: Callable[[list[int], Emissions], object] | None,
        unit: CharacterUnit = "character",
        *,
        together: bool = True,
    ) -> Evaluation:
        texts, reads_labels = self.header.experiment.texts, self.loaded.model.objective.reads_labels
        given = read_manifest(Path(manifest)) if isinstance(manifest, str | Path) else manifest
        told = without_untold_lines(given)
        examples = [with_prepared_text(example, texts, self.header.tokens.unit) for example in told]
        where = manifest if isinstance(manifest, str | Path) else "examples"
        untold = [example.id for example in examples if example.text is None]
        if untold:
            raise ManifestError(
                f"{where}: {len(untold)} of {len(examples)} examples have no text, first '{untold[0]}'; "
                "`seqlabel transcribe` reads files without references"
            )
        frontend = self.loaded.frontend
        with progress(bar_of, "reading", len(examples)) as on_example:
            found, offenders = read_signals(examples, frontend, on_example)
        if offenders:
            raise ManifestError(f"{where}: {describe_offenders(offenders, len(examples))}")
        frontend.fit_groups((signal, example.group) for example, signal in found)
        try:
            loaded = keep_for_scoring(found, frontend, self.header.tokens, reads_labels=reads_labels)
        except ManifestError as error:
            raise ManifestError(f"{where}: {error}") from error
        others: list[Heard] = []
        if together and len(self.ensemble.members) > 1:
            with progress(
                bar_of, "looking again", len(examples) * (len(self.ensemble.members) - 1)
            ) as on_look:
                try:
                    others = self.ensemble.heard_by_others(loaded, on_look)
                except ManifestError as error:
                    raise ManifestError(f"{where}: {error}") from error
        with progress(bar_of, "decoding", len(examples)) as on_example:
            features = [frontend(item.known_signal, item.example.group) for item in loaded]
            evaluation = evaluate(
                self.loaded.model,
                decoder,
                features,
                loaded,
                self.device,
                on_example,
                on_emissions,
                self.precision,
                unit,
                others,
            )
        changed = changes(texts, ((example.id, example.text) for example in told if example.text is not None))
        return replace(evaluation, num_untold=len(given) - len(examples), changes=changed)
