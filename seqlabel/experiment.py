"""Everything that decides a training run, in one plain object, and the recipe files that hold one."""

import runpy
import sys
import traceback
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from seqlabel.augmentations import TimeWarpConfig
from seqlabel.config import Config, Count, CountFromZero, FromZero, Positive, Seed, Share
from seqlabel.decoders import DecoderConfig, GreedyConfig
from seqlabel.encoders import EmbeddedConfig, EncoderConfig, RecurrentConfig
from seqlabel.errors import ConfigError, SeqlabelError
from seqlabel.features import SymbolsConfig
from seqlabel.frontend import FrontendConfig
from seqlabel.objectives import CtcConfig, FramewiseConfig, ObjectiveConfig
from seqlabel.overrides import check, override
from seqlabel.schedules import OneCycleConfig, ScheduleConfig
from seqlabel.texts import TextConfig
from seqlabel.tokens import TokenUnit


class DataConfig(Config, frozen=True):
    """The manifests, their texts and the batches made of them.

    Attributes:
        directory: folder of the manifests when `--data-dir` is not given.
        train, dev: manifests, relative to the data folder; several training manifests are joined. Without `dev` a
            share of the training groups (speakers, writers, pages) is set apart for it.
        dev_share: of the examples, that is set apart at least.
        group_pattern: a regular expression whose first group, found in the name of a page or in another example's id,
            is the example's group; None for the groups of the manifest. With `(.*)-` the pages `letter-1` and
            `letter-2` are of one group.
        token_unit: what a token is: a character, a grapheme (a character with its marks), or a word between white space
            (phones).
        offenders: what to do with training examples that cannot be learnt from (unreadable, without text,
            target longer than its frames): refuse to start, or leave them out, counted and named.
        join_share: probability with which another training example of the same group, drawn anew in each epoch, is
            joined to the end of an example, a space between their texts where the texts have any; together they are
            no longer than the longest example. Examples without a group are joined to each other. For CTC alone.
        auxiliary: manifests of other examples, such as drawn lines or another corpus, that are learnt from as well, but
            in the first epochs only. Their tokens are in the table too, and statistics over the corpus count them.
        auxiliary_share: how many of them the first epoch sees, as a share of the number of training examples; from
            then on there are fewer in each, drawn anew.
        auxiliary_epochs: after how many there are none.
        batch_size: most examples in a batch.
        batch_frames: most frames in a batch, padding included.
        shortest_first: epochs at the beginning in which the batches come by length, the shortest first (SortaGrad, for
            one epoch: Amodei et al., "Deep Speech 2", ICML 2016, section 3.2).
        kept_megabytes: of signals that are kept in memory, in millions of bytes for each process; what goes beyond it
            is read from its file again when it is needed. It does not change what is learnt.
    """

    directory: str
    train: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)] = ("train.jsonl",)
    dev: str | None = "dev.jsonl"
    dev_share: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.1
    group_pattern: str | None = None
    token_unit: TokenUnit = "character"
    offenders: Literal["refuse", "leave_out"] = "refuse"
    join_share: Share = 0.0
    auxiliary: tuple[str, ...] = ()
    auxiliary_share: Positive = 1.0
    auxiliary_epochs: Count = 10
    batch_size: Count = 16
    batch_frames: Count = 16000
    shortest_first: CountFromZero = 0
    kept_megabytes: FromZero = 1000.0


