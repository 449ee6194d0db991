"""Manifests without the examples in which something was found, and what was left out of them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from seqlabel.checks.findings import Finding, Kind, Place
from seqlabel.checks.splits import Split
from seqlabel.errors import ConfigError
from seqlabel.manifest import write_manifest


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An example that a cleaned manifest goes without, and the kinds of finding for which it does."""

    place: Place
    reasons: tuple[tuple[Kind, str], ...]


def write_cleaned(
    splits: Sequence[Split], findings: Sequence[Finding], kinds: Collection[Kind], out: Path
) -> tuple[list[tuple[Path, int]], list[LeftOut]]:
    """Writes the splits without the offenders of some kinds of finding.

    Texts, labels and parts stay as they were; lines of pages that nobody has transcribed are not written.

    Args:
        splits: as they were read, not prepared.
        findings: of a check of these splits.
        kinds: for which an example is left out.
        out: a manifest, or of several splits a folder, in which each is called as it is named.

    Returns:
        The files with the number of examples in each, and what was left out.

    Raises:
        ConfigError: a split would be empty.
        ManifestError: a file cannot be written.
    """
    reasons: dict[Place, list[tuple[Kind, str]]] = {}
    for finding in findings:
        if finding.kind in kinds:
            for place in finding.left_out:
                reasons.setdefault(place, []).append((finding.kind, finding.reason))
    kept = [
        [example for example in split.examples if Place(split.name, example.id) not in reasons]
        for split in splits
    ]
    for split, examples in zip(splits, kept, strict=True):
        if not examples:
            raise ConfigError(
                f"{split.path}: nothing would be left of its {len(split.examples):,} examples; see what was found "
                "first, or leave out fewer kinds (--leave-out)"
            )
    written = []
    for split, examples in zip(splits, kept, strict=True):
        path = out if len(splits) == 1 else out / f"{split.name}.jsonl"
        write_manifest(path, examples)
        written.append((path, len(examples)))
    in_order = [
        LeftOut(place, tuple(reasons[place]))
        for split in splits
        for example in split.examples
        if (place := Place(split.name, example.id)) in reasons
    ]
    return written, in_order
