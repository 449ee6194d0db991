"""The folder of a run: what lies in it under which name, and how it is opened to begin or to go on.

`config.json` holds the settings, `checkpoint.safetensors` the state of the unfinished run, `best.safetensors` and
`last.safetensors` models, `guide.safetensors` the guide of a run that has one, `metrics.jsonl` and `train.log` figures
and words of each epoch. What the checkpoint or the best model was before lies beside it with `.previous` in its name,
what could not be read with `.damaged`.
"""

import json
import math
import os
import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import msgspec
from torch import Tensor

from seqlabel.checkpoint import Progress, load_checkpoint
from seqlabel.errors import ConfigError, ModelFileError, SeqlabelError
from seqlabel.experiment import ExperimentConfig
from seqlabel.model_file import read_header
from seqlabel.processes import Processes
from seqlabel.tensor_files import read_tensors
from seqlabel.whole_files import (
    NO_ROOM,
    held,
    no_room,
    remove_leftovers,
    sync_folder,
    whole_file,
    write_whole,
)


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The names of the files of a run."""

    path: Path

    @property
    def settings(self) -> Path:
        """The settings of the run as JSON."""
        return self.path / "config.json"

    @property
    def checkpoint(self) -> Path:
        """The state from which the run goes on."""
        return self.path / "checkpoint.safetensors"

    @property
    def best(self) -> Path:
        """The model with the lowest dev error."""
        return self.path / "best.safetensors"

    @property
    def last(self) -> Path:
        """The model after the last epoch."""
        return self.path / "last.safetensors"

    @property
    def guide(self) -> Path:
        """What `training.guide` was when the run began."""
        return self.path / "guide.safetensors"


def previous(path: Path) -> Path:
    """Returns the name of what a file was before it was written last."""
    return path.with_name(f"{path.stem}.previous{path.suffix}")


@dataclass(frozen=True, slots=True)
class Resumed:
    """A run that can be gone on with.

    Attributes:
        progress, tensors: as its checkpoint has them.
        is_of_previous: whether they are those of the checkpoint before.
        remarks: what there is to say of its files.
    """

    progress: Progress
    tensors: dict[str, Tensor]
    is_of_previous: bool
    remarks: list[str]


def open_in_turn(
    config: ExperimentConfig, run_dir: Path, processes: Processes, stack: ExitStack
) -> Resumed | None:
    """Opens the run in the first process, which holds the folder until the stack ends, and then in the others.

    Raises:
        ConfigError: the folder holds a run with other settings, is held by another process, or cannot be written.
        ModelFileError: neither its checkpoint nor the one before can be read.
    """
    found = problem = None
    if processes.is_first:
        try:
            found = _open_first(config, run_dir, stack)
        except SeqlabelError as error:
            problem = error
    if (told := processes.from_first(problem)) is not None:
        raise told
    return found if processes.is_first else _resumed(config, RunFolder(run_dir))


def _open_first(config: ExperimentConfig, run_dir: Path, stack: ExitStack) -> Resumed | None:
    """Makes the run folder and puts it in order, or returns the checkpoint of the run that it holds."""
    if run_dir.exists() and not run_dir.is_dir():
        raise ConfigError(f"{run_dir}: is a file; name a folder for the run with --run-dir")
    folder = RunFolder(run_dir)
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
        stack.enter_context(held(run_dir))
        remove_leftovers(run_dir)
        resumed = _resumed(config, folder)
        if resumed is None:
            for path in (folder.checkpoint, previous(folder.checkpoint)):
                path.unlink(missing_ok=True)
            sync_folder(run_dir)
            if config.training.guide is not None:
                # The run goes on with the guide that it has begun with, whatever becomes of that file.
                read_tensors(Path(config.training.guide))
                with whole_file(folder.guide) as temporary:
                    shutil.copyfile(config.training.guide, temporary)
        else:
            if resumed.is_of_previous and folder.checkpoint.exists():
                _set_aside(folder.checkpoint)
            resumed.remarks.extend(mend_models(folder, config, resumed.progress))
        write_whole(folder.settings, msgspec.json.format(msgspec.json.encode(config), indent=2) + b"\n")
    except OSError as error:
        if error.errno in NO_ROOM:
            raise no_room(run_dir, error) from error
        reason = error.strerror or error
        raise ConfigError(f"{run_dir}: cannot be written ({reason}); choose another --run-dir") from error
    return resumed


def _resumed(config: ExperimentConfig, folder: RunFolder) -> Resumed | None:
    """Returns the checkpoint, or the one before it where it is not whole; None where there is nothing to go on with."""
    found, remark = last_state(folder)
    if found is None:
        return None
    progress, tensors = found
    # Settings alone, of a run that has not come to its first step, are no run to protect.
    if progress.num_attempts == 0 and progress.num_returns == 0 and remark is None:
        return None
    if without_effect(progress.experiment) != without_effect(config):
        before, now = (
            msgspec.json.decode(msgspec.json.encode(without_effect(part)))
            for part in (progress.experiment, config)
        )
        raise ConfigError(
            f"{folder.path}: holds a run with other settings ({differences(before, now)}); choose another --run-dir"
        )
    progress = msgspec.structs.replace(progress, experiment=config)
    return Resumed(progress, tensors, remark is not None, [] if remark is None else [remark])


State = tuple[Progress, dict[str, Tensor]]


def last_state(folder: RunFolder) -> tuple[State | None, str | None]:
    """Returns the newest state that can be read, and what there is to say where it is not that of the checkpoint.

    Raises:
        ModelFileError: there are checkpoints, but none that can be read.
    """
    path, before = folder.checkpoint, previous(folder.checkpoint)
    if not path.exists():
        if not before.exists():
            return None, None
        return load_checkpoint(before), f"{path}: is missing; going on from the one before it, {before.name}"
    try:
        return load_checkpoint(path), None
    except ModelFileError as error:
        try:
            found = load_checkpoint(before)
        except ModelFileError:
            raise error from None
        reason = str(error).partition("; ")[0]
        return found, f"{reason}; going on from the one before it, {before.name}"


def without_effect(config: ExperimentConfig) -> ExperimentConfig:
    """Returns the settings with those alike in all runs that change nothing of what is learnt but its rounding."""
    data = msgspec.structs.replace(config.data, kept_megabytes=0.0)
    training = msgspec.structs.replace(config.training, checkpoint_seconds=0.0, num_threads=None)
    return msgspec.structs.replace(config, data=data, training=training)


def mend_models(folder: RunFolder, config: ExperimentConfig, progress: Progress) -> list[str]:
    """Puts a model of the run that is whole in the place of a best one that is not; returns what there is to say."""
    if not progress.dev_errors:
        return []
    remarks = []
    if (problem := model_problem(folder.last, config)) is not None:
        remarks.append(f"{problem}; it is written again after the next epoch")
        if folder.last.exists():
            _set_aside(folder.last)
    if (problem := model_problem(folder.best, config)) is not None:
        if folder.best.exists():
            _set_aside(folder.best)
        others = [
            path for path in (folder.last, previous(folder.best)) if model_problem(path, config) is None
        ]
        if others:
            other = min(others, key=lambda path: error_of_model(path, progress.dev_errors))
            with whole_file(folder.best) as temporary:
                shutil.copyfile(other, temporary)
            epoch = read_header(other).summary.epoch
            remarks.append(f"{problem}; {other.name}, of epoch {epoch}, takes its place")
        else:
            remarks.append(f"{problem}; the model of the next epoch takes its place")
    return remarks


def model_problem(path: Path, config: ExperimentConfig) -> str | None:
    """Returns why a file is no model of this run, or None."""
    try:
        read_tensors(path)
        found = read_header(path).experiment
    except ModelFileError as error:
        return str(error).partition("; ")[0]
    # `seqlabel lm tune` puts another decoder into a model.
    found = msgspec.structs.replace(found, decoder=config.decoder)
    return None if without_effect(found) == without_effect(config) else f"{path}: a model of another run"


def error_of_model(path: Path, dev_errors: Sequence[float]) -> float:
    """Returns the dev error that a model of the run had; infinity where there is no model.

    A model of an epoch that is still to be run again counts as the best until then, which it was.
    """
    if not path.exists():
        return math.inf
    epoch = read_header(path).summary.epoch
    return dev_errors[epoch - 1] if 0 < epoch <= len(dev_errors) else min(dev_errors, default=math.inf)


def epoch_of_model(path: Path) -> int:
    """Returns the epoch after which a model was written; 0 where there is none that can be read."""
    try:
        return read_header(path).summary.epoch
    except ModelFileError:
        return 0


def _set_aside(path: Path) -> None:
    """Keeps what could not be used under another name."""
    os.replace(path, path.with_name(f"{path.stem}.damaged{path.suffix}"))


def differences(old: object, new: object, name: str = "") -> str:
    """Returns the first setting in which two JSON configurations differ, with both values."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            if old.get(key) != new.get(key):
                return differences(old.get(key), new.get(key), f"{name}.{key}" if name else key)
    return f"{name}: {json.dumps(old)} there, {json.dumps(new)} now"
