"""Training: manifests to a run folder that holds the best model, and that can be stopped and gone on with."""

import copy
import dataclasses
import datetime
import json
import math
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import msgspec
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from seqlabel.checkpoint import Progress, is_better, load_checkpoint, random_state, restore, save_checkpoint
from seqlabel.ctc import Emissions, disagreement
from seqlabel.data import Batch, BatchMaker, ahead
from seqlabel.devices import choose_device, fastest, precisions, prepare_arithmetic, thread_counts
from seqlabel.errors import ConfigError, SeqlabelError
from seqlabel.evaluation import evaluate
from seqlabel.experiment import ExperimentConfig
from seqlabel.metrics import ErrorRates
from seqlabel.model import Model
from seqlabel.model_file import Header, TrainingSummary, read_header, save_model
from seqlabel.processes import Processes, joined_processes, own_device
from seqlabel.run_log import RunLog, duration
from seqlabel.training_set import TrainingSet, prepare
from seqlabel.transfer import first_part, take_over
from seqlabel.version import __version__

CHECKPOINT_SECONDS = 120.0
"""A checkpoint is written after every epoch, and within long ones this often."""


class TrainingStopped(Exception):
    """The run was asked to stop, has written its checkpoint, and can be gone on with by the same command."""


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """Where the best model lies, how it came to be, and the minutes that the whole run took."""

    best_model: Path
    summary: TrainingSummary
    minutes: float


def train(config: ExperimentConfig, run_dir: Path, data_dir: Path, device: str = "auto") -> TrainingResult:
    """Trains, or goes on with, the run in `run_dir` and returns its best model.

    Raises:
        ManifestError, FormatError, TokenError: the data cannot be learnt from; the message names the first examples.
        ConfigError: `run_dir` holds a run with other settings.
        TrainingStopped: SIGINT or SIGTERM came; the checkpoint is written.
    """
    where = choose_device(own_device(device))
    config = msgspec.structs.replace(config, texts=config.texts.with_file())
    with joined_processes(where) as processes:
        prepare_arithmetic(config.training.num_threads)
        resumed = _open_in_turn(config, run_dir, processes)
        log = RunLog(run_dir, append=resumed is not None, is_quiet=not processes.is_first)
        others = f", {processes.size} processes" if processes.size > 1 else ""
        log.line(f"{config.name}: run folder {run_dir}, data {data_dir}, device {where}{others}")
        torch.manual_seed(config.training.seed)
        data = prepare(config, data_dir, log)
        if config.training.init_from is not None and resumed is None:
            _take_over(config, Path(config.training.init_from), data, log)
        if processes.size > 1:  # the weights are the same everywhere, dropout is not
            torch.manual_seed(config.training.seed * processes.size + processes.rank)
        trainer = Trainer(config, run_dir, data, where, log, processes)
        if resumed is not None:
            trainer.resume(*resumed)
        return trainer.run()


def _take_over(config: ExperimentConfig, path: Path, data: TrainingSet, log: RunLog) -> None:
    found = take_over(data.model, data.tokens, path, config.frontend)
    new = f"; its own are {', '.join(map(repr, found.new_tokens[:8]))}" if found.new_tokens else ""
    log.line(
        f"begins with {path}: {found.num_taken:,} of {found.num_weights:,} weights, "
        f"{len(data.tokens) - len(found.new_tokens)} of {len(data.tokens)} tokens{new}"
    )
    if not found.same_features:
        log.line(f"{path} computes its features in another way, so that its weights may be of little use")


