from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from seqlabel.errors import ModelFileError
from seqlabel.tensor_files import CHECKSUM, checksum, read_metadata, read_tensors, save_tensors

TENSORS = {
    "a": torch.arange(6.0).reshape(2, 3),
    "half": torch.ones(3, dtype=torch.bfloat16),
    "none": torch.zeros(0, 4),
    "one": torch.tensor(3),
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    save_tensors(tmp_path / "x.safetensors", TENSORS, {"format": "test", "text": "é"})
    return tmp_path / "x.safetensors"


def test_what_is_written_is_read_and_is_safetensors_to_other_programs(file: Path) -> None:
    tensors, metadata = read_tensors(file)
    assert metadata == {"format": "test", "text": "é", CHECKSUM: metadata[CHECKSUM]}
    assert all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)
    assert load_file(file).keys() == TENSORS.keys()


def test_every_flipped_bit_is_noticed_or_harmless(file: Path) -> None:
    """From a file with a flipped bit nothing is read that was not written; those of all tensors are among the bits."""
    data = file.read_bytes()
    expected, metadata = read_tensors(file)
    size = int.from_bytes(data[:8], "little")
    rng = np.random.default_rng(1)
    places = [*range(8 * (8 + size), 8 * len(data)), *rng.integers(0, 8 * (8 + size), 1600).tolist()]
    num_noticed = 0
    for place in places:
        flipped = bytearray(data)
        flipped[place // 8] ^= 1 << (place % 8)
        file.write_bytes(bytes(flipped))
        try:
            found, said = read_tensors(file)
        except ModelFileError:
            num_noticed += 1
            continue
        assert place < 8 * (8 + size)
        # A space of the padding, or a letter in the name of the checksum, after which the file is one without.
        assert found.keys() == expected.keys()
        assert all(found[name].equal(expected[name]) for name in found)
        assert all(said[key] == value for key, value in metadata.items() if key != CHECKSUM)
    assert num_noticed > 0.8 * len(places)


def test_a_flipped_bit_of_a_tensor_is_told_in_one_line(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[-3] ^= 4
    file.write_bytes(bytes(data))
    with pytest.raises(
        ModelFileError, match=r"x\.safetensors: damaged, since its content is not that of its"
    ):
        read_tensors(file)


def test_other_names_and_shapes_of_the_same_bytes_have_another_checksum() -> None:
    tensor = torch.arange(6.0)
    found = [
        checksum(*content)
        for content in (
            ({"a": tensor}, {}),
            ({"b": tensor}, {}),
            ({"a": tensor.reshape(2, 3)}, {}),
            ({"a": tensor.view(torch.int32)}, {}),
            ({"a": tensor}, {"key": "value"}),
            ({"a": tensor}, {"keyv": "alue"}),
        )
    ]
    assert len(set(found)) == len(found)


def test_files_from_before_there_were_checksums_are_read(file: Path) -> None:
    save_file(TENSORS, file, {"format": "test"})
    assert read_tensors(file)[1] == {"format": "test"}


def test_the_metadata_are_read_without_the_tensors(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[-3] ^= 4
    file.write_bytes(bytes(data))
    assert read_metadata(file)["text"] == "é"
