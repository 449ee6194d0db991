"""The beam against an enumeration of all labellings, and what it promises for odd input."""

import itertools
import math
import re

import numpy as np
import pytest
import torch

from seqlabel.ctc import Emissions
from seqlabel.decoders import Beam, BeamConfig, LanguageModels
from seqlabel.errors import ConfigError, FormatError
from seqlabel.language_model import Pronunciation, corpus, estimate
from seqlabel.tokens import TokenTable
from tests.decoders.reference import frames, labellings, language_score, merged, over, spelled

TOKENS = TokenTable.from_texts([" ab"])
A = 2


CHARACTERS = estimate(corpus(["ab ba", "aab a", "b ab abb", "a b a"], "char"), 3).model
WORDS = estimate(corpus(["ab ba", "aab a b", "b ab abb", "a b a ab"], "word"), 2).model
WIDE = 20000
CASES = {
    "nothing": (BeamConfig(beam_width=WIDE), LanguageModels()),
    "bonus": (BeamConfig(beam_width=WIDE, insertion_bonus=1.3), LanguageModels()),
    "characters": (
        BeamConfig(beam_width=WIDE, lm_weight=0.8, insertion_bonus=0.4),
        LanguageModels(CHARACTERS),
    ),
    "words": (
        BeamConfig(beam_width=WIDE, word_lm_weight=0.7, insertion_bonus=-0.5),
        LanguageModels(words=WORDS),
    ),
    "open words": (
        BeamConfig(beam_width=WIDE, word_lm_weight=0.7, insertion_bonus=0.5, unknown_word=-2.0),
        LanguageModels(words=WORDS),
    ),
    "both": (
        BeamConfig(beam_width=WIDE, lm_weight=0.4, word_lm_weight=0.6, unknown_word=-1.0),
        LanguageModels(CHARACTERS, WORDS),
    ),
    "lexicon": (
        BeamConfig(beam_width=WIDE, insertion_bonus=0.2),
        LanguageModels(lexicon=spelled(("a", "ab", "bab"))),
    ),
    "lexicon and characters": (
        BeamConfig(beam_width=WIDE, unknown_word=-3.0),
        LanguageModels(CHARACTERS, lexicon=spelled(("a", "ab", "bab"))),
    ),
}


@pytest.mark.parametrize("num_frames", [1, 2, 5, 6])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_beam_as_wide_as_the_space_is_the_enumeration(case: str, num_frames: int) -> None:
    config, models = CASES[case]
    log_probs = frames(num_frames, seed=num_frames)
    wanted = {
        ids: (acoustic, language_score(ids, TOKENS, config, models))
        for ids, acoustic in labellings(log_probs).items()
    }
    wanted = {ids: parts for ids, parts in wanted.items() if sum(parts) > -math.inf}
    found = config.build(TOKENS, models).read(log_probs, n_best=WIDE)
    assert {h.token_ids for h in found} == set(wanted)
    for h in found:
        acoustic, language = wanted[h.token_ids]
        assert h.acoustic_score == pytest.approx(acoustic, abs=1e-9)
        assert h.language_score == pytest.approx(language, abs=1e-5)
        assert h.score == pytest.approx(acoustic + language, abs=1e-5)
        assert h.text == TOKENS.decode(h.token_ids)
    assert [h.score for h in found] == sorted((h.score for h in found), reverse=True)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_language_goes_on_from_part_to_part_as_within_one(case: str) -> None:
    config, models = CASES[case]
    beam, log_probs = config.build(TOKENS, models), frames(12, seed=4, sharpness=2.0)
    log_probs[[4, 9]] = np.log([0.01, 0.97, 0.01, 0.01])  # a space before each cut
    parts, states = [], None
    for start in (0, 5):
        part, states = beam.read_on(log_probs[start : start + 5], states)
        parts.append(part)
    assert all(part.text.strip() and part.text.endswith(" ") for part in parts)
    for last in beam.read(log_probs[10:], n_best=WIDE, begin=states):
        ids = tuple(id_ for part in (*parts, last) for id_ in part.token_ids)
        language = sum(part.language_score for part in (*parts, last))
        assert language == pytest.approx(language_score(ids, TOKENS, config, models), abs=1e-5)


