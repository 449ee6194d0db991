"""Safetensors files with a checksum, which model files and checkpoints are.

The checksum stands in the metadata, so that every program that reads safetensors still reads the files. It is over all
else: the names, types, shapes and bytes of the tensors and the other metadata. SHA-256 takes 0.6 s for a gigabyte where
the processor has instructions for it and about 3 s elsewhere, little beside reading it from a disk, so that it is
looked at whenever tensors are read. Files from before there were checksums are read without.
"""

import hashlib
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from seqlabel.errors import ModelFileError
from seqlabel.whole_files import whole_file

CHECKSUM = "checksum"
"""The key of the metadata under which it stands, as `sha256:` and 64 hexadecimal digits."""


def checksum(tensors: dict[str, Tensor], metadata: dict[str, str]) -> str:
    """Returns the checksum of tensors and of metadata, in which one that stands there already is passed over."""
    found = hashlib.sha256()
    for key, value in sorted(metadata.items()):
        if key != CHECKSUM:
            found.update(f"{len(key)} {key} {len(value)} {value}".encode())
    for name, tensor in sorted(tensors.items()):
        found.update(f"{len(name)} {name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        found.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return f"sha256:{found.hexdigest()}"


def save_tensors(
    path: Path, tensors: dict[str, Tensor], metadata: dict[str, str], previous: Path | None = None
) -> None:
    """Writes a safetensors file whole or not at all; what was there before becomes `previous`, where that is given.

    Raises:
        ModelFileError: it cannot be written (a full disk); a file that was there before stays.
    """
    metadata = metadata | {CHECKSUM: checksum(tensors, metadata)}
    try:
        with whole_file(path, previous) as temporary:
            save_file(tensors, temporary, metadata)
    except (SafetensorError, OSError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        for prefix in ("Error while serializing: ", "I/O error: "):
            reason = reason.removeprefix(prefix)
        raise ModelFileError(
            f"{path}: cannot be written ({reason.partition(' (os error')[0]}), earlier files are kept; make room on "
            "the disk, or see to the rights of the folder, and give the same command again"
        ) from error


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Returns the tensors and the metadata of a safetensors file, the checksum among them.

    Raises:
        ModelFileError: no such file, not a whole safetensors file, or another content than was written.
    """
    refuse_non_file(path)
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            metadata: dict[str, str] = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise unreadable(path, error) from error
    if CHECKSUM in metadata and metadata[CHECKSUM] != checksum(tensors, metadata):
        raise ModelFileError(
            f"{path}: damaged, since its content is not that of its checksum; copy it again, or take another"
        )
    return tensors, metadata


def read_metadata(path: Path) -> dict[str, str]:
    """Returns the metadata of a safetensors file; its tensors are not read, and its checksum not looked at.

    Raises:
        ModelFileError: no such file, or not a whole safetensors file.
    """
    refuse_non_file(path)
    try:
        with safe_open(path, framework="pt") as file:
            found: dict[str, str] = file.metadata() or {}
            return found
    except (SafetensorError, OSError) as error:
        raise unreadable(path, error) from error


def refuse_non_file(path: Path) -> None:
    """Raises a ModelFileError for a folder, or where nothing is."""
    if path.is_dir():
        raise ModelFileError(
            f"{path}: is a folder; give the model file in it, such as {path / 'best.safetensors'}"
        )
    if not path.is_file():
        raise ModelFileError(
            f"{path}: no such model file; `seqlabel train` writes best.safetensors in its run folder"
        )


def unreadable(path: Path, error: Exception) -> ModelFileError:
    """Returns the error for a file that is no safetensors file."""
    reason = str(error).removeprefix("Error while deserializing header: ")
    return ModelFileError(
        f"{path}: not a whole safetensors file ({reason}); expected one that `seqlabel train` wrote, copy it again"
    )
