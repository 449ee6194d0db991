"""Several members reading together, against an enumeration of all labellings."""

import math

import numpy as np
import pytest
import torch

from seqlabel.ctc import Emissions
from seqlabel.decoders import BeamConfig, GreedyConfig, LanguageModels, PrefixSearchConfig, decode_ensemble
from seqlabel.language_model import Pronunciation, corpus, estimate
from seqlabel.tokens import TokenTable
from tests.decoders.reference import frames, labellings, language_score, spelled
from tests.decoders.test_beam import TOKENS

WIDE = 20000
CHARACTERS = estimate(corpus(["ab ba", "aab a", "b ab abb", "a b a"], "char"), 3).model


def batch(*examples: np.ndarray) -> Emissions:
    """The emissions of some examples, padded with what must not be read."""
    lengths = torch.tensor([len(rows) for rows in examples])
    padded = torch.full((len(examples), int(lengths.max()), examples[0].shape[1]), math.nan).double()
    for index, rows in enumerate(examples):
        padded[index, : len(rows)] = torch.from_numpy(rows)
    return Emissions(padded, lengths)


@pytest.mark.parametrize("num_threads", [1, 2])
@pytest.mark.parametrize("lengths", [(4, 4), (5, 3), (3, 5), (4, 3, 5)])
def test_the_labelling_with_the_greatest_mean_probability_is_read(
    lengths: tuple[int, ...], num_threads: int
) -> None:
    seeds = range(8)
    members = [[frames(length, 10 * seed + k) for seed in seeds] for k, length in enumerate(lengths)]
    before = torch.get_num_threads()
    torch.set_num_threads(num_threads)
    try:
        found = decode_ensemble(
            BeamConfig(beam_width=WIDE).build(TOKENS), [batch(*rows) for rows in members], n_best=300
        )
    finally:
        torch.set_num_threads(before)
    differs = 0
    for seed, hypotheses in zip(seeds, found, strict=True):
        truths = [labellings(rows[seed]) for rows in members]
        fits = set(truths[0])
        mean = {
            ids: np.logaddexp.reduce([truth.get(ids, -np.inf) for truth in truths]) - math.log(len(truths))
            for ids in fits
        }
        best = max(mean, key=lambda ids: mean[ids])
        assert hypotheses[0].token_ids == best
        scores = [hypothesis.score for hypothesis in hypotheses]
        assert scores == sorted(scores, reverse=True) and len(set(h.token_ids for h in hypotheses)) == len(
            scores
        )
        for hypothesis in hypotheses:
            assert hypothesis.score == pytest.approx(mean[hypothesis.token_ids], abs=1e-9)
        differs += any(max(truth, key=lambda ids: truth[ids]) != best for truth in truths)
    assert differs  # or any one member would do


def test_what_the_language_allows_is_counted_once() -> None:
    settings = BeamConfig(beam_width=WIDE, lm_weight=0.8, insertion_bonus=0.4)
    models = LanguageModels(CHARACTERS)
    members = [frames(4, 3), frames(5, 4)]
    [found] = decode_ensemble(settings.build(TOKENS, models), [batch(rows) for rows in members], n_best=50)
    truths = [labellings(rows) for rows in members]
    for hypothesis in found:
        ids = hypothesis.token_ids
        acoustic = np.logaddexp.reduce([truth.get(ids, -np.inf) for truth in truths]) - math.log(2)
        assert hypothesis.acoustic_score == pytest.approx(acoustic, abs=1e-9)
        expected = acoustic + language_score(ids, TOKENS, settings, models)
        assert hypothesis.score == pytest.approx(expected, abs=1e-6)


def test_priors_divide_each_members_emissions() -> None:
    prior = (math.log(0.7), math.log(0.1), math.log(0.1), math.log(0.1))
    settings = BeamConfig(beam_width=WIDE, prior_weight=0.5, log_prior=prior)
    rows = frames(4, 1)
    decoder = settings.build(TOKENS)
    [[alone]] = decoder(batch(rows))
    [[together]] = decode_ensemble(decoder, [batch(rows), batch(rows)])
    assert together.token_ids == alone.token_ids
    assert together.score == pytest.approx(alone.score, abs=1e-9)