def test_what_was_read_before_decides_between_tokens_that_sound_alike() -> None:
    log_probs = np.log(np.array([[0.02, 0.02, 0.48, 0.48], [0.97, 0.01, 0.01, 0.01]]))
    beam = BeamConfig(lm_weight=1.0).build(TOKENS, LanguageModels(CHARACTERS))
    found = set()
    for text in ("a", "b", "ab", "bb"):
        one_hot = np.full((2 * len(text), 4), -50.0)
        one_hot[1::2, 0] = one_hot[range(0, len(one_hot), 2), TOKENS.encode(text)] = 0.0
        before, states = beam.read_on(one_hot)
        assert before.text == text
        [after] = beam.read(log_probs, begin=states)
        scores = {
            letter: language_score(
                tuple(TOKENS.encode(text + letter)), TOKENS, beam.config, LanguageModels(CHARACTERS)
            )
            for letter in "ab"
        }
        assert after.text == max(scores, key=lambda letter: scores[letter])
        found.add(after.text)
    assert found == {"a", "b"}


def test_a_word_ends_with_its_part_and_its_score_with_it() -> None:
    config, models = CASES["words"]
    beam = config.build(TOKENS, models)
    for text, others in (("aab", ("ab", "abb")), ("ab ba", ("a", "b", "aab"))):
        parts, states = [], None
        for one in (text, *others):
            log_probs = np.full((2 * len(one), 4), -30.0)
            log_probs[1::2, 0] = log_probs[range(0, 2 * len(one), 2), TOKENS.encode(one)] = 0.0
            part, states = beam.read_on(log_probs, states)
            parts.append(part)
        [end] = beam.read(np.array([[0.0, -30.0, -30.0, -30.0]]), begin=states)
        whole = " ".join((text, *others))
        assert " ".join(part.text for part in parts) == whole
        expected = language_score(tuple(TOKENS.encode(whole)), TOKENS, config, models)
        assert sum(part.language_score for part in (*parts, end)) == pytest.approx(expected, abs=1e-5)


def test_no_part_ends_within_a_word_and_what_follows_is_read() -> None:
    beam = BeamConfig(token_floor=-8.0).build(TOKENS, LanguageModels(lexicon=spelled(("ab", "ba"))))
    heard = np.log(np.full((3, 4), 0.001))
    heard[[0, 1, 2], [2, 3, 2]] = np.log(0.997)  # "aba", of which "ab" is a word
    first, states = beam.read_on(heard)
    [second] = beam.read(heard[1:], begin=states)
    assert first.text in ("ab", "ba") and second.text == "ba"


def test_every_part_matches_the_grammar() -> None:
    beam = BeamConfig(grammar="ab|ba").build(TOKENS)
    heard = np.log(np.array([[0.1, 0.1, 0.7, 0.1], [0.1, 0.1, 0.1, 0.7]]))
    states = None
    for rows, text in ((heard, "ab"), (heard[::-1], "ba"), (heard, "ab")):
        found, states = beam.read_on(rows, states)
        assert found.text == text
    assert beam.read(heard[::-1], begin=states)[0].text == "ba"


def test_words_known_by_their_sound_are_whole_in_every_part() -> None:
    tokens = TokenTable(("<blank>", "x", "a", "b"))
    models = LanguageModels(lexicon=(Pronunciation("one", "abx"), Pronunciation("two", "ba")))
    beam = BeamConfig().build(tokens, models)
    log_probs = np.log(np.array([[0.1, 0.1, 0.1, 0.7], [0.1, 0.1, 0.7, 0.1], [0.1, 0.1, 0.7, 0.1]]))
    found, states = beam.read_on(np.concatenate([log_probs, np.log([[0.1, 0.1, 0.1, 0.7]])]))
    assert found.text == "two"
    assert beam.read(log_probs[:2], begin=states)[0].text == "two"


def test_a_narrow_beam_never_scores_more_than_the_truth_and_finds_the_best_almost_always() -> None:
    num_best = 0
    for seed in range(30):
        log_probs = frames(6, seed, sharpness=3.0)
        truth = labellings(log_probs)
        found = BeamConfig(beam_width=16).build(TOKENS).read(log_probs, n_best=16)
        assert len({h.token_ids for h in found}) == len(found) == 16
        for h in found:
            assert h.score <= truth[h.token_ids] + 1e-9
        num_best += found[0].token_ids == max(truth, key=lambda ids: truth[ids])
    assert num_best >= 28


