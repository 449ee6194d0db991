"""What `seqlabel info` says of a model file, for people."""

import inspect
from collections.abc import Iterator
from pathlib import Path

from seqlabel.calibration import Calibration
from seqlabel.config import Config
from seqlabel.frontend import Frontend
from seqlabel.model_file import Header
from seqlabel.texts import TextConfig

MAX_SHOWN = 300
"""Characters of a token table that are shown."""


def describe(path: Path, header: Header) -> Iterator[tuple[str, str]]:
    """Yields the rows of a table: a name, empty where the row goes on, and what there is to say."""
    config, tokens, summary = header.experiment, header.tokens, header.summary
    frontend = Frontend(config.frontend)
    yield "model", str(path)
    num_bytes = path.stat().st_size
    size = f"{num_bytes / 1e6:.1f} MB" if num_bytes >= 1e5 else f"{num_bytes / 1e3:.1f} kB"
    yield "size", f"{size}, {header.num_parameters:,} weights"
    yield "reads", f"files that end in {' '.join(sorted(frontend.suffixes))}"
    yield "writes", f"{len(tokens) - 1} {tokens.unit}s: {_shown(tokens.tokens[1:])}"
    if (texts := _texts(config.texts)) is not None:
        yield "texts", texts
    yield "features", _sentence(config.frontend.feature)
    if config.frontend.normalization is not None:
        yield "", f"normalised: {_settings(config.frontend.normalization)}"
    if config.frontend.stacking is not None:
        yield "", f"stacked: {_settings(config.frontend.stacking)}"
    yield "", f"{frontend.dim} numbers for each frame"
    yield "encoder", _sentence(config.encoder)
    yield "objective", _sentence(config.objective)
    yield "decoder", _sentence(config.decoder)
    yield (
        "trained",
        f"recipe {config.name}, seed {config.training.seed}, {summary.num_train_examples:,} examples",
    )
    yield (
        "",
        f"epoch {summary.epoch} of {config.training.num_epochs}, {summary.num_steps:,} steps, "
        f"{summary.minutes:.1f} minutes",
    )
    versions = ", ".join(f"{name} {version}" for name, version in sorted(summary.versions.items()))
    yield "", f"{summary.finished_at.replace('T', ' ').replace('+00:00', ' UTC')}, {versions}"
    for number, name in enumerate(header.merged_from):
        yield "" if number else "merged", name
    yield (
        "dev error",
        f"CER {100 * summary.dev_cer:.2f} %  WER {100 * summary.dev_wer:.2f} %  SER {100 * summary.dev_ser:.2f} %  "
        f"({summary.num_dev_examples:,} examples)",
    )
    if header.adapted_to is not None:
        yield "adapted", f"to one voice or hand: {header.adapted_to}; what stands here is of the model before"
    if header.calibration is not None:
        yield "", _confidences(header.calibration)


def _confidences(calibration: Calibration) -> str:
    parts = (
        f"{name} temperature {scale.temperature:.2f}, bias {scale.bias:+.2f}"
        for name, scale in (("tokens", calibration.tokens), ("words", calibration.words))
    )
    return f"confidences calibrated: {'; '.join(parts)}; {calibration.errors_per_doubt:.2f} errors a token of doubt"


def _texts(config: TextConfig) -> str | None:
    """What becomes of texts before they are learnt; None where that is what it always was."""
    parts: list[str] = []
    if config.unicode_form != "NFC":
        parts.append(config.unicode_form or "in any Unicode form")
    if config.reading_order == "visual":
        base = {"L": ", lines from left to right", "R": ", lines from right to left", "auto": ""}
        parts.append(f"read from left to right on the paper{base[config.base_direction]}")
    if config.rules:
        parts.append(f"{len(config.rules)} rule{'s' if len(config.rules) > 1 else ''} of replacement")
    return "; ".join(parts) or None


def _shown(tokens: tuple[str, ...]) -> str:
    names = ["space" if token == " " else token if token.isprintable() else ascii(token) for token in tokens]
    text = " ".join(names)
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN].rsplit(" ", 1)[0] + " ..."


def _sentence(config: Config) -> str:
    """What a part does, in the first words of its documentation, and its settings."""
    words = (
        (inspect.getdoc(type(config)) or type(config).__name__).splitlines()[0].rstrip(".").partition(";")[0]
    )
    settings = _settings(config)
    return f"{words} ({settings})" if settings else words


def _settings(config: Config) -> str:
    return ", ".join(
        f"{name.replace('_', ' ')} {_value(getattr(config, name))}" for name in config.__struct_fields__
    )


def _value(value: object) -> str:
    if isinstance(value, Config):
        return f"({_settings(value)})"
    if isinstance(value, tuple):
        if len(value) > 1 and isinstance(value[0], Config) and all(part == value[0] for part in value):
            return f"{len(value)} times {_value(value[0])}"
        if any(isinstance(part, Config) for part in value):
            return " ".join(map(_value, value))
        return "x".join(map(_value, value)) if value else "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)