@pytest.mark.parametrize("config", [GreedyConfig(), PrefixSearchConfig(), BeamConfig()])
def test_a_member_and_its_double_read_what_it_reads_alone(
    config: GreedyConfig | PrefixSearchConfig | BeamConfig,
) -> None:
    for seed in range(5):
        said = batch(frames(6, seed), frames(3, seed + 50))
        decoder = config.build(TOKENS)
        alone = decoder(said)
        together = decode_ensemble(decoder, [said, said])
        for own, [joint] in zip(alone, together, strict=True):
            assert (joint.text, joint.token_ids) == (own[0].text, own[0].token_ids)
            assert [span.text for span in joint.spans] == [span.text for span in own[0].spans]


def test_places_are_those_of_the_first_member() -> None:
    peaks = np.full((2, 12, 4), -9.0)
    for frame, token in ((2, 2), (5, 1), (8, 3)):  # a, a space, b
        peaks[0, frame, token] = 9.0
    for frame, token in ((1, 2), (3, 1), (4, 3)):
        peaks[1, frame, token] = 9.0
    peaks[:, :, 0] = 0.0
    first, second = peaks - np.logaddexp.reduce(peaks, axis=2, keepdims=True)
    second = second[:6]
    for order, places in (((first, second), (2, 5, 8)), ((second, first), (1, 3, 4))):
        [[found]] = decode_ensemble(BeamConfig().build(TOKENS), [batch(rows) for rows in order])
        assert found.text == "a b"
        assert tuple(span.start_frame for span in found.spans) == places
        assert [(word.text, word.start_frame) for word in found.words] == [("a", places[0]), ("b", places[2])]


def test_a_token_is_as_sure_as_the_members_are_in_the_mean() -> None:
    def said(sureness: float) -> np.ndarray:
        rows = np.full((3, 4), 0.001)
        rows[:, 0] = 0.997
        rows[1] = (1 - sureness - 0.002, 0.001, sureness, 0.001)
        return np.log(rows)

    [[found]] = decode_ensemble(BeamConfig().build(TOKENS), [batch(said(p)) for p in (0.9, 0.7, 0.2)])
    assert found.text == "a"
    assert found.spans[0].confidence == found.words[0].confidence == pytest.approx(0.6)
    # One that has too few frames for the text is not sure of it at all.
    long = np.log(np.array([[0.03, 0.01, 0.95, 0.01], [0.08, 0.01, 0.01, 0.9]]))
    short = np.log(np.array([[0.5, 0.001, 0.498, 0.001]]))
    [[found]] = decode_ensemble(BeamConfig().build(TOKENS), [batch(long), batch(short)])
    assert found.text == "ab"
    assert [span.confidence for span in found.spans] == pytest.approx([0.475, 0.45])


def test_words_of_a_pronounced_lexicon_keep_their_names_at_the_places_of_the_first_member() -> None:
    phones = TokenTable.from_texts(["k a t o"], unit="word")
    lexicon = (Pronunciation("cat", "k a t"), Pronunciation("oak", "o k"))
    decoder = BeamConfig(unknown_word=None).build(phones, LanguageModels(lexicon=lexicon))
    ids = phones.encode("k a t o k")

    def spikes(places: tuple[int, ...], num_frames: int) -> np.ndarray:
        rows = np.full((num_frames, len(phones)), -6.0)
        rows[:, 0] = 0.0
        rows[list(places), ids] = 6.0
        return rows - np.logaddexp.reduce(rows, axis=1, keepdims=True)

    members = [batch(spikes((1, 3, 5, 7, 9), 11)), batch(spikes((0, 1, 2, 3, 4), 5))]
    [[found]] = decode_ensemble(decoder, members)
    assert found.text == "cat oak"
    assert [(word.text, word.start_frame, word.end_frame) for word in found.words] == [
        ("cat", 1, 6),
        ("oak", 7, 10),
    ]