def test_a_prefix_that_comes_back_is_the_same_prefix() -> None:
    # In a beam of three "a" falls out and comes back by way of the empty prefix while "ab" is still there.
    for seed in range(200):
        log_probs = frames(9, seed, sharpness=1.0)
        found = BeamConfig(beam_width=3).build(TOKENS).read(log_probs, n_best=3)
        assert len({h.token_ids for h in found}) == len(found)


def test_pruning_by_score_and_by_token_leaves_the_best_of_sharp_emissions() -> None:
    log_probs = frames(40, 5, sharpness=6.0)
    whole = BeamConfig(beam_width=64).build(TOKENS).read(log_probs)[0]
    pruned = BeamConfig(beam_width=64, token_floor=-8.0, score_margin=15.0).build(TOKENS).read(log_probs)[0]
    assert pruned.token_ids == whole.token_ids
    assert pruned.score == pytest.approx(whole.score, abs=1e-2)
    greedy = BeamConfig(beam_width=1, token_floor=0.0).build(TOKENS).read(log_probs)[0]
    assert greedy.token_ids == merged(tuple(log_probs.argmax(axis=1).tolist()))


def test_emissions_of_nothing_of_blanks_and_of_one_token() -> None:
    beam = BeamConfig().build(TOKENS)
    assert beam.read(np.zeros((0, 4)))[0].token_ids == ()
    blanks = np.full((30, 4), -np.inf)
    blanks[:, 0] = 0.0
    [only] = beam.read(blanks, n_best=5)
    assert (only.text, only.score, only.spans) == ("", 0.0, ())
    certain = np.full((3, 4), -np.inf)
    certain[[0, 1, 2], [A, 0, A]] = 0.0
    [only] = beam.read(certain, n_best=5)
    assert (only.text, only.score) == ("aa", 0.0)
    impossible = np.full((3, 4), -np.inf)
    [nothing] = beam.read(impossible)
    assert (nothing.text, nothing.score) == ("", -np.inf)


def test_what_is_no_number_is_refused_by_name() -> None:
    log_probs = torch.from_numpy(frames(5, 1))[None].repeat(2, 1, 1)
    log_probs[1, 3, 2] = torch.nan
    with pytest.raises(FormatError, match=r"example 1 .* frame 3"):
        BeamConfig().build(TOKENS)(Emissions(log_probs, torch.tensor([5, 5])))


def test_ten_thousand_frames_and_five_thousand_tokens() -> None:
    long = frames(10_000, 3, sharpness=8.0)
    greedy = merged(tuple(long.argmax(axis=1).tolist()))
    found = BeamConfig(beam_width=8).build(TOKENS).read(long)[0]
    assert len(found.token_ids) == pytest.approx(len(greedy), rel=0.02)
    many = TokenTable(tokens=("<blank>", *(chr(0x4E00 + i) for i in range(4999))))
    wide = frames(20, 4, num_classes=5000, sharpness=4.0)
    found = BeamConfig(beam_width=16).build(many).read(wide)[0]
    assert 0 < len(found.token_ids) <= 20


def test_spans_lie_in_order_inside_the_frames_and_hold_their_token() -> None:
    log_probs = frames(50, 6, sharpness=5.0)
    found = BeamConfig().build(TOKENS).read(log_probs)[0]
    assert len(found.spans) == len(found.token_ids)
    end = 0
    for span, token in zip(found.spans, found.token_ids, strict=True):
        assert end <= span.start_frame < span.end_frame <= 50
        end = span.end_frame
        assert span.text == TOKENS.tokens[token]
        part = log_probs[span.start_frame : span.end_frame, token]
        assert span.confidence == pytest.approx(math.exp(part.max()))


def test_words_lie_over_their_tokens() -> None:
    found = BeamConfig().build(TOKENS).read(frames(50, 7, sharpness=5.0))[0]
    assert [word.text for word in found.words] == found.text.split()
    letters = [span for span in found.spans if span.text != " "]
    for word in found.words:
        inside = [s for s in letters if word.start_frame <= s.start_frame and s.end_frame <= word.end_frame]
        assert "".join(s.text for s in inside) == word.text
        assert word.confidence == min(s.confidence for s in inside)