class TrainingConfig(Config, frozen=True):
    """The optimisation.

    Attributes:
        num_epochs: passes over the training examples at most.
        learning_rate: the highest of the schedule.
        schedule: how the learning rate moves.
        weight_decay: decoupled, for matrices and filters only (not for biases and norms).
        gradient_clip: largest norm of the gradient.
        weight_noise: standard deviation of the noise that is added to matrices and filters while the gradient of a step
            is computed (Graves 2011; 0.075 in Graves, Mohamed, Hinton 2013).
        consistency: weight of the agreement between two views of each example, which the feature augmentations and
            dropout make different, or what is masked and dropped above the stem of an encoder that has one (CR-CTC,
            Yao et al. 2025, where it is 0.2); a step then takes up to twice the time. 0 for one view.
        minimum_risk: weight of the expected number of wrong tokens (insertions, deletions, substitutions) of paths
            drawn from the emissions, which is added to the loss (Graves and Jaitly 2014; 3 in
            recipes/poilus/third.py); for models that can read already, with CTC alone. The loss that is told of an
            epoch is that without it. 0 for none.
        guide: a model file at whose frames this model is to have its tokens, so that `seqlabel merge` can make one
            model of both (Kurata and Audhkhasi 2019); it has the same features, tokens and training data. For CTC
            alone. The loss that is told of an epoch is that without it.
        guide_weight: of the probabilities given to the guide's tokens at their frames, which are taken off the loss.
        label_smoothing: weight of a second aim, that in each frame all tokens be equally likely, which keeps the model
            from being too sure; the texts have the rest of 1 (Kim et al. 2018).
        average_decay: decay of the exponential moving average of the weights, which is what is evaluated and
            kept; None for the weights themselves.
        patience: optimiser steps without a better dev error after which training stops, looked at after each
            epoch; None for never.
        init_from: a model file whose weights the new model begins with, as far as they fit, those of tokens by name.
        frozen_steps: at the beginning of such a run, in which the stem (another encoder as a whole) stays as it is.
        seed: of weights, order, augmentation and dropout.
        precision: of the encoder's arithmetic; `auto` takes bfloat16 where the processor has it and a timed
            step is faster so. The loss is always computed in float32.
        num_threads: of the arithmetic on a CPU; None for as many as make a timed step fastest.
        checkpoint_seconds: a checkpoint is written after every epoch, and within long ones this often. It does not
            change what is learnt.
    """

    num_epochs: Count = 40
    learning_rate: Positive = 2e-3
    schedule: ScheduleConfig = OneCycleConfig()
    weight_decay: FromZero = 0.01
    gradient_clip: Positive = 5.0
    weight_noise: FromZero = 0.0
    consistency: FromZero = 0.0
    minimum_risk: FromZero = 0.0
    guide: str | None = None
    guide_weight: Positive = 1.0
    label_smoothing: Share = 0.0
    average_decay: Share | None = 0.995
    patience: Count | None = None
    init_from: str | None = None
    frozen_steps: CountFromZero = 0
    seed: Seed = 1
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    num_threads: Count | None = None
    checkpoint_seconds: FromZero = 120.0


class ExperimentConfig(Config, frozen=True):
    """One training run: a recipe binds one of these to `config`.

    Raises:
        ConfigError: parts that do not go together.
    """

    name: str
    data: DataConfig
    frontend: FrontendConfig
    encoder: EncoderConfig
    objective: ObjectiveConfig = CtcConfig()
    decoder: DecoderConfig = GreedyConfig()
    texts: TextConfig = TextConfig()
    training: TrainingConfig = TrainingConfig()

    def __post_init__(self) -> None:
        feature = self.frontend.feature
        if isinstance(feature, SymbolsConfig) != isinstance(self.encoder, EmbeddedConfig):
            raise ConfigError(
                "symbols and embedded go together: one makes numbers of symbols, the other reads them"
            )
        if isinstance(feature, SymbolsConfig) and isinstance(self.encoder, EmbeddedConfig):
            if len(feature.table) != self.encoder.num_symbols:
                raise ConfigError(
                    f"encoder.num_symbols {self.encoder.num_symbols}: the table has {len(feature.table)} symbols"
                )
            if self.frontend.normalization is not None or self.frontend.stacking is not None:
                raise ConfigError("symbols are neither normalised nor stacked; set both to None")
        if self.data.join_share and not isinstance(self.objective, CtcConfig):
            raise ConfigError(
                "data.join_share: two examples joined have one text, but neither one label nor one alignment; "
                "set it to 0, or train with CTC"
            )
        if self.training.minimum_risk and not isinstance(self.objective, CtcConfig):
            raise ConfigError(
                "training.minimum_risk: counts the errors of CTC's paths; set it to 0, or train with CTC"
            )
        if self.training.guide is not None and not isinstance(self.objective, CtcConfig):
            raise ConfigError(
                "training.guide: shows where CTC's tokens are to stand; set it to None, or train with CTC"
            )
        warps = any(isinstance(part, TimeWarpConfig) for part in self.frontend.feature_augmentations)
        if warps and isinstance(self.objective, FramewiseConfig):
            raise ConfigError(
                "time_warp: moves what the frames say, and the labels of the objective framewise stay where they are; "
                "leave it out"
            )
        if self.texts.reading_order == "visual":
            if self.data.token_unit == "word":
                raise ConfigError(
                    "texts.reading_order visual: words have no visual order; "
                    "set data.token_unit to character or grapheme"
                )
            if not isinstance(self.objective, CtcConfig):
                raise ConfigError(
                    "texts.reading_order visual: for the objective ctc alone, since the others learn labels; "
                    "leave it out"
                )
        delay = self.objective.delay if isinstance(self.objective, FramewiseConfig) else 0
        if delay and not isinstance(self.encoder, RecurrentConfig):
            raise ConfigError(
                f"objective.delay {delay}: for recurrent encoders alone, since a stem changes the number of frames; "
                "leave it out"
            )