def test_what_does_not_fit_the_first_member_is_not_read() -> None:
    [[found]] = decode_ensemble(
        BeamConfig().build(TOKENS), [batch(frames(1, 1)), batch(frames(6, 2, sharpness=8.0))]
    )
    assert len(found.token_ids) <= 1


def test_a_lexicon_holds_for_all_members() -> None:
    decoder = BeamConfig().build(TOKENS, LanguageModels(lexicon=spelled(("ab", "bab"))))
    for seed in range(5):
        members = [batch(frames(6, 10 * seed + k)) for k in range(3)]
        [[found]] = decode_ensemble(decoder, members)
        assert set(found.text.split()) <= {"ab", "bab"}


def test_what_no_frames_can_say_is_what_the_first_member_makes_of_it() -> None:
    decoder = BeamConfig(grammar="abab").build(TOKENS)
    said = batch(frames(2, 1))
    [[alone]] = decoder(said)
    [[found]] = decode_ensemble(decoder, [said, said])
    assert (found.text, found.score) == (alone.text, -math.inf)


def test_no_examples_are_read_as_none() -> None:
    none = Emissions(torch.zeros(0, 1, 4), torch.zeros(0, dtype=torch.int64))
    assert decode_ensemble(BeamConfig().build(TOKENS), [none, none]) == []


def test_a_search_of_one_member_that_found_nothing_takes_nothing_from_the_others() -> None:
    digits = TokenTable.from_texts(["0123456789"])
    decoder = BeamConfig(grammar="[0-9]([0-9][0-9])*", beam_width=4).build(digits)

    def said(spikes: list[str | None], sharpness: float) -> Emissions:
        """A spike for each digit, of any one where it is None, and certain blanks between them."""
        rows = np.full((2 * len(spikes) + 1, len(digits)), -sharpness)
        rows[::2, 0] = sharpness
        for row, spike in zip(rows[1::2], spikes, strict=True):
            if spike is None:
                row[1:] = sharpness + 0.001 * np.arange(len(digits) - 1)
            else:
                row[digits.encode(spike)] = sharpness
        return batch(rows - np.logaddexp.reduce(rows, axis=1, keepdims=True))

    # Six digits match nothing, and the beam is too narrow for the five that would.
    misled = said(["1", None, None, None, None, None], 20.0)
    [[fallback]] = decoder(misled)
    assert fallback.score == -math.inf
    sure = said(list(fallback.text), 4.0)
    for members in ([misled, sure], [sure, misled]):
        [[found]] = decode_ensemble(decoder, members)
        assert found.text == fallback.text and np.isfinite(found.score)


def test_a_text_that_the_first_member_calls_impossible_is_not_read() -> None:
    with np.errstate(divide="ignore"):
        first = np.log(np.array([[0.5, 0.0, 0.5, 0.0]] * 2))
        second = np.log(np.array([[0.01, 0.0, 0.09, 0.9]] * 2))
    [[found]] = decode_ensemble(BeamConfig().build(TOKENS), [batch(first), batch(second)])
    assert found.text in ("", "a") and len(found.spans) == len(found.token_ids)


def test_a_blank_penalty_counts_in_the_choice_as_well() -> None:
    members = [frames(5, 1), frames(4, 2)]
    penalised = []
    for rows in members:
        shifted = rows - 2.0 * (np.arange(rows.shape[1]) == 0)
        penalised.append(shifted - np.logaddexp.reduce(shifted, axis=1)[:, None])
    greedy = GreedyConfig(blank_penalty=2.0).build(TOKENS)
    [found] = decode_ensemble(greedy, [batch(rows) for rows in members], n_best=5)
    truths = [labellings(rows) for rows in penalised]
    for hypothesis in found:
        each = [truth.get(hypothesis.token_ids, -np.inf) for truth in truths]
        assert hypothesis.score == pytest.approx(np.logaddexp.reduce(each) - math.log(2), abs=1e-6)