def test_a_lexicon_reads_nothing_but_its_words() -> None:
    models = LanguageModels(lexicon=spelled(("ab", "bb", "zz")))
    beam = BeamConfig(beam_width=32).build(TOKENS, models)
    assert beam.lexicon.left_out == ("zz",)
    for seed in range(20):
        found = beam.read(frames(12, seed))[0]
        assert set(found.text.split()) <= {"ab", "bb"}


def test_models_of_something_else_are_refused() -> None:
    french = estimate(corpus(["xyz uvw", "zut"], "char"), 2).model
    with pytest.raises(ConfigError, match="made of other units"):
        BeamConfig().build(TOKENS, LanguageModels(french))
    with pytest.raises(ConfigError, match="can be spelt"):
        BeamConfig().build(TOKENS, LanguageModels(lexicon=spelled(("xyz",))))
    phones = TokenTable.from_texts(["ah b"], unit="word")
    with pytest.raises(ConfigError, match="space between words"):
        BeamConfig().build(phones, LanguageModels(words=WORDS))


def test_phones_have_a_model_over_phones() -> None:
    phones = TokenTable.from_texts(["ah b k"], unit="word")
    model = estimate(corpus(["ah b", "ah b k", "b ah"], "word"), 2).model
    even = np.full((2, 4), -math.log(4.0))
    found = BeamConfig(lm_weight=1.0, insertion_bonus=5.0).build(phones, LanguageModels(model)).read(even)[0]
    assert found.text == "ah b"


def test_every_core_reads_the_same() -> None:
    log_probs = torch.from_numpy(np.stack([frames(30, seed) for seed in range(6)]))
    lengths = torch.tensor([30, 4, 17, 1, 30, 9])
    beam: Beam = BeamConfig(beam_width=8, lm_weight=0.5).build(TOKENS, LanguageModels(CHARACTERS))
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        together = beam(Emissions(log_probs, lengths), n_best=4)
    finally:
        torch.set_num_threads(before)
    alone = [beam.read(rows[:n].numpy(), 4) for rows, n in zip(log_probs, lengths.tolist(), strict=True)]
    assert together == alone


# --- hot words, grammars, priors, pronunciations -----------------------------------------------------------


def occurrences(text: str, phrase: str) -> int:
    """How often a phrase stands in a text as whole words; neighbours may share the space between them."""
    padded = f" {text} "
    return sum(padded.startswith(f" {phrase} ", i) for i in range(len(padded)))


@pytest.mark.parametrize("hot_words", [("ab",), ("a", "ab", "b a"), ("aa", "a a"), ("ba", "b")])
def test_hot_words_score_for_each_time_they_are_read(hot_words: tuple[str, ...]) -> None:
    log_probs = frames(6, 8)
    truth = labellings(log_probs)
    config = BeamConfig(beam_width=WIDE, hot_words=hot_words, hot_word_boost=1.7)
    found = config.build(TOKENS).read(log_probs, n_best=WIDE)
    assert len(found) == len(truth)
    for h in found:
        boost = 1.7 * sum(occurrences(h.text, phrase) for phrase in hot_words)
        assert h.language_score == pytest.approx(boost, abs=1e-9), h.text
        assert h.acoustic_score == pytest.approx(truth[h.token_ids], abs=1e-9)


@pytest.mark.parametrize(
    "grammar", ["a+b?", "(ab|ba)( (ab|ba))*", "[^b]{2,3}", "a.b|b", r"\w{1,2} \w+", "(a|b)?", "a{2}b{0,1}"]
)
def test_a_grammar_allows_what_its_expression_matches_and_nothing_else(grammar: str) -> None:
    log_probs = frames(6, 9)
    truth = labellings(log_probs)
    found = BeamConfig(beam_width=WIDE, grammar=grammar).build(TOKENS).read(log_probs, n_best=WIDE)
    wanted = {ids for ids in truth if re.fullmatch(grammar, TOKENS.decode(ids))}
    assert {h.token_ids for h in found} == wanted
    for h in found:
        assert h.score == pytest.approx(truth[h.token_ids], abs=1e-9)


