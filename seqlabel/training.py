"""Training: manifests to a run folder that holds the best model, and that can be stopped and gone on with."""

import copy
import dataclasses
import math
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import msgspec
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from seqlabel.calibration import Verdict, calibrate, judge
from seqlabel.checkpoint import (
    Progress,
    gradient_norms,
    load_checkpoint,
    random_state,
    restore,
    save_checkpoint,
)
from seqlabel.checks import look_at_contents, look_at_headers
from seqlabel.ctc import Emissions
from seqlabel.data import Batch, BatchMaker, ahead
from seqlabel.devices import choose_device, fastest, precisions, prepare_arithmetic, thread_counts
from seqlabel.divergence import (
    MOST_RETURNS,
    MOST_SKIPPED,
    WINDOW,
    after_return,
    after_step,
    diverges,
    ends_badly,
    is_lost,
    named,
)
from seqlabel.doctor import EmissionCounts, Settings, diagnose
from seqlabel.epoch_report import after_epoch, dev_line, epoch_line, figures_of, metrics_of, summary_of
from seqlabel.errors import ConfigError, DivergenceError
from seqlabel.evaluation import evaluate
from seqlabel.experiment import ExperimentConfig
from seqlabel.frame_fusion import load_guide
from seqlabel.metrics import ErrorRates
from seqlabel.model_file import Header, TrainingSummary, read_header, save_model
from seqlabel.objectives import CtcConfig
from seqlabel.optimization import (
    Answering,
    Losses,
    are_finite,
    build_optimizer,
    losses_of,
    noisy_weights,
    update_average,
)
from seqlabel.processes import Processes, joined_processes, own_device
from seqlabel.run_folder import RunFolder, epoch_of_model, error_of_model, last_state, open_in_turn, previous
from seqlabel.run_log import RunLog, duration
from seqlabel.stopping import TrainingStopped as TrainingStopped
from seqlabel.stopping import asked_to_stop
from seqlabel.tracker import NoTracker, Tracker, TrackerName, check_tracker, open_tracker
from seqlabel.training_set import TrainingSet, prepare
from seqlabel.transfer import first_part, take_over
from seqlabel.whole_files import NO_ROOM, no_room


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """Where the best model lies, how it came to be, and the minutes that the whole run took."""

    best_model: Path
    summary: TrainingSummary
    minutes: float


