from pathlib import Path

import numpy as np
import pytest

from seqlabel.data import BatchMaker
from seqlabel.errors import FormatError
from seqlabel.example_table import ExampleTable
from seqlabel.features import MatrixConfig
from seqlabel.frontend import Frontend, FrontendConfig
from seqlabel.loaded import FeaturesOnDemand, LoadedExamples, SignalStore, learnable, num_bytes
from seqlabel.records import Example, LineImage, Matrix, Strokes, Symbols, Waveform
from seqlabel.tokens import TokenTable

FRONTEND = Frontend(FrontendConfig(feature=MatrixConfig(dim=2)))
TOKENS = TokenTable.from_texts(["ab"])


@pytest.fixture
def table(tmp_path: Path) -> ExampleTable:
    found = ExampleTable()
    for number in range(6):
        path = tmp_path / f"{number}.npy"
        np.save(path, np.full((5 + number, 2), number, np.float32))
        found.append(Example(id=str(number), source=path, text="ab", group="xyx"[number % 3]))
    return found


def loaded_of(table: ExampleTable, room: float) -> LoadedExamples:
    store = SignalStore(FRONTEND, table, room)

    def make(example: Example, signal: Matrix | None, num_frames: int) -> object:
        return learnable(example, signal, num_frames, TOKENS, lambda target, frames: None)

    frames = np.array([5 + number for number in range(6)], np.int32)
    return LoadedExamples(table, frames, np.arange(6), make, store)  # type: ignore[arg-type]


def test_only_as_many_signals_are_kept_as_there_is_room_for(table: ExampleTable) -> None:
    size = num_bytes(Matrix(np.zeros((6, 2), np.float32)))
    store = SignalStore(FRONTEND, table, 2.5 * size)
    for _ in range(2):
        for number in range(6):
            assert store.signal(number).values[0, 0] == number
    assert sorted(store.kept) == [0, 1]
    assert store.room >= 0
    store.forget(0)
    assert sorted(store.kept) == [1] and store.room > 1.4 * size


def test_a_kept_signal_is_not_read_again_and_another_that_is_gone_is_told(table: ExampleTable) -> None:
    kept, other = SignalStore(FRONTEND, table, 1e6), SignalStore(FRONTEND, table, 0.0)
    kept.signal(3), other.signal(3)
    table[3].source.unlink()
    assert kept.signal(3).values[0, 0] == 3
    with pytest.raises(FormatError, match=r"3\.npy: no such file"):
        other.signal(3)


def test_the_size_of_a_signal_is_that_of_its_arrays() -> None:
    pixels = np.zeros((20, 400), np.uint8)
    strokes = tuple(np.zeros((50, 2), np.float32) for _ in range(4))
    for signal, size in (
        (Waveform(np.zeros(1000, np.float32), 8000), 4000),
        (LineImage(pixels), 8000),
        (LineImage(pixels[:, :4]), 8000),  # a view keeps the whole image
        (Strokes(strokes), 1600),
        (Symbols(("ab", "c")), 4),
    ):
        assert size <= num_bytes(signal) <= size + 1000


def test_batches_do_not_depend_on_what_is_kept(table: ExampleTable) -> None:
    makers = [
        BatchMaker(FRONTEND, loaded, lambda target, frames: None, seed=1, join_share=0.5)
        for loaded in (
            loaded_of(table, 1e6),
            loaded_of(table, 0.0),
            list(loaded_of(table, 1e6)),  # as others give them
        )
    ]
    for epoch in range(3):
        orders = [maker.order(epoch, 2, 1000) for maker in makers]
        assert orders[0] == orders[1] == orders[2]
        for indices in orders[0]:
            first, *others = (maker.batch(epoch, indices) for maker in makers)
            for other in others:
                assert first.ids == other.ids
                assert first.features.equal(other.features) and first.targets.equal(other.targets)


def test_parts_keep_their_places(table: ExampleTable) -> None:
    part = loaded_of(table, 0.0)[1::2]
    assert [item.example.id for item in part] == ["1", "3", "5"]
    assert [item.known_signal.values[0, 0] for item in part] == [1, 3, 5]
    assert part.num_frames.tolist() == [6, 8, 10]


def test_features_are_computed_when_they_are_wanted_unless_they_are_kept() -> None:
    computed = []

    def compute(number: int) -> np.ndarray:
        computed.append(number)
        return np.full((number + 1, 2), number, np.float32)

    features = FeaturesOnDemand(compute, np.array([1, 2, 3]), {1: compute(1)})
    assert [len(part) for part in features[::2]] == [1, 3]
    assert features[1][0, 0] == 1
    assert computed == [1, 0, 2]
    assert features[1:].lengths.tolist() == [2, 3]