def test_allowed_texts_are_the_only_ones() -> None:
    allowed = ("ab", "b a", "aab", "b*")
    log_probs = frames(6, 9)
    table = TokenTable.from_texts([" ab*"])
    rng = frames(6, 9, num_classes=len(table))
    found = BeamConfig(beam_width=WIDE, allowed_texts=allowed).build(table).read(rng, n_best=WIDE)
    assert {h.text for h in found} == set(allowed)
    with pytest.raises(ConfigError, match="leave one"):
        BeamConfig(allowed_texts=("a",), grammar="a").build(TOKENS)
    with pytest.raises(ConfigError, match="can be spelt"):
        BeamConfig(allowed_texts=("xyz",)).build(TOKENS).read(log_probs)


def test_a_grammar_over_words() -> None:
    digits = TokenTable.from_texts(["one two three"], unit="word")
    beam = BeamConfig(grammar="(one|two)( two)*").build(digits)
    for seed in range(10):
        assert re.fullmatch("(one|two)( two)*", beam.read(frames(8, seed))[0].text)


@pytest.mark.parametrize("grammar", ["a(", "(?=a)b", "xyz", "^a", r"(a)\1"])
def test_a_grammar_that_cannot_be_is_refused(grammar: str) -> None:
    with pytest.raises(ConfigError, match="grammar"):
        BeamConfig(grammar=grammar).build(TOKENS)


def test_priors_divide_the_emissions() -> None:
    log_probs = frames(5, 10)
    prior = np.log([0.7, 0.1, 0.15, 0.05])
    config = BeamConfig(beam_width=WIDE, prior_weight=0.6, log_prior=tuple(prior.tolist()))
    found = config.build(TOKENS).read(log_probs, n_best=WIDE)
    truth = labellings(log_probs - 0.6 * prior)
    assert {h.token_ids: pytest.approx(h.score) for h in found} == truth
    with pytest.raises(ConfigError, match="expected 4"):
        BeamConfig(log_prior=(0.0,)).build(TOKENS)


PHONES = TokenTable.from_texts(["ah b k"], unit="word")
SOUNDS = (
    Pronunciation("up", "ah b"),
    Pronunciation("ub", "ah b"),
    Pronunciation("a", "ah"),
    Pronunciation("book", "b ah k"),
    Pronunciation("k", "k"),
    Pronunciation("buck", "b ah k"),
)


def test_pronunciations_are_read_as_words() -> None:
    text = ["up book a", "a up k", "ub buck", "book up k"]
    words = estimate(corpus(text, "word"), 2).model
    phones = estimate(corpus(["ah b b ah k", "ah b k"], "word"), 2).model
    models = LanguageModels(phones, words, SOUNDS)
    config = BeamConfig(beam_width=WIDE, lm_weight=0.3, word_lm_weight=0.8, insertion_bonus=0.4)
    log_probs = frames(5, 11)
    found = config.build(PHONES, models).read(log_probs, n_best=WIDE)
    truth = labellings(log_probs)
    wanted: dict[tuple[str, tuple[int, ...]], float] = {}
    for count in range(6):
        for chosen in itertools.product(SOUNDS, repeat=count):
            ids = tuple(PHONES.encode(" ".join(entry.spelling for entry in chosen)))
            if ids in truth:
                spoken = [entry.word for entry in chosen]
                language = 0.8 * over(words, spoken) + 0.4 * count
                language += 0.3 * over(phones, [PHONES.tokens[i] for i in ids])
                wanted[" ".join(spoken), ids] = truth[ids] + language
    assert {(h.text, h.token_ids) for h in found} == set(wanted)
    for h in found:
        assert h.score == pytest.approx(wanted[h.text, h.token_ids], abs=1e-5)
        assert [word.text for word in h.words] == h.text.split()


def test_word_pieces_are_tokens_as_phones_are() -> None:
    pieces = TokenTable.from_texts(["\u2581the \u2581c at s"], unit="word")
    over_pieces = estimate(corpus(["\u2581the \u2581c at s", "\u2581the \u2581c at"], "word"), 3).model
    over_words = estimate(corpus(["the cats", "the cat", "cat s"], "word"), 2).model
    lexicon = (
        Pronunciation("the", "\u2581the"),
        Pronunciation("cat", "\u2581c at"),
        Pronunciation("cats", "\u2581c at s"),
    )
    path = [pieces.tokens.index(piece) for piece in ("\u2581the", "\u2581c", "at", "s")]
    log_probs = np.full((4, 5), math.log(0.05))
    log_probs[np.arange(4), path] = math.log(0.8)
    models = LanguageModels(over_pieces, over_words, lexicon)
    found = BeamConfig(beam_width=WIDE, grammar="(\u2581the) (\u2581c) (at)( s)?").build(pieces, models)
    best = found.read(log_probs, n_best=9)
    assert best[0].text == "the cats"
    assert {h.text for h in best} == {"the cats", "the cat"}
    assert [word.text for word in best[0].words] == ["the", "cats"]