class Trainer:
    """One run: the model, its average, the optimiser and how far they have come."""

    def __init__(
        self,
        config: ExperimentConfig,
        run_dir: Path,
        data: TrainingSet,
        device: torch.device,
        log: RunLog,
        processes: Processes,
    ) -> None:
        self.config = config
        self.run_dir = run_dir
        self.data = data
        self.device = device
        self.log = log
        self.processes = processes
        digest = data.digest()
        if any(other != (config, digest) for other in processes.gathered((config, digest))):
            raise ConfigError(
                f"{run_dir}: the processes of this training have other data or settings than each other; "
                "give the same command, and the same data folder, on all machines"
            )
        self.num_views = 2 if config.training.consistency else 1
        self.model = data.model.to(device)
        self.answering: nn.Module = Answering(self.model)
        if processes.size > 1:
            self.answering = DistributedDataParallel(self.answering)
        self.average = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}
        self.averaged_model = copy.deepcopy(self.model).eval()
        self.decoder = config.decoder.build(data.tokens)
        self.optimizer = build_optimizer(self.model, config)
        self.maker = BatchMaker(
            data.frontend,
            data.train,
            data.model.obstacle,
            config.training.seed,
            data.model.output_lengths,
            num_views=1 if self.model.makes_views else self.num_views,
            join_share=config.data.join_share,
            separator=data.tokens.encode(" ") if " " in data.tokens.tokens else (),
        )
        self.progress = Progress(experiment=config, precision=config.training.precision, data_digest=digest)
        self.stop_requested = threading.Event()
        self.stopping = self.checkpoint_is_due = False
        self.last_checkpoint = time.monotonic()

    def resume(self, progress: Progress, tensors: dict[str, Tensor]) -> None:
        """Goes back to where a checkpoint was written.

        Raises:
            ConfigError: the data are not those that the run was started with.
        """
        try:
            if progress.data_digest not in (None, self.progress.data_digest):
                raise ValueError("other texts or lengths of examples, or another order")
            restore(tensors, self.model, self.average, self.optimizer, self.processes.rank)
        except (KeyError, ValueError, RuntimeError) as error:
            raise ConfigError(
                f"{self.run_dir}: holds a run that was started with other data ({str(error).splitlines()[0]}); "
                "give its --data-dir, or choose another --run-dir"
            ) from error
        self.progress = progress
        self.log.line(f"going on after {progress.epoch} epochs and {progress.batch} steps")
        self.log.forget_epochs_after(progress.epoch)

    def run(self) -> TrainingResult:
        """Runs the remaining epochs and returns the best model's place and rates."""
        training = self.config.training
        self._choose_arithmetic()
        num_parameters = sum(parameter.numel() for parameter in self.model.parameters())
        num_threads = self.progress.num_threads
        self.log.line(
            f"{len(self.data.train)} training and {len(self.data.dev)} dev examples, "
            f"{len(self.data.tokens) - 1} tokens, {num_parameters:,} weights, {self.progress.precision}, "
            f"{num_threads} thread{'' if num_threads == 1 else 's'}"
        )
        with self._stop_signals():
            while self.progress.epoch < training.num_epochs and not self._out_of_patience():
                self._epoch()
        self.log.line(f"done after {duration(self.progress.seconds)}")
        return self._result()

    def _epoch(self) -> None:
        training, data = self.config.training, self.config.data
        epoch = self.progress.epoch
        order = self.maker.order(epoch, data.batch_size, data.batch_frames)
        begun = start = time.monotonic()
        num_frames = 0
        gradient_norms: list[float] = []
        self.model.train()
        with self.log.bar(
            epoch, training.num_epochs, len(order), self.progress.batch, self.progress.seconds
        ) as advance:
            for batch in ahead(lambda indices: self._own_part(epoch, indices), order[self.progress.batch :]):
                progress_share = (epoch + self.progress.batch / len(order)) / training.num_epochs
                factor = training.schedule.factor(progress_share, list(self.progress.dev_errors))
                for group in self.optimizer.param_groups:
                    group["lr"] = training.learning_rate * factor
                norm = self._step(batch)
                if math.isfinite(norm):  # JSON has neither NaN nor infinity
                    gradient_norms.append(norm)
                num_frames += int(batch.feature_lengths.sum())
                advance(self.progress.loss_sum / max(1, self.progress.num_tokens))
                now = time.monotonic()
                if self.stopping or self.checkpoint_is_due:
                    self._add_seconds(now - start)
                    start = now
                    self._save_checkpoint()
                    self._stop_if_requested()
        train_seconds = time.monotonic() - begun
        rates = self._evaluate()
        self._add_seconds(time.monotonic() - start)
        num_frames = round(self.processes.sum([num_frames], self.device)[0])
        self._finish_epoch(rates, gradient_norms, num_frames / max(train_seconds, 1e-9))
        self._agree(0, 0.0)
        self._stop_if_requested()

    def _own_part(self, epoch: int, indices: Sequence[int]) -> Batch:
        """Returns this process's part of a batch; one that is left without any takes an example that does not count."""
        own = self.processes.share(indices)
        batch = self.maker.batch(epoch, own or indices[:1])
        return batch if own else dataclasses.replace(batch, ids=())

    def _agree(self, num_tokens: int, loss_sum: float) -> tuple[int, float]:
        """Returns the sums over all processes, which learn on the way whether to stop or to write a checkpoint."""
        is_due = self.processes.is_first and time.monotonic() - self.last_checkpoint > CHECKPOINT_SECONDS
        asked = self.stop_requested.is_set()
        tokens, loss, stops, due = self.processes.sum([num_tokens, loss_sum, asked, is_due], self.device)
        self.stopping, self.checkpoint_is_due = stops > 0, due > 0
        return round(tokens), loss

    def _step(self, batch: Batch) -> float:
        """Takes one optimiser step and returns the norm of the gradient."""
        self.optimizer.zero_grad(set_to_none=True)
        # The statistics of a batch normalisation are to stay as they are as well.
        first_part(self.model).train(not self._holds_first_part())
        with noisy_weights(self.model, self.config.training.weight_noise):
            precision = getattr(torch, self.progress.precision)
            loss, of_answer = self._losses(self.answering, batch, precision)
            counts = bool(batch.ids)
            own_tokens = int(batch.target_lengths.sum()) if counts else 0
            num_tokens, loss_sum = self._agree(own_tokens, float(of_answer.detach()) if counts else 0.0)
            # DistributedDataParallel takes the mean of the gradients; that of the sum over all tokens is wanted.
            (loss * (self.processes.size * counts / num_tokens)).backward()
        if self._holds_first_part():
            for parameter in first_part(self.model).parameters():
                parameter.grad = None  # the optimiser passes it over
        norm = float(
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.training.gradient_clip)
        )
        finite = math.isfinite(loss_sum) and math.isfinite(norm)
        if finite:
            self.optimizer.step()
            self._update_average()
        else:
            self.log.line(
                f"step left out: loss {loss_sum}, gradient norm {norm}, examples {', '.join(batch.ids[:4])}"
            )
        progress = self.progress
        self.progress = msgspec.structs.replace(
            progress,
            batch=progress.batch + 1,
            num_steps=progress.num_steps + finite,
            num_skipped=progress.num_skipped + (not finite),
            loss_sum=progress.loss_sum + (loss_sum if finite else 0.0),
            num_tokens=progress.num_tokens + (num_tokens if finite else 0),
        )
        return norm

    def _holds_first_part(self) -> bool:
        training = self.config.training
        return training.init_from is not None and self.progress.num_steps < training.frozen_steps

    def _losses(self, answering: nn.Module, batch: Batch, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Returns the sum that is to become small, and the part of it that the model's own answer has."""
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=dtype == torch.bfloat16):
            num_views = self.num_views if self.model.makes_views else 1
            answers = answering(
                batch.features.to(self.device), batch.feature_lengths.to(self.device), num_views
            )
        targets, target_lengths = batch.targets.to(self.device), batch.target_lengths.to(self.device)
        losses = []
        for weight, emissions in answers:
            views = len(emissions.lengths) // len(targets)
            of_each = self.model.objective.losses(
                emissions, targets.repeat(views, 1), target_lengths.repeat(views)
            )
            losses.append((weight, of_each.sum() / views))
        total = sum((weight * loss for weight, loss in losses), torch.zeros(()))
        if self.num_views > 1:
            views = len(answers[0][1].lengths) // len(targets)
            total = total + self.config.training.consistency * disagreement(answers[0][1]).sum() / views
        return total, losses[0][1]

    def _update_average(self) -> None:
        decay = self.config.training.average_decay
        # The average follows closely at first, so that the first epochs are not judged by the random start.
        decay = (
            0.0
            if decay is None
            else min(decay, (1 + self.progress.num_steps) / (10 + self.progress.num_steps))
        )
        with torch.no_grad():
            for name, tensor in self.model.state_dict().items():
                if tensor.is_floating_point():
                    self.average[name].lerp_(tensor, 1 - decay)
                else:  # a counter of batches
                    self.average[name].copy_(tensor)

    def _evaluate(self) -> ErrorRates:
        # Each process has counted statistics of its own for batch normalisation.
        self.processes.copy_from_first(list(self.average.values()))
        self.averaged_model.load_state_dict(self.average)
        features, dev = self.processes.share(self.data.dev_features), self.processes.share(self.data.dev)
        parts = self.processes.gathered(
            evaluate(self.averaged_model, self.decoder, features, dev, self.device).rates
        )
        return sum(parts[1:], parts[0])

    def _finish_epoch(self, rates: ErrorRates, gradient_norms: list[float], frames_per_second: float) -> None:
        progress = self.progress
        error = float(getattr(rates, self.model.objective.measure))
        better = is_better(error, progress.dev_errors)
        dev = f"dev CER {100 * rates.cer:6.2f} %  WER {100 * rates.wer:6.2f} %"
        if self.model.objective.measure == "ser":
            dev = f"dev accuracy {100 * (1 - rates.ser):6.2f} %"
        elif self.model.objective.measure == "fer":
            dev = f"dev frames right {100 * (1 - rates.fer):6.2f} %  CER {100 * rates.cer:6.2f} %"
        epoch = progress.epoch + 1
        loss = progress.loss_sum / max(1, progress.num_tokens)
        self.progress = msgspec.structs.replace(
            progress,
            epoch=epoch,
            batch=0,
            loss_sum=0.0,
            num_tokens=0,
            dev_errors=(*progress.dev_errors, error),
            best_step=progress.num_steps if better else progress.best_step,
        )
        self.log.epoch(
            {
                "epoch": epoch,
                "num_steps": progress.num_steps,
                "num_skipped": progress.num_skipped,
                "train_loss": loss,
                "learning_rate": self.optimizer.param_groups[0]["lr"],
                "gradient_norm": float(np.median(gradient_norms)) if gradient_norms else None,
                "frames_per_second": frames_per_second,
                "seconds": progress.seconds,
                "dev": rates.as_json(),
            },
            epoch_line(self.progress, self.config.training.num_epochs, loss, dev, frames_per_second)
            + ("  best" if better else ""),
        )
        header = self._header(rates)
        if better and self.processes.is_first:
            save_model(self.run_dir / "best.safetensors", header, self.average, self.data.frontend)
        if self.processes.is_first:
            save_model(self.run_dir / "last.safetensors", header, self.average, self.data.frontend)
        self._save_checkpoint()

    def _header(self, rates: ErrorRates) -> Header:
        summary = TrainingSummary(
            epoch=self.progress.epoch,
            num_steps=self.progress.num_steps,
            num_train_examples=len(self.data.train),
            num_dev_examples=len(self.data.dev),
            minutes=self.progress.seconds / 60,
            dev_cer=rates.cer,
            dev_wer=rates.wer,
            dev_ser=rates.ser,
            finished_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            versions={"seqlabel": __version__, "torch": str(torch.__version__)},
        )
        num_parameters = sum(parameter.numel() for parameter in self.model.parameters())
        return Header(
            experiment=self.config, tokens=self.data.tokens, num_parameters=num_parameters, summary=summary
        )

    def _result(self) -> TrainingResult:
        path = self.run_dir / "best.safetensors"
        return TrainingResult(path, read_header(path).summary, self.progress.seconds / 60)

    def _out_of_patience(self) -> bool:
        patience = self.config.training.patience
        return patience is not None and self.progress.num_steps - self.progress.best_step >= patience

    def _choose_arithmetic(self) -> None:
        """Settles threads and precision at the start of a run; one that goes on keeps what it had."""
        num_threads = self.progress.num_threads
        if num_threads is None:
            num_threads, dtype = self.processes.from_first(self._fastest_arithmetic())
            precision = str(dtype).removeprefix("torch.")
            self.progress = msgspec.structs.replace(
                self.progress, precision=precision, num_threads=num_threads
            )
        torch.set_num_threads(num_threads)

    def _fastest_arithmetic(self) -> tuple[int, torch.dtype]:
        """Returns the threads and the precision that the recipe names, or with which a step is fastest here."""
        training = self.config.training
        counts = [training.num_threads] if training.num_threads else thread_counts(self.device)
        named = training.precision
        dtypes = precisions(self.device) if named == "auto" else [getattr(torch, named)]
        order = self.maker.order(0, self.config.data.batch_size, self.config.data.batch_frames)
        batch = self._own_part(0, order[len(order) // 2])
        # On a copy: the timed steps must leave no trace in the running statistics of the batch normalisation.
        model = Answering(copy.deepcopy(self.model).train())

        def step(arithmetic: tuple[int, torch.dtype]) -> None:
            torch.set_num_threads(arithmetic[0])
            model.zero_grad(set_to_none=True)
            self._losses(model, batch, arithmetic[1])[0].backward()

        with torch.random.fork_rng([self.device] if self.device.type == "cuda" else []):
            count, _ = fastest(step, [(count, dtypes[-1]) for count in counts], self.device)
            return fastest(step, [(count, dtype) for dtype in dtypes], self.device)

    def _add_seconds(self, seconds: float) -> None:
        self.progress = msgspec.structs.replace(self.progress, seconds=self.progress.seconds + seconds)

    def _save_checkpoint(self) -> None:
        random_states = self.processes.gathered(random_state(self.device))
        if self.processes.is_first:
            path = self.run_dir / "checkpoint.safetensors"
            save_checkpoint(path, self.progress, self.model, self.average, self.optimizer, random_states)
        self.last_checkpoint = time.monotonic()

    def _stop_if_requested(self) -> None:
        if self.stopping:
            num_steps = self.progress.batch
            steps = f" and {num_steps} step{'s' if num_steps > 1 else ''}" if num_steps else ""
            raise TrainingStopped(
                f"stopped after {self.progress.epoch} of {self.config.training.num_epochs} epochs{steps}, "
                f"all of it is kept in {self.run_dir}; the same command goes on"
            )

    @contextmanager
    def _stop_signals(self) -> Iterator[None]:
        """Has the first SIGINT or SIGTERM end the run after the step under way; the second ends it at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def request(number: int, frame: FrameType | None) -> None:
            self.stop_requested.set()
            for known, handler in before.items():
                signal.signal(known, handler)
            self.log.say("stopping after the step under way; Ctrl-C once more stops at once")

        before = {number: signal.signal(number, request) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def epoch_line(progress: Progress, num_epochs: int, loss: float, dev: str, frames_per_second: float) -> str:
    """Returns what the terminal and the log say of a finished epoch, the time left included."""
    left = progress.seconds / progress.epoch * (num_epochs - progress.epoch)
    return (
        f"epoch {progress.epoch:{len(str(num_epochs))}}/{num_epochs}  loss {loss:6.3f}  "
        f"{dev}  {frames_per_second:7,.0f} frames/s  "
        f"{duration(progress.seconds)} done, {duration(left)} left"
    )


class Answering(nn.Module):
    """Calls a model for all that there is to learn from, in the way that DistributedDataParallel calls its modules."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model

    def forward(self, features: Tensor, lengths: Tensor, num_views: int) -> list[tuple[float, Emissions]]:
        """Returns the answers of the model with their weights."""
        return self.model.answers(features, lengths, num_views)


@contextmanager
def noisy_weights(model: Model, std: float) -> Iterator[None]:
    """Adds Gaussian noise to matrices and filters inside of the context; afterwards they are what they were.

    Source: Graves, "Practical variational inference for neural networks", NIPS 2011, with a fixed variance.
    """
    matrices = [parameter for parameter in model.parameters() if parameter.ndim > 1] if std else []
    clean = [matrix.detach().clone() for matrix in matrices]
    with torch.no_grad():
        for matrix in matrices:
            matrix.add_(torch.randn_like(matrix), alpha=std)
    try:
        yield
    finally:
        with torch.no_grad():
            for matrix, before in zip(matrices, clean, strict=True):
                matrix.copy_(before)


def build_optimizer(model: Model, config: ExperimentConfig) -> torch.optim.Optimizer:
    """Returns AdamW (Loshchilov and Hutter 2019) with weight decay on matrices and filters only."""
    parameters = list(model.parameters())
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": config.training.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.training.learning_rate, fused=True)


def _open_in_turn(
    config: ExperimentConfig, run_dir: Path, processes: Processes
) -> tuple[Progress, dict[str, Tensor]] | None:
    """Opens the run in the first process and then in the others, which find the folder made."""
    found = problem = None
    if processes.is_first:
        try:
            found = _open_run(config, run_dir)
        except SeqlabelError as error:
            problem = error
    if (told := processes.from_first(problem)) is not None:
        raise told
    return found if processes.is_first else _open_run(config, run_dir)


def _open_run(config: ExperimentConfig, run_dir: Path) -> tuple[Progress, dict[str, Tensor]] | None:
    """Makes the run folder, or returns the checkpoint of the run that it holds."""
    if run_dir.exists() and not run_dir.is_dir():
        raise ConfigError(f"{run_dir}: is a file; name a folder for the run with --run-dir")
    settings = run_dir / "config.json"
    checkpoint = run_dir / "checkpoint.safetensors"
    encoded = msgspec.json.encode(config)
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
        # Settings alone, of a run that has not come to its first checkpoint, are no run to protect.
        resumed = load_checkpoint(checkpoint) if checkpoint.exists() else None
        if resumed is not None and resumed[0].experiment != config:
            before = msgspec.json.encode(resumed[0].experiment)
            different = differences(msgspec.json.decode(before), msgspec.json.decode(encoded))
            raise ConfigError(
                f"{run_dir}: holds a run with other settings ({different}); choose another --run-dir"
            )
        settings.write_bytes(msgspec.json.format(encoded, indent=2) + b"\n")
    except OSError as error:
        reason = error.strerror or error
        raise ConfigError(f"{run_dir}: cannot be written ({reason}); choose another --run-dir") from error
    return resumed


def differences(old: object, new: object, name: str = "") -> str:
    """Returns the first setting in which two JSON configurations differ, with both values."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            if old.get(key) != new.get(key):
                return differences(old.get(key), new.get(key), f"{name}.{key}" if name else key)
    return f"{name}: {json.dumps(old)} there, {json.dumps(new)} now"