def train(
    config: ExperimentConfig,
    run_dir: Path,
    data_dir: Path,
    device: str = "auto",
    tracker: TrackerName = "none",
) -> TrainingResult:
    """Trains, or goes on with, the run in `run_dir` and returns its best model.

    Raises:
        ManifestError, FormatError, TokenError: the data cannot be learnt from; the message names the first examples.
        ConfigError: `run_dir` holds a run with other settings, or the disk is full.
        ModelFileError: neither the checkpoint nor the one before can be read, or the disk is full.
        DivergenceError: the loss or the gradient was too often not finite.
        TrainingStopped: SIGINT or SIGTERM came; the checkpoint is written.
    """
    check_tracker(tracker)
    where = choose_device(own_device(device))
    config = msgspec.structs.replace(config, texts=config.texts.with_file())
    try:
        with joined_processes(where) as processes, ExitStack() as stack:
            prepare_arithmetic(config.training.num_threads)
            resumed = open_in_turn(config, run_dir, processes, stack)
            log = RunLog(run_dir, append=resumed is not None, is_quiet=not processes.is_first)
            others = f", {processes.size} processes" if processes.size > 1 else ""
            log.line(f"{config.name}: run folder {run_dir}, data {data_dir}, device {where}{others}")
            for remark in resumed.remarks if resumed is not None else ():
                log.line(remark)
            torch.manual_seed(config.training.seed)
            is_looked_at = resumed is None and processes.is_first
            if is_looked_at:
                for line in look_at_headers(config, data_dir, torch.get_num_threads(), log.bar_of):
                    log.line(line)
            data = prepare(config, data_dir, log)
            if is_looked_at:
                for line in look_at_contents(data):
                    log.line(line)
            if config.training.init_from is not None and resumed is None:
                _take_over(config, Path(config.training.init_from), data, log)
            if processes.size > 1:  # the weights are the same everywhere, dropout is not
                torch.manual_seed(config.training.seed * processes.size + processes.rank)
            trainer = Trainer(config, run_dir, data, where, log, processes)
            if resumed is not None:
                trainer.resume(resumed.progress, resumed.tensors)
            return trainer.run(tracker)
    except OSError as error:
        if error.errno in NO_ROOM:
            raise no_room(run_dir, error) from error
        raise


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
        self.folder = RunFolder(run_dir)
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
        self.guide = None
        if config.training.guide is not None:
            name = config.training.guide
            self.guide = load_guide(self.folder.guide, name, data.frontend, data.tokens, self.model, device)
            log.line(f"its tokens are to stand where {name} has them")
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
            num_own=data.num_own,
            auxiliary_share=config.data.auxiliary_share,
            auxiliary_epochs=config.data.auxiliary_epochs,
        )
        self.progress = Progress(experiment=config, precision=config.training.precision, data_digest=digest)
        self.gradient_norms: list[float] = []
        self.target_length = sum(len(data.tokens.split(item.example.text or "")) for item in data.dev) / len(
            data.dev
        )
        self.saved = self.progress
        self.best_error = math.inf
        self.tracker: Tracker = NoTracker()
        self.stop_requested = threading.Event()
        self.stopping = self.checkpoint_is_due = False
        self.last_checkpoint = self.counted_until = time.monotonic()
        self.waited = 0.0

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
                f"{self.folder.path}: holds a run that was started with other data ({str(error).splitlines()[0]}); "
                "give its --data-dir, or choose another --run-dir"
            ) from error
        self.progress = self.saved = progress
        self.gradient_norms = gradient_norms(tensors)
        self.best_error = self.processes.from_first(error_of_model(self.folder.best, progress.dev_errors))
        self.log.forget_after(progress.epoch, progress.batch)
        self.log.line(f"going on after {progress.epoch} epochs and {progress.batch} steps")

    def run(self, tracker: TrackerName = "none") -> TrainingResult:
        """Runs the remaining epochs and returns the best model's place and rates."""
        training = self.config.training
        self._choose_arithmetic()
        num_parameters = sum(parameter.numel() for parameter in self.model.parameters())
        num_threads = self.progress.num_threads
        num_auxiliary = len(self.data.train) - self.data.num_own
        self.log.line(
            f"{self.data.num_own} training{f', {num_auxiliary} auxiliary' if num_auxiliary else ''} and "
            f"{len(self.data.dev)} dev examples, "
            f"{len(self.data.tokens) - 1} tokens, {num_parameters:,} weights, {self.progress.precision}, "
            f"{num_threads} thread{'' if num_threads == 1 else 's'}"
        )
        if self.processes.is_first:
            self.tracker = open_tracker(tracker, self.folder.path, list(self.log.epochs()))
        with closing(self.tracker), asked_to_stop(self.stop_requested, self.log):
            if self.progress.num_attempts == 0:  # what a run that diverges at once goes back to
                self._save_checkpoint()
            while self.progress.epoch < training.num_epochs and not self._out_of_patience():
                self._epoch()
        self.log.line(f"done after {duration(self.progress.seconds)}")
        return self._result()

    def _epoch(self) -> None:
        """Runs the epoch under way to its end, or until the run has to go back."""
        training, data = self.config.training, self.config.data
        epoch = self.progress.epoch
        order = self.maker.order(
            epoch, data.batch_size, data.batch_frames, shortest_first=epoch < data.shortest_first
        )
        self.counted_until = time.monotonic()
        self.model.train()
        rest = order[self.progress.batch :]
        with (
            self.log.bar(
                epoch, training.num_epochs, len(order), self.progress.batch, self.progress.seconds
            ) as advance,
            closing(ahead(lambda indices: self._own_part(epoch, indices), rest)) as batches,
        ):
            for batch in self._awaited(batches):
                progress_share = (epoch + self.progress.batch / len(order)) / training.num_epochs
                factor = training.schedule.factor(progress_share, list(self.progress.dev_errors))
                rate = training.learning_rate * factor * self.progress.rate_share
                self.progress = msgspec.structs.replace(self.progress, learning_rate=rate)
                for group in self.optimizer.param_groups:
                    group["lr"] = rate
                norm = self._step(batch)
                if math.isfinite(norm):  # JSON has neither NaN nor infinity
                    self.gradient_norms.append(norm)
                advance(self.progress.loss_sum / max(1, self.progress.num_tokens))
                if diverges(self.progress):
                    why = f"the loss or the gradient was not finite in {MOST_SKIPPED} of {WINDOW} steps"
                    self._go_back(why, batch.ids)
                    return
                if self.stopping or self.checkpoint_is_due:
                    self._count_time()
                    self._save_checkpoint_if_sound()
                    self._stop_if_requested()
        self._count_time()
        if ends_badly(self.progress) or self.progress.num_tokens == 0:
            self._go_back("the last steps of the epoch could not be taken", ())
            return
        if (found := self._evaluate()) is None:
            self._go_back("the model says NaN of dev examples", ())
            return
        self._count_time(is_step=False)
        self._finish_epoch(*found)
        self._agree(0, 0.0)
        self._stop_if_requested()

    def _awaited(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """Yields the batches and counts the time in which there is none yet."""
        while True:
            start = time.monotonic()
            batch = next(batches, None)
            self.waited += time.monotonic() - start
            if batch is None:
                return
            yield batch

    def _count_time(self, *, is_step: bool = True) -> None:
        """Adds the time since the last call to that of the run and, where it was for steps, to that of the epoch."""
        now, progress = time.monotonic(), self.progress
        passed = now - self.counted_until
        self.progress = msgspec.structs.replace(
            progress,
            seconds=progress.seconds + passed,
            epoch_seconds=progress.epoch_seconds + (passed if is_step else 0.0),
            epoch_waiting=progress.epoch_waiting + self.waited,
        )
        self.counted_until, self.waited = now, 0.0

    def _own_part(self, epoch: int, indices: Sequence[int]) -> Batch:
        """Returns this process's part of a batch; one that is left without any takes an example that does not count."""
        own = self.processes.share(indices)
        batch = self.maker.batch(epoch, own or indices[:1])
        return batch if own else dataclasses.replace(batch, ids=())

    def _agree(self, num_tokens: int, loss_sum: float) -> tuple[int, float]:
        """Returns the sums over all processes, which learn on the way whether to stop or to write a checkpoint."""
        is_due = (
            self.processes.is_first
            and time.monotonic() - self.last_checkpoint >= self.config.training.checkpoint_seconds
        )
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
            loss, of_answer, of_each = self._losses(self.answering, batch, precision)
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
        is_taken = math.isfinite(loss_sum) and math.isfinite(norm)
        if is_taken:
            self.optimizer.step()
        self.progress = after_step(self.progress, loss_sum, num_tokens, is_taken=is_taken)
        self.progress = msgspec.structs.replace(
            self.progress, epoch_frames=self.progress.epoch_frames + int(batch.feature_lengths.sum())
        )
        if is_taken:
            decay = self.config.training.average_decay
            update_average(self.average, self.model, decay, self.progress.num_steps - 1)
        else:
            self._tell_left_out(batch, loss_sum, norm, of_each)
        return norm

    def _tell_left_out(self, batch: Batch, loss_sum: float, norm: float, of_each: Tensor) -> None:
        """Names the examples of a step that was left out, those whose own loss is no number where there are any."""
        wrong = (~of_each.detach().isfinite()).reshape(-1, max(1, len(batch.target_lengths))).any(dim=0)
        culprits = [id_ for id_, is_wrong in zip(batch.ids, wrong.tolist(), strict=False) if is_wrong]
        found = [name for part in self.processes.gathered(culprits or list(batch.ids)) for name in part]
        self.log.line(
            f"{self._place()}  step {self.progress.batch}  left out: loss {loss_sum:g}, gradient norm {norm:g}, "
            f"examples {named(list(dict.fromkeys(found)))}"
        )

    def _place(self, epoch: int | None = None) -> str:
        """Returns how lines begin that belong to the epoch under way, or to another: `RunLog.forget_after` reads it."""
        num_epochs = self.config.training.num_epochs
        return (
            f"epoch {self.progress.epoch + 1 if epoch is None else epoch:{len(str(num_epochs))}}/{num_epochs}"
        )

    def _go_back(self, why: str, ids: Sequence[str]) -> None:
        """Takes up the last sound state with half the learning rate.

        Raises:
            DivergenceError: the run has gone back too often.
        """
        training, now = self.config.training, self.progress
        if now.num_returns >= MOST_RETURNS:
            best = f"; the best model so far is {self.folder.best}" if self.folder.best.exists() else ""
            examples = f", last with the examples {named(ids)}" if ids else ""
            raise DivergenceError(
                f"{self.folder.path}: the training diverges: {why}{examples}, though it went back {now.num_returns} "
                f"times and its learning rate is down to {training.learning_rate * now.rate_share:g}; look for "
                "extreme values in the data, and start in another --run-dir with a lower --training.learning-rate "
                f"or --training.gradient-clip{best}"
            )
        path = self.folder.checkpoint
        if self.processes.is_first:
            before = previous(path)
            found, _ = last_state(self.folder)
            is_whole = found is not None and path.exists() and not is_lost(found[0], now)
            path = path if is_whole or not before.exists() else before
        written, tensors = load_checkpoint(self.processes.from_first(path))
        restore(tensors, self.model, self.average, self.optimizer, self.processes.rank)
        self.progress = msgspec.structs.replace(
            after_return(written, now), seconds=now.seconds, experiment=self.config
        )
        self.gradient_norms = gradient_norms(tensors)
        self.log.line(
            f"{self._place()}  step {written.batch}  back to here with {self.progress.rate_share:g} of the learning "
            f"rate, since {why}"
        )
        self.log.forget_metrics_after(written.epoch)
        self.tracker.go_back(list(self.log.epochs()))
        self._save_checkpoint(keeps_previous=False)

    def _holds_first_part(self) -> bool:
        training = self.config.training
        return training.init_from is not None and self.progress.num_steps < training.frozen_steps

    def _losses(self, answering: nn.Module, batch: Batch, dtype: torch.dtype) -> Losses:
        training = self.config.training
        return losses_of(
            answering, self.model, batch, self.device, dtype, self.num_views, training, self.guide
        )

    def _evaluate(self) -> tuple[ErrorRates, EmissionCounts, float, Verdict] | None:
        """Returns dev errors of the averaged model, what it emits, the mean number of tokens read, and its confidences.

        None where it does not say numbers.
        """
        # Each process has counted statistics of its own for batch normalisation.
        self.processes.copy_from_first(list(self.average.values()))
        if not are_finite(self.average):
            return None
        self.averaged_model.load_state_dict(self.average)
        features, dev = self.processes.share(self.data.dev_features), self.processes.share(self.data.dev)
        counts = EmissionCounts()

        def count(_: list[int], emissions: Emissions) -> None:
            nonlocal counts
            counts = counts.plus(EmissionCounts.of(emissions))
            if counts.num_undefined:
                raise _SaysNothing

        part = None
        try:
            found = evaluate(
                self.averaged_model, self.decoder, features, dev, self.device, on_emissions=count
            )
            num_tokens = sum(len(hypothesis.token_ids) for hypothesis in found.hypotheses)
            pairs = zip(found.references, found.hypotheses, strict=True)
            part = found.rates, counts, num_tokens, judge(self.data.tokens, pairs)
        except _SaysNothing:
            pass
        rates, all_counts, all_tokens, verdicts = [], EmissionCounts(), 0, []
        for of_process in self.processes.gathered(part):
            if of_process is None:
                return None
            rates.append(of_process[0])
            verdicts.append(of_process[3])
            all_counts, all_tokens = all_counts.plus(of_process[1]), all_tokens + of_process[2]
        verdict = sum(verdicts[1:], verdicts[0])
        return sum(rates[1:], rates[0]), all_counts, all_tokens / max(1, len(self.data.dev)), verdict

    def _finish_epoch(
        self, rates: ErrorRates, counts: EmissionCounts, emitted_length: float, verdict: Verdict
    ) -> None:
        progress, training = self.progress, self.config.training
        error = float(getattr(rates, self.model.objective.measure))
        better = error < self.best_error
        num_frames = round(self.processes.sum([progress.epoch_frames], self.device)[0])
        frames_per_second = num_frames / max(progress.epoch_seconds, 1e-9)
        lengths = emitted_length, self.target_length
        figures = figures_of(
            progress, error, counts if self._has_blank() else None, lengths, self.gradient_norms, training
        )
        self.progress = after_epoch(progress, figures, is_best=better)
        self.gradient_norms = []
        rate = training.learning_rate * progress.rate_share
        remarks = diagnose(self.progress.epochs, Settings(training.num_epochs, rate, training.gradient_clip))
        metrics = metrics_of(progress, figures, frames_per_second, rates, remarks)
        dev = dev_line(rates, self.model.objective.measure)
        line = epoch_line(self.progress, training.num_epochs, figures.train_loss, dev, frames_per_second)
        self.log.epoch(metrics, line + ("  best" if better else ""))
        for remark in remarks:
            self.log.line(f"{self._place(figures.epoch)}  doctor: {remark}")
        self.tracker.epoch(metrics)
        num_parameters = sum(parameter.numel() for parameter in self.model.parameters())
        header = Header(
            experiment=self.config,
            tokens=self.data.tokens,
            num_parameters=num_parameters,
            summary=summary_of(self.progress, rates, self.data.num_own, len(self.data.dev)),
            calibration=calibrate(verdict) if isinstance(self.config.objective, CtcConfig) else None,
        )
        if self.processes.is_first:
            if better:
                # The best model of an epoch that is run again is there already, and not the one before.
                is_again = epoch_of_model(self.folder.best) >= figures.epoch
                before = None if is_again else previous(self.folder.best)
                save_model(self.folder.best, header, self.average, self.data.frontend, before)
            save_model(self.folder.last, header, self.average, self.data.frontend)
        self.best_error = min(self.best_error, error)
        self._save_checkpoint()

    def _has_blank(self) -> bool:
        return self.model.objective.measure == "cer"

    def _result(self) -> TrainingResult:
        path = self.folder.best
        return TrainingResult(path, read_header(path).summary, self.progress.seconds / 60)

    def _out_of_patience(self) -> bool:
        patience = self.config.training.patience
        return patience is not None and self.progress.num_steps - self.progress.best_step >= patience

    def _choose_arithmetic(self) -> None:
        """Settles threads and precision at the start of a run; one that goes on keeps what is not named anew."""
        num_threads = self.progress.num_threads
        if num_threads is None:
            num_threads, dtype = self.processes.from_first(self._fastest_arithmetic())
            precision = str(dtype).removeprefix("torch.")
            self.progress = msgspec.structs.replace(self.progress, precision=precision)
        num_threads = self.config.training.num_threads or num_threads
        self.progress = msgspec.structs.replace(self.progress, num_threads=num_threads)
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

    def _save_checkpoint_if_sound(self) -> None:
        """Writes a checkpoint unless the weights may be lost: the one before then stays what the run goes on from."""
        is_sound = self.progress.is_sound and are_finite(self.model.state_dict()) and are_finite(self.average)
        if self.processes.from_first(is_sound):
            self._save_checkpoint()

    def _save_checkpoint(self, *, keeps_previous: bool = True) -> None:
        random_states = self.processes.gathered(random_state(self.device))
        if self.processes.is_first:
            save_checkpoint(
                self.folder.checkpoint,
                self.progress,
                self.model,
                self.average,
                self.optimizer,
                random_states,
                self.gradient_norms,
                previous(self.folder.checkpoint) if keeps_previous else None,
            )
        self.saved = self.progress
        self.last_checkpoint = time.monotonic()

    def _stop_if_requested(self) -> None:
        if self.stopping:
            num_steps = self.saved.batch
            steps = f" and {num_steps} step{'s' if num_steps > 1 else ''}" if num_steps else ""
            raise TrainingStopped(
                f"stopped after {self.saved.epoch} of {self.config.training.num_epochs} epochs{steps}, "
                f"all of it is kept in {self.folder.path}; the same command goes on"
            )


class _SaysNothing(Exception):
    """The model says NaN of a dev example."""