# --- where nothing in the beam may end, and odd settings -----------------------------------------------------


def test_a_beam_in_which_no_prefix_may_end_is_widened() -> None:
    words = spelled(("abab", "babb", "aabbab"))
    log_probs = frames(30, 12, sharpness=4.0)
    [best] = BeamConfig(beam_width=2).build(TOKENS, LanguageModels(lexicon=words)).read(log_probs)
    assert best.text and set(best.text.split()) <= {entry.word for entry in words}
    # "a" is certain, and no word of the lexicon ends with it: what is read ends where a word does.
    certain = np.full((3, 4), -np.inf)
    certain[[0, 1, 2], [A, 1, A]] = 0.0
    models = LanguageModels(lexicon=spelled(("a", "ab")))
    cut = (
        BeamConfig(beam_width=1)
        .build(TOKENS, LanguageModels(lexicon=spelled(("a b", "ab"))))
        .read(certain)[0]
    )
    assert (cut.text, cut.score) == ("", -np.inf)
    assert BeamConfig(beam_width=1).build(TOKENS, models).read(certain)[0].text == "a a"
    certain[2] = -np.inf
    certain[2, 3] = 0.0
    half = (
        BeamConfig(beam_width=1).build(TOKENS, LanguageModels(lexicon=spelled(("a", "bb")))).read(certain)[0]
    )
    assert (half.text, half.score) == ("a ", -np.inf)


def test_letters_apart_are_one_word_where_spaces_end_words() -> None:
    apart = (Pronunciation("ab", "a b"), Pronunciation("bb", "b b"))
    beam = BeamConfig().build(TOKENS, LanguageModels(lexicon=apart))
    together = BeamConfig().build(TOKENS, LanguageModels(lexicon=spelled(("ab", "bb"))))
    for seed in range(5):
        assert beam.read(frames(9, seed))[0].text == together.read(frames(9, seed))[0].text != ""


@pytest.mark.parametrize("beam_width", [0, -1, 1 << 40])
def test_a_width_that_cannot_be_is_refused(beam_width: int) -> None:
    with pytest.raises(ConfigError, match="beam_width"):
        BeamConfig(beam_width=beam_width).build(TOKENS)


@pytest.mark.parametrize(
    "grammar", ["a{99999999999}", "(" * 3000 + ")" * 3000, "a{1000000000}", "(?i:a)b", "(?i)ab"]
)
def test_a_grammar_that_would_fill_the_memory_or_has_flags_is_refused(grammar: str) -> None:
    with pytest.raises(ConfigError, match="grammar"):
        BeamConfig(grammar=grammar).build(TOKENS)


def test_spaces_around_hot_words_are_none() -> None:
    log_probs = frames(6, 13)
    plain, spaced = (
        BeamConfig(beam_width=WIDE, hot_words=(word,)).build(TOKENS).read(log_probs)
        for word in ("ab", "  ab ")
    )
    assert plain == spaced
    with pytest.raises(ConfigError, match="empty"):
        BeamConfig(hot_words=(" ",)).build(TOKENS)


def test_other_settings_for_the_same_models_read_as_if_built_anew() -> None:
    models = LanguageModels(CHARACTERS, WORDS)
    first = BeamConfig(unknown_word=-2.0, hot_words=("ab",), grammar="[ab ]*").build(TOKENS, models)
    for config in (
        BeamConfig(lm_weight=1.5, unknown_word=-1.0, hot_words=("ab",), grammar="[ab ]*"),
        BeamConfig(word_lm_weight=0.0, hot_words=("b",)),
    ):
        log_probs = frames(12, 14)
        assert first.with_settings(config).read(log_probs, 5) == config.build(TOKENS, models).read(
            log_probs, 5
        )
