"""kraken for benchmarks.lines, in an environment of its own; not run by hand.

Told what to do on standard input, it does so with the lines of some ALTO pages, and says how many lines that were and
how long it took, in seconds and in seconds of the processor.
"""

import json
import logging
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch

BATCH_SIZE = 16


class Kraken:
    """kraken 7 with its default network; every method but the first returns a number of lines."""

    def __init__(self, pages: list[str], folder: str, cores: int, num_steps: int) -> None:
        self.pages, self.folder, self.cores, self.num_steps = pages, Path(folder), cores, num_steps
        self.module: Any = None
        self.data: Any = None
        self.cut: list[Any] = []
        self.grey: list[tuple[Any, Any]] = []

    def prepare(self) -> int:
        """Compiles the data set, loads the pages, and takes a few steps, so that there is a network."""
        from kraken.configs import VGSLRecognitionTrainingConfig, VGSLRecognitionTrainingDataConfig
        from kraken.lib.arrow_dataset import build_binary_dataset
        from kraken.train import VGSLRecognitionDataModule, VGSLRecognitionModel

        dataset = str(self.folder / "lines.arrow")
        build_binary_dataset(self.pages, dataset, "alto")
        workers = 0 if self.cores == 1 else 1  # on one core a second process would only be in the way
        settings: dict[str, Any] = {"batch_size": BATCH_SIZE, "augment": True, "num_workers": workers}
        data = VGSLRecognitionTrainingDataConfig(
            format_type="binary", training_data=[dataset], evaluation_data=[dataset], **settings
        )
        self.data = VGSLRecognitionDataModule(data)
        self.module = VGSLRecognitionModel(VGSLRecognitionTrainingConfig(quit="fixed", **settings))
        loaded = [self._page(path) for path in self.pages]
        self.grey = [(image.convert("L"), segmentation) for image, segmentation in loaded]
        self.cut = [line for page in loaded for line in _lines(*page)]
        return self.train(2)

    def train(self, num_steps: int | None = None) -> int:
        """Takes training steps as `ketos train` does, augmentation included, after two that are not counted."""
        import lightning

        clock = _Clock(2, num_steps or self.num_steps)
        callback = type(
            "_Callback", (lightning.pytorch.callbacks.Callback,), {"on_train_batch_end": clock.on_end}
        )
        trainer = lightning.Trainer(
            accelerator="cpu",
            devices=1,
            precision="32-true",
            max_epochs=-1,
            max_steps=clock.num_before + clock.num_steps,
            gradient_clip_val=1.0,
            callbacks=[callback()],
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            limit_val_batches=0,
            num_sanity_val_steps=0,
        )
        trainer.fit(self.module, self.data)
        self.clock = clock.clock
        return clock.num_lines

    def cut_lines(self) -> int:
        """Cuts the lines out of grey pages that are in memory."""
        return sum(1 for page in self.grey for _ in _lines(*page))

    def cut_pages(self) -> int:
        """Cuts the lines out of pages on the disk."""
        return sum(1 for path in self.pages for _ in _lines(*self._page(path)))

    def read_lines(self, batch_size: int) -> int:
        """Reads lines that have been cut out, as `predict` does."""
        from kraken.lib.dataset import ImageInputTransforms

        net = self._net(batch_size)
        batch, channels, height, width = net.input
        transforms = ImageInputTransforms(batch, height, width, channels, (16, 0), False)
        with torch.inference_mode():
            for start in range(0, len(self.cut), batch_size):
                lines = [transforms(image) for image in self.cut[start : start + batch_size]]
                widest = max(line.shape[2] for line in lines)
                padded = [torch.nn.functional.pad(line, (0, widest - line.shape[2])) for line in lines]
                widths = torch.tensor([line.shape[2] for line in lines])
                net._rec_predict(torch.stack(padded), widths)
        return len(self.cut)

    def read_pages(self, batch_size: int) -> int:
        """Reads the lines of pages on the disk, as `kraken ocr` does."""
        net = self._net(batch_size)
        return sum(1 for path in self.pages for _ in net.predict(*self._page(path)))

    def _net(self, batch_size: int) -> Any:
        from kraken.configs import RecognitionInferenceConfig

        workers = 0 if self.cores == 1 else self.cores
        config = RecognitionInferenceConfig(
            batch_size=batch_size, num_line_workers=workers, accelerator="cpu", device=1
        )
        self.module.net.prepare_for_inference(config)
        return self.module.net

    def _page(self, path: str) -> tuple[Any, Any]:
        from kraken.lib.xml import XMLPage
        from PIL import Image

        segmentation = XMLPage(path, filetype="alto").to_container()
        image = Image.open(segmentation.imagename)
        image.load()
        return image, segmentation


class _Clock:
    """Counts the lines of some batches, and measures them."""

    def __init__(self, num_before: int, num_steps: int) -> None:
        self.num_before, self.num_steps = num_before, num_steps
        self.num_lines, self.num_batches = 0, 0
        self.clock = (0.0, 0.0)
        self.start = (0.0, 0.0)

    def on_end(self, trainer: Any, module: Any, outputs: Any, batch: Any, index: int) -> None:
        self.num_batches += 1
        if self.num_batches > self.num_before:
            self.num_lines += len(batch["image"])
        else:
            self.start = _now()
        if self.num_batches == self.num_before + self.num_steps:
            self.clock = _since(self.start)


def _lines(image: Any, segmentation: Any) -> Iterator[Any]:
    """Yields the lines of a page that kraken can cut out, one by one as its recogniser does."""
    from kraken.models.ctc import _extract_line

    for index in range(len(segmentation.lines)):
        line, _ = _extract_line(image, segmentation, index)
        if line is not None:
            yield line


def _now() -> tuple[float, float]:
    times = os.times()
    return time.perf_counter(), times.user + times.system + times.children_user + times.children_system


def _since(start: tuple[float, float]) -> tuple[float, float]:
    now = _now()
    return now[0] - start[0], now[1] - start[1]


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the libraries print is no answer
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    setup = json.loads(sys.argv[1])
    torch.set_num_threads(setup["cores"])
    kraken = Kraken(setup["pages"], setup["folder"], setup["cores"], setup["steps"])
    work: dict[str, Callable[[], int]] = {
        "prepare": kraken.prepare,
        "train": kraken.train,
        "cut lines": kraken.cut_lines,
        "cut pages": kraken.cut_pages,
        **{f"read lines {size}": partial(kraken.read_lines, size) for size in (1, BATCH_SIZE)},
        **{f"read pages {size}": partial(kraken.read_pages, size) for size in (1, BATCH_SIZE)},
    }
    for line in sys.stdin:
        start = _now()
        num_lines = work[line.strip()]()
        seconds, processor_seconds = kraken.clock if line.strip() == "train" else _since(start)
        answer = {"lines": num_lines, "seconds": seconds, "processor_seconds": processor_seconds}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
