import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from seqlabel.augmentations import GaussianNoiseConfig, SpeedConfig
from seqlabel.data import (
    Batch,
    BatchMaker,
    Loaded,
    ahead,
    bucketed_batches,
    check_targets,
    collate,
    keep_for_scoring,
    read_signals,
)
from seqlabel.engine.frames import rounded_up
from seqlabel.errors import ManifestError
from seqlabel.features import MatrixConfig
from seqlabel.frontend import Frontend, FrontendConfig
from seqlabel.objectives import Ctc
from seqlabel.records import Example, Matrix
from seqlabel.tokens import TokenTable

LENGTHS = np.random.default_rng(1).integers(1, 400, size=123).tolist()
TOKENS = TokenTable.from_texts(["ab"])


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def same_lengths(target: Sequence[int], num_frames: int) -> str | None:
    return Ctc().obstacle(target, num_frames)


def third(target: Sequence[int], num_frames: int) -> str | None:
    return Ctc().obstacle(target, -(-num_frames // 3))


def plain_frontend() -> Frontend:
    return Frontend(FrontendConfig(feature=MatrixConfig(dim=2), normalization=None))


def example(id_: str, text: str | None) -> Example:
    return Example(id=id_, source=Path(f"{id_}.npy"), text=text)


def frames(num_frames: int, seed: int = 1) -> np.ndarray:
    return rng(seed).normal(size=(num_frames, 2)).astype(np.float32)


# --- buckets ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [None, 1, 2])
@pytest.mark.parametrize(("batch_size", "batch_frames"), [(16, 10**6), (16, 900), (1, 900), (500, 2000)])
def test_every_index_stands_in_one_batch(seed: int | None, batch_size: int, batch_frames: int) -> None:
    generator = None if seed is None else rng(seed)
    batches = bucketed_batches(LENGTHS, batch_size, batch_frames, generator)
    assert sorted(index for batch in batches for index in batch) == list(range(len(LENGTHS)))


@pytest.mark.parametrize("seed", [None, 1, 2, 3])
def test_no_batch_has_more_examples_or_padded_frames_than_asked(seed: int | None) -> None:
    generator = None if seed is None else rng(seed)
    batches = bucketed_batches(LENGTHS, 10, 1500, generator)
    assert max(len(batch) for batch in batches) == 10
    for batch in batches:
        assert len(batch) <= 10
        assert len(batch) * max(LENGTHS[index] for index in batch) <= 1500


def test_an_example_longer_than_a_batch_stands_alone() -> None:
    assert bucketed_batches([50, 900, 40], 8, 100, None) == [[1], [0, 2]]


def test_little_padding_is_made() -> None:
    batches = bucketed_batches(LENGTHS, 16, 10**6, rng(1))
    padded = sum(len(batch) * max(LENGTHS[index] for index in batch) for batch in batches)
    in_order = sum(16 * max(LENGTHS[start : start + 16]) for start in range(0, len(LENGTHS), 16))
    assert padded < 1.25 * sum(LENGTHS) < in_order


def test_without_a_generator_the_longest_come_first() -> None:
    order = [LENGTHS[i] for batch in bucketed_batches(LENGTHS, 8, 10**6, None) for i in batch]
    assert order == sorted(LENGTHS, reverse=True)


def test_one_seed_gives_one_order_and_another_seed_other_batches_in_another_order() -> None:
    first, again, other = (bucketed_batches(LENGTHS, 8, 10**6, rng(seed)) for seed in (1, 1, 2))
    assert first == again
    assert {frozenset(batch) for batch in first} != {frozenset(batch) for batch in other}
    longest_first = [max(LENGTHS[i] for i in batch) for batch in first]
    assert longest_first != sorted(longest_first, reverse=True)


def test_no_examples_make_no_batches() -> None:
    assert bucketed_batches([], 8, 100, None) == []


# --- batches ----------------------------------------------------------------------------------------------


def test_a_batch_holds_every_example_padded_with_zeros_on_the_right() -> None:
    items = [("long", frames(11), [1, 2, 2]), ("short", frames(3, 2), [2]), ("empty", frames(5, 3), [])]
    batch = collate(items)
    assert batch.ids == ("long", "short", "empty")
    assert batch.feature_lengths.tolist() == [11, 3, 5]
    assert batch.target_lengths.tolist() == [3, 1, 0]
    assert batch.targets.tolist() == [[1, 2, 2], [2, 0, 0], [0, 0, 0]]
    for index, (_, features, _) in enumerate(items):
        np.testing.assert_array_equal(batch.features[index, : len(features)].numpy(), features)
        assert (batch.features[index, len(features) :] == 0).all()


@pytest.mark.parametrize("num_frames", [1, 8, 9, 700, 705])
def test_batches_are_padded_to_few_lengths(num_frames: int) -> None:
    assert collate([("a", frames(num_frames), [])]).features.shape[1] == rounded_up(num_frames)


def augmenting_maker(seed: int = 1) -> BatchMaker:
    config = FrontendConfig(
        feature=MatrixConfig(dim=2),
        normalization=None,
        signal_augmentations=(SpeedConfig(slowest=0.7, fastest=1.3),),
        feature_augmentations=(GaussianNoiseConfig(std=0.5),),
    )
    loaded = [
        Loaded(example(str(i), "ab"), Matrix(frames(20 + 3 * i, i)), 20 + 3 * i, (1, 2)) for i in range(9)
    ]
    return BatchMaker(Frontend(config), loaded, same_lengths, seed)


def by_id(batches: Sequence[Batch]) -> dict[str, np.ndarray]:
    return {
        id_: batch.features[row, : batch.feature_lengths[row]].numpy()
        for batch in batches
        for row, id_ in enumerate(batch.ids)
    }


def test_an_example_is_augmented_alike_whatever_batch_it_stands_in() -> None:
    maker = augmenting_maker()
    wide = by_id([maker.batch(3, [0, 1, 2, 3, 4]), maker.batch(3, [5, 6, 7, 8])])
    narrow = by_id([augmenting_maker().batch(3, [index]) for index in reversed(range(9))])
    assert wide.keys() == narrow.keys()
    for id_ in wide:
        np.testing.assert_array_equal(wide[id_], narrow[id_])


def test_every_epoch_seed_and_example_is_augmented_on_its_own() -> None:
    first, epoch, seed = (
        by_id([augmenting_maker(seed).batch(epoch, [0])])["0"] for seed, epoch in ((1, 3), (1, 4), (2, 3))
    )
    assert len({features.tobytes() for features in (first, epoch, seed)}) == 3
    twins = augmenting_maker()
    twins.loaded = [twins.loaded[0]] * 2
    one, two = twins.batch(3, [0]), twins.batch(3, [1])
    assert one.features.shape != two.features.shape or not torch.equal(one.features, two.features)


def test_the_order_of_an_epoch_depends_on_seed_and_epoch_only() -> None:
    order = augmenting_maker().order(2, 2, 1000)
    assert order == augmenting_maker().order(2, 2, 1000)
    assert order != augmenting_maker().order(3, 2, 1000)
    assert order != augmenting_maker(2).order(2, 2, 1000)


def test_shortest_first_sorts_the_batches_of_an_epoch_and_changes_nothing_else() -> None:
    drawn = augmenting_maker().order(2, 2, 1000)
    by_length = augmenting_maker().order(2, 2, 1000, shortest_first=True)
    longest = [max(indices) for indices in by_length]  # example i has 20 + 3 i frames
    assert longest == sorted(longest) and drawn != by_length
    assert sorted(drawn) == sorted(by_length)


def test_an_example_that_augmentation_makes_too_short_for_its_target_stays_as_it_is() -> None:
    config = FrontendConfig(
        feature=MatrixConfig(dim=2),
        normalization=None,
        signal_augmentations=(SpeedConfig(slowest=2.0, fastest=2.0),),
    )
    given = frames(12)
    for target, expected in (((1, 2) * 5, 12), ((1, 1) * 3, 12), ((1, 2) * 3, 6)):
        loaded = [Loaded(example("a", "ab"), Matrix(given), 12, target)]
        batch = BatchMaker(Frontend(config), loaded, same_lengths, 1).batch(0, [0])
        assert batch.feature_lengths.tolist() == [expected]


def joining_maker(join_share: float = 1.0, groups: str = "aabbc") -> BatchMaker:
    loaded = [
        Loaded(
            replace(example(str(i), "ab"), group=group), Matrix(frames(10 * (i + 1), i)), 10 * (i + 1), (1, 2)
        )
        for i, group in enumerate(groups)
    ]
    config = FrontendConfig(feature=MatrixConfig(dim=2), normalization=None)
    return BatchMaker(Frontend(config), loaded, same_lengths, 1, join_share=join_share, separator=(3,))


def test_examples_are_joined_within_their_group_and_no_longer_than_the_longest() -> None:
    maker = joining_maker()
    partners = [{maker.partner(epoch, index) for epoch in range(50)} for index in range(5)]
    # 30 and 40 frames would be more than the 50 of the longest.
    assert partners == [{None, 1}, {None, 0}, {None}, {None}, {None}]
    assert {joining_maker(0.0).partner(epoch, 0) for epoch in range(50)} == {None}


def test_a_joined_example_has_both_signals_and_both_texts() -> None:
    maker = joining_maker()
    epoch = next(epoch for epoch in range(50) if maker.partner(epoch, 0) == 1)
    batch = maker.batch(epoch, [0])
    assert batch.feature_lengths.tolist() == [30]
    assert batch.targets.tolist() == [[1, 2, 3, 1, 2]]
    signals = [item.signal for item in maker.loaded[:2]]
    both = np.concatenate([signal.values for signal in signals if isinstance(signal, Matrix)])
    np.testing.assert_array_equal(batch.features[0, :30].numpy(), both)


def test_batches_know_how_long_joined_examples_are() -> None:
    maker = joining_maker()
    epoch = next(epoch for epoch in range(50) if maker.partner(epoch, 0) == 1)
    assert all(
        sum(maker.batch(epoch, [index]).feature_lengths[0] for index in batch) <= 60
        for batch in maker.order(epoch, 9, 60)
    )


def test_half_of_the_examples_are_joined_to_any_of_their_group_and_otherwise_in_each_epoch() -> None:
    loaded = [
        Loaded(replace(example(str(i), "a"), group="xyz"[i % 3]), Matrix(frames(9, i)), 9, (1,))
        for i in range(300)
    ]
    loaded.append(Loaded(replace(example("long", "a"), group="w"), Matrix(frames(90)), 90, (1,)))
    frontend = Frontend(FrontendConfig(feature=MatrixConfig(dim=2), normalization=None))
    maker = BatchMaker(frontend, loaded, same_lengths, 1, join_share=0.5)
    first, second = ([maker.partner(epoch, index) for index in range(301)] for epoch in (0, 1))
    assert first != second and first == [maker.partner(0, index) for index in range(301)]
    found = [(index, partner) for index, partner in enumerate(first) if partner is not None]
    assert 110 < len(found) < 190
    assert all(index % 3 == partner % 3 and index != partner for index, partner in found)
    assert len({partner for _, partner in found}) > 90


def test_examples_that_do_not_fit_together_stay_alone() -> None:
    # Each has as many frames as its target needs, and the space between them would need another.
    loaded = [Loaded(example(str(i), "ab"), Matrix(frames(2, i)), 2, (1, 2)) for i in range(2)]
    loaded.append(Loaded(replace(example("2", "ab"), group="b"), Matrix(frames(9)), 9, (1, 2)))
    frontend = Frontend(FrontendConfig(feature=MatrixConfig(dim=2), normalization=None))
    maker = BatchMaker(frontend, loaded, same_lengths, 1, join_share=1.0, separator=(3,))
    epoch = next(epoch for epoch in range(50) if maker.partner(epoch, 0) == 1)
    batch = maker.batch(epoch, [0])
    assert batch.targets.tolist() == [[1, 2]] and batch.feature_lengths.tolist() == [2]


def test_of_joined_lines_in_visual_order_the_tokens_stand_as_the_ink_does() -> None:
    texts = ["\u05d0\u05d1 1", "(\u05d2) 23"]
    table = TokenTable.from_texts(texts, "character", "NFC", "visual", "R")
    loaded = [
        Loaded(example(str(i), text), Matrix(frames(30, i)), 30, tuple(table.encode(text)))
        for i, text in enumerate(texts)
    ]
    loaded.append(Loaded(replace(example("2", texts[0]), group="b"), Matrix(frames(90)), 90, (1,)))
    frontend = Frontend(FrontendConfig(feature=MatrixConfig(dim=2), normalization=None))
    maker = BatchMaker(frontend, loaded, same_lengths, 1, join_share=1.0, separator=table.encode(" "))
    epoch = next(epoch for epoch in range(50) if maker.partner(epoch, 0) == 1)
    batch = maker.batch(epoch, [0])
    assert torch.equal(batch.features[0, :30], torch.from_numpy(frames(30, 0)))
    # The first stands to the left, so that it is what is read last of a line from right to left.
    assert table.decode(batch.targets[0].tolist()) == f"{texts[1]} {texts[0]}"


def test_the_views_of_an_example_differ_in_their_features_alone() -> None:
    maker = augmenting_maker()
    maker.num_views = 2
    batch = maker.batch(0, [0, 1])
    assert batch.ids == ("0", "1", "0", "1")
    assert batch.feature_lengths[:2].equal(batch.feature_lengths[2:])
    assert batch.targets[:2].equal(batch.targets[2:])
    assert not torch.equal(batch.features[:2], batch.features[2:])
    alone = augmenting_maker().batch(0, [0, 1])
    assert torch.equal(batch.features[:2], alone.features)


# --- checks -----------------------------------------------------------------------------------------------


def test_a_target_fits_if_its_tokens_and_repeats_are_no_more_than_the_frames_that_come_out() -> None:
    found = [
        (example("just fits", "abb"), Matrix(frames(12))),
        (example("a repeat too many", "aabb"), Matrix(frames(13))),
        (example("too long", "ababab"), Matrix(frames(15))),
    ]
    loaded, offenders = check_targets(found, plain_frontend(), TOKENS, third)
    assert [item.example.id for item in loaded] == ["just fits"]
    assert loaded[0].target == (1, 2, 2)
    assert loaded[0].num_frames == 12
    assert [offender.id for offender in offenders] == ["a repeat too many", "too long"]
    assert "needs 6 frames (4 tokens and 2 repeats), the model has 5 left" in offenders[0].reason
    assert "needs 6 frames (6 tokens and 0 repeats), the model has 5 left" in offenders[1].reason


@pytest.mark.parametrize(
    ("text", "reason"), [(None, "has no text"), ("", "has no text"), ("abc", "'c' (U+0063)")]
)
def test_a_text_that_cannot_be_learnt_is_an_offender(text: str | None, reason: str) -> None:
    loaded, [offender] = check_targets(
        [(example("x", text), Matrix(frames(9)))], plain_frontend(), TOKENS, same_lengths
    )
    assert loaded == []
    assert offender.id == "x"
    assert reason in offender.reason


def test_files_that_cannot_be_read_are_named_and_the_others_kept(tmp_path: Path) -> None:
    np.save(tmp_path / "good.npy", frames(4))
    (tmp_path / "bad.npy").write_bytes(b"\x93NUMPY but no more")
    examples = [Example(id=name, source=tmp_path / f"{name}.npy") for name in ("good", "bad", "gone")]
    counted: list[None] = []
    found, offenders = read_signals(examples, plain_frontend(), lambda: counted.append(None))
    assert [kept.id for kept, _ in found] == ["good"]
    assert [offender.id for offender in offenders] == ["bad", "gone"]
    assert all(offender.id in offender.reason for offender in offenders)
    assert len(counted) == 3


def test_scoring_keeps_every_example_a_text_outside_of_the_table_included() -> None:
    found = [(example(text or "none", text), Matrix(frames(2))) for text in ("ab", "xyz", "aaaaaa", "")]
    kept = keep_for_scoring(found, plain_frontend(), TOKENS)
    assert [item.example.text for item in kept] == ["ab", "xyz", "aaaaaa", ""]
    assert [item.target for item in kept] == [(1, 2), (), (1,) * 6, ()]


def test_scoring_refuses_examples_without_text_or_without_frames() -> None:
    wide = Matrix(np.zeros((2, 5), np.float32))
    found = [
        (example("mute", None), Matrix(frames(2))),
        (example("good", "ab"), Matrix(frames(2))),
        (example("wide", "ab"), wide),
    ]
    with pytest.raises(
        ManifestError, match=r"2 of 3 examples.*'mute': has no text.*'wide': matrix: found 2 x 5"
    ):
        keep_for_scoring(found, plain_frontend(), TOKENS)


# --- ahead ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("num_items", [0, 1, 3, 4, 20])
def test_results_come_in_the_order_of_the_items(num_items: int) -> None:
    assert list(ahead(lambda item: item * item, range(num_items))) == [i * i for i in range(num_items)]


def test_no_more_than_a_few_items_are_computed_ahead() -> None:
    begun: list[int] = []
    reached = threading.Event()

    def compute(item: int) -> int:
        begun.append(item)
        if item == 3:
            reached.set()
        return item

    results = ahead(compute, range(100), num_ahead=3)
    assert next(results) == 0
    assert reached.wait(5)
    assert begun == [0, 1, 2, 3]
    results.close()


def test_an_exception_comes_out_where_its_result_was_due() -> None:
    def compute(item: int) -> int:
        if item == 2:
            raise ValueError("item 2 is broken")
        return item

    results = ahead(compute, range(10))
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ValueError, match="item 2 is broken"):
        next(results)


def test_work_is_done_in_another_thread() -> None:
    assert set(ahead(lambda _: threading.get_ident(), range(3))).isdisjoint({threading.get_ident()})


def auxiliary_maker() -> BatchMaker:
    loaded = [Loaded(example(str(i), "a"), Matrix(frames(5, i)), 5, (1,)) for i in range(50)]
    frontend = Frontend(FrontendConfig(feature=MatrixConfig(dim=2), normalization=None))
    return BatchMaker(frontend, loaded, same_lengths, 1, num_own=20, auxiliary_share=1.0, auxiliary_epochs=4)


def test_auxiliary_examples_become_fewer_and_the_others_are_all_there() -> None:
    maker = auxiliary_maker()
    for epoch, wanted in enumerate((20, 15, 10, 5, 0, 0)):
        seen = sorted(index for batch in maker.order(epoch, 4, 1000) for index in batch)
        assert seen[:20] == list(range(20)) and len(seen) == 20 + wanted == len(set(seen))
        assert seen[20:] == maker.auxiliaries(epoch).tolist()
    assert len({index for epoch in range(4) for index in maker.auxiliaries(epoch).tolist()}) > 20


def test_auxiliary_examples_are_drawn_anew_in_each_epoch_and_the_same_after_a_stop() -> None:
    first, again = auxiliary_maker(), auxiliary_maker()
    assert again.order(1, 4, 1000) == first.order(1, 4, 1000)
    assert not set(first.auxiliaries(3).tolist()) <= set(first.auxiliaries(2).tolist())


def test_more_auxiliary_examples_than_there_are_is_all_of_them() -> None:
    maker = auxiliary_maker()
    maker.auxiliary_share = 9.0
    assert maker.auxiliaries(0).tolist() == list(range(20, 50))


def test_auxiliary_examples_are_joined_to_each_other_alone_and_no_longer_than_the_longest_other() -> None:
    lengths = [30, 10, 12, 10, 90, 15]
    loaded = [
        Loaded(example(str(i), "a"), Matrix(frames(length, i)), length, (1,))
        for i, length in enumerate(lengths)
    ]
    frontend = Frontend(FrontendConfig(feature=MatrixConfig(dim=2), normalization=None))
    maker = BatchMaker(frontend, loaded, same_lengths, 1, join_share=1.0, num_own=3)
    partners = [{maker.partner(epoch, index) for epoch in range(60)} - {None} for index in range(6)]
    assert partners == [set(), {2}, {1}, {5}, set(), {3}]


def test_a_share_beyond_all_measure_is_all_of_the_auxiliary_examples() -> None:
    maker = auxiliary_maker()
    maker.auxiliary_share = 1e308
    assert maker.auxiliaries(0).tolist() == list(range(20, 50))
