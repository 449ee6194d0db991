"""Which manifests are looked at together: those that are named, those of a folder, or those of a recipe."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from seqlabel.errors import ManifestError
from seqlabel.experiment import DataConfig, ExperimentConfig
from seqlabel.formats import split_page_address
from seqlabel.manifest import read_manifest, read_manifests
from seqlabel.records import Example
from seqlabel.training_set import read_examples

USUAL_SPLITS = ("train", "dev", "valid", "validation", "val", "test")
"""Names of manifests that a folder is looked through for."""
OTHER_KINDS = ("metadata.jsonl", "metadata.csv", "wav.scp", "feats.scp")


@dataclass(frozen=True, slots=True)
class Split:
    """One part of a corpus.

    Attributes:
        name: what it is called in tables.
        path: of its manifest; of several that are joined, all of them with commas.
        examples: in the order of the manifest, without the lines of pages that nobody has transcribed.
        untold: ids of those lines.
    """

    name: str
    path: str
    examples: tuple[Example, ...]
    untold: tuple[str, ...] = ()

    @property
    def is_training(self) -> bool:
        """Whether its name says that it is learnt from."""
        return "train" in self.name.lower()


def read_splits(paths: Sequence[Path]) -> tuple[list[Split], list[str]]:
    """Returns the splits of manifests or folders, named after their files, and names of manifests passed over.

    A folder with manifests in it and nothing else that could be read stands for its train, dev and test manifests where
    it has them, else for all its manifests.

    Raises:
        ManifestError: as `manifest.read_manifest`.
    """
    found: list[Path] = []
    passed: list[str] = []
    for path in paths:
        inside = _manifests_of(path)
        if inside is None:
            found.append(path)
            continue
        chosen, others = inside
        found += chosen
        passed += [str(other) for other in others]
    names = _names(found)
    parts = zip(names, found, read_manifests(found), strict=True)
    return [_split(name, str(path), examples) for name, path, examples in parts], passed


def splits_of_recipe(config: ExperimentConfig, data_dir: Path, tell: Callable[[str], object]) -> list[Split]:
    """Returns the splits as training takes them, `train` and `dev`, with `test.jsonl` of the folder where it has one.

    Args:
        config: the recipe.
        data_dir: where its manifests are.
        tell: is told which lines of pages have no text, and how the dev set was set apart where no manifest is named.

    Raises:
        ManifestError, ConfigError: as training raises them.
    """
    train, dev, _ = read_examples(config.data, data_dir, tell)
    return recipe_splits(config.data, data_dir, train, dev)


def recipe_splits(
    data: DataConfig, data_dir: Path, train: Sequence[Example], dev: Sequence[Example]
) -> list[Split]:
    """Returns what a recipe learns from, auxiliary examples too, and is judged by; with `test.jsonl`, if there is one.

    Raises:
        ManifestError: that cannot be read.
    """
    dev_name = data.dev or f"a share of {', '.join(data.train)}"
    splits = [
        _split("train", ", ".join(str(data_dir / name) for name in (*data.train, *data.auxiliary)), train),
        _split("dev", str(data_dir / dev_name), dev),
    ]
    test = data_dir / "test.jsonl"
    if test.is_file() and "test.jsonl" not in (*data.train, *data.auxiliary, data.dev):
        splits.append(_split("test", str(test), read_manifest(test)))
    return splits


def _split(name: str, path: str, examples: Sequence[Example]) -> Split:
    untold = [e for e in examples if e.text is None and split_page_address(e.source) is not None]
    if not untold:
        return Split(name, path, tuple(examples))
    ids = {example.id for example in untold}
    return Split(name, path, tuple(e for e in examples if e.id not in ids), tuple(e.id for e in untold))


def _manifests_of(path: Path) -> tuple[list[Path], list[Path]] | None:
    """Returns the manifests of a folder that are looked at, and the others; None where it is to be read as it is."""
    if not path.is_dir() or any((path / name).is_file() for name in OTHER_KINDS):
        return None
    manifests = sorted(path.glob("*.jsonl"))
    if not manifests:
        return None
    usual = [path / f"{name}.jsonl" for name in USUAL_SPLITS if (path / f"{name}.jsonl") in manifests]
    chosen = usual or manifests
    return chosen, [other for other in manifests if other not in chosen]


def _names(paths: Sequence[Path]) -> list[str]:
    """Returns a name for each path: that of the file or folder, with as many folders before it as tell them apart."""
    parts = [_without_ending(path).parts for path in paths]
    length = 1
    while True:
        names = [os.path.join(*part[-length:]) for part in parts]
        if len(set(names)) == len(names):
            return names
        length += 1
        if length > max(map(len, parts)):
            twice = next(path for path, name in zip(paths, names, strict=True) if names.count(name) > 1)
            raise ManifestError(f"{twice}: is named twice, or another with the same name; name it once")


def _without_ending(path: Path) -> Path:
    absolute = Path(os.path.abspath(path))
    is_metadata = absolute.name in OTHER_KINDS
    if is_metadata:
        return absolute.parent
    return absolute.with_suffix("") if absolute.suffix.lower() in (".jsonl", ".json", ".csv") else absolute