def load_recipe(path: Path, overrides: list[str] | None = None) -> ExperimentConfig:
    """Returns the `config` of a recipe file, with command-line overrides (`--training.seed 2`) applied.

    Raises:
        ConfigError: no such file, no `config` in it, the file does not run, or an override or a file of rules is
            wrong.
    """
    if not path.is_file():
        raise ConfigError(
            f"{path}: no such recipe; give the path of a Python file, such as recipes/an4/an4.py"
        )
    # A recipe may import its neighbours (`from recipes.an4.an4 import config`): Python has to look beside `recipes`.
    parents = path.resolve().parents
    root = str(next((parent.parent for parent in parents if parent.name == "recipes"), parents[0]))
    sys.path.insert(0, root)
    try:
        bound = runpy.run_path(str(path))
    except Exception as error:
        what = (
            str(error) if isinstance(error, SeqlabelError) else f"{type(error).__name__}: {_message(error)}"
        )
        raise ConfigError(f"{_place(path, error)}: {what}; correct the recipe") from error
    finally:
        sys.path.remove(root)
    config = bound.get("config")
    if not isinstance(config, ExperimentConfig):
        found = f"`config` is a {type(config).__name__}" if "config" in bound else "it binds no `config`"
        raise ConfigError(f"{path}: not a recipe, since {found}; expected `config = ExperimentConfig(...)`")
    try:
        check(config)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}; correct the recipe") from error
    config = override(config, overrides or [])
    return msgspec.structs.replace(config, texts=config.texts.with_file())


def data_folder(recipe: Path, config: ExperimentConfig, given: Path | None) -> Path:
    """Returns the folder of a recipe's manifests: the one that is given, or its own.

    Raises:
        ConfigError: it is not there, or lacks a manifest; the message says how the corpus is prepared.
    """
    folder = given or Path(config.data.directory)
    prepare = "as the recipe's README says"
    if recipe.resolve().parent.parent.name == "recipes":
        prepare = f"with `python -m data_prep.{recipe.resolve().parent.name} {folder}`"
    if not folder.is_dir():
        raise ConfigError(f"{folder}: no such data folder; prepare the corpus {prepare}, or give --data-dir")
    for name in (*config.data.train, *([config.data.dev] if config.data.dev else []), *config.data.auxiliary):
        is_pattern = any(character in name for character in "*?[")  # what it stands for, its reader tells
        if not is_pattern and not (folder / name).exists():
            if name in config.data.auxiliary:
                raise ConfigError(
                    f"{folder}: has no {name}, of which a part is learnt from at first; make it as the recipe's README "
                    "says, or go without it: --data.auxiliary '[]'"
                )
            raise ConfigError(
                f"{folder}: has no {name}; prepare the corpus {prepare}, or give another --data-dir"
            )
    return folder


def _place(path: Path, error: Exception) -> str:
    """The file and line of an error that a recipe raised."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    lines = [
        frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)
    ]
    return f"{path}:{lines[-1]}" if lines else str(path)


def _message(error: Exception) -> str:
    return error.msg if isinstance(error, SyntaxError) else str(error)
