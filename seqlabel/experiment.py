"""Everything that decides a training run, in one plain object, and the recipe files that hold one."""

import runpy
import sys
from pathlib import Path
from typing import Literal

from seqlabel.config import Config
from seqlabel.decoders import DecoderConfig, GreedyConfig
from seqlabel.encoders import EncoderConfig
from seqlabel.errors import ConfigError, SeqlabelError
from seqlabel.frontend import FrontendConfig
from seqlabel.schedules import OneCycleConfig, ScheduleConfig
from seqlabel.tokens import TokenUnit


class DataConfig(Config, frozen=True):
    """The manifests, their texts and the batches made of them.

    Attributes:
        directory: folder of the manifests when `--data-dir` is not given.
        train, dev: manifests, relative to the data folder; several training manifests are joined.
        token_unit: what a token is: a character, or a word between white space (phones).
        offenders: what to do with training examples that cannot be learnt from (unreadable, without text,
            target longer than its frames): refuse to start, or leave them out, counted and named.
        batch_size: most examples in a batch.
        batch_frames: most frames in a batch, padding included.
    """

    directory: str
    train: tuple[str, ...] = ("train.jsonl",)
    dev: str = "dev.jsonl"
    token_unit: TokenUnit = "character"
    offenders: Literal["refuse", "leave_out"] = "refuse"
    batch_size: int = 16
    batch_frames: int = 16000


class TrainingConfig(Config, frozen=True):
    """The optimisation.

    Attributes:
        num_epochs: passes over the training examples at most.
        learning_rate: the highest of the schedule.
        schedule: how the learning rate moves.
        weight_decay: decoupled, for matrices and filters only (not for biases and norms).
        gradient_clip: largest norm of the gradient.
        average_decay: decay of the exponential moving average of the weights, which is what is evaluated and
            kept; None for the weights themselves.
        patience: epochs without a better dev CER after which training stops; None for never.
        seed: of weights, order, augmentation and dropout.
        precision: of the encoder's arithmetic; `auto` takes bfloat16 where the processor has it and a timed
            step is faster so. The loss is always computed in float32.
        num_threads: of the arithmetic on a CPU; None for all cores.
    """

    num_epochs: int = 40
    learning_rate: float = 2e-3
    schedule: ScheduleConfig = OneCycleConfig()
    weight_decay: float = 0.01
    gradient_clip: float = 5.0
    average_decay: float | None = 0.995
    patience: int | None = None
    seed: int = 1
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    num_threads: int | None = None


class ExperimentConfig(Config, frozen=True):
    """One training run: a recipe binds one of these to `config`."""

    name: str
    data: DataConfig
    frontend: FrontendConfig
    encoder: EncoderConfig
    decoder: DecoderConfig = GreedyConfig()
    training: TrainingConfig = TrainingConfig()


def load_recipe(path: Path, overrides: list[str] | None = None) -> ExperimentConfig:
    """Returns the `config` of a recipe file, with command-line overrides (`--training.seed 2`) applied.

    Raises:
        ConfigError: no such file, no `config` in it, the file does not run, or an override is wrong.
    """
    if not path.is_file():
        raise ConfigError(
            f"{path}: no such recipe; give the path of a Python file, such as recipes/an4/an4.py"
        )
    # A recipe may import its neighbours (`from recipes.an4.an4 import config`): the folder above the first
    # package on its path is where Python has to look.
    root = path.resolve().parent
    while (root / "README.md").is_file() and root.parent.name == "recipes":
        root = root.parent
    root = root.parent if root.name == "recipes" else root
    sys.path.insert(0, str(root))
    try:
        bound = runpy.run_path(str(path))
    except SeqlabelError:
        raise
    except Exception as error:
        raise ConfigError(f"{path}: the recipe does not run: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(str(root))
    config = bound.get("config")
    if not isinstance(config, ExperimentConfig):
        raise ConfigError(f"{path}: found {type(config).__name__}, expected `config = ExperimentConfig(...)`")
    return override(config, overrides or [])


def override(config: ExperimentConfig, arguments: list[str]) -> ExperimentConfig:
    """Returns the configuration with settings replaced: `["--training.num-epochs", "3"]`.

    Raises:
        ConfigError: an unknown setting, or a value of the wrong type.
    """
    if not arguments:
        return config
    import tyro

    try:
        return tyro.cli(
            tyro.conf.AvoidSubcommands[ExperimentConfig],
            default=config,
            args=arguments,
            prog="seqlabel train RECIPE.py",
            console_outputs=False,
            exit_on_error=False,
        )
    except Exception as error:
        raise ConfigError(str(error)) from error
