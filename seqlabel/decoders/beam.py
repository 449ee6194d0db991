"""Prefix beam search with language models over tokens and over words, fused at each step.

Sources: Graves, "Supervised sequence labelling with recurrent neural networks", 2012, section 7.5; Hannun et al.,
"First-pass large vocabulary continuous speech recognition using bi-directional recurrent DNNs", 2014.
"""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated

import msgspec
import numpy as np
import torch
from jaxtyping import Int64

from seqlabel.config import Config, FromZero, Score, Weight
from seqlabel.ctc import Emissions
from seqlabel.decoders.lexicon import NO_WORDS, Lexicon, build_lexicon, spelled
from seqlabel.decoders.rules import grammar_rules, hot_word_rules, no_rules
from seqlabel.decoders.search import (
    BONUS,
    CODE,
    LEXICON_KIND,
    MOST,
    NO_LEXICON,
    NUM_SETTINGS,
    PARENT,
    PRONOUNCED,
    ROOT,
    SEPARATOR,
    SPELLED,
    TOKEN_STATE,
    TOKEN_WEIGHT,
    UNKNOWN_AHEAD,
    UNKNOWN_ID,
    UNKNOWN_SCORE,
    WORD_WEIGHT,
    end_of_word,
    end_score,
    search,
)
from seqlabel.decoders.spans import frames_of, joined, token_spans, word_spans
from seqlabel.errors import ConfigError
from seqlabel.language_model import EMPTY, END, SPACE, Automaton, LanguageModels, NgramModel
from seqlabel.overrides import check
from seqlabel.records import Hypothesis
from seqlabel.tokens import TokenTable

SPACE_NAMES = (SPACE, "\u2581", "<sp>", "|", " ")
"""What models of characters call the space: ours, SentencePiece's, and others'."""
NO_AUTOMATON = Automaton(
    np.zeros(2, np.int64),
    np.zeros(0, np.int32),
    np.zeros(0, np.float32),
    np.zeros(0, np.int32),
    np.zeros(1, np.float32),
    np.zeros(1, np.int32),
)


States = Int64[np.ndarray, " NUM_STATES"]
"""Where a text stands: in the language model over tokens, the lexicon, the model over words, hot words and grammar."""
MOST_WIDENINGS = 3
"""How often a beam in which no prefix may end, by a lexicon or a grammar, is made four times as wide."""


class BeamConfig(Config, frozen=True, tag="beam"):
    """Prefix beam search.

    Attributes:
        beam_width: prefixes that are kept after each frame.
        token_floor: log-probability below which a token is not looked at in a frame; None looks at all.
        score_margin: prefixes that score worse than the best by more are dropped; None drops none.
        lm_weight: of the language model over tokens.
        word_lm_weight: of the language model over words.
        insertion_bonus: for each token, or for each word where there is a lexicon or a model over words.
        unknown_word: what a word outside the lexicon scores beside what the model gives `<unk>`; None allows none.
        prior_weight: of the tokens' prior probabilities, by which the emissions are divided.
        log_prior: natural logarithms of them, one for each token, the blank first; None for no division.
        hot_words: words and phrases that are likely; each time that one is read scores `hot_word_boost`.
        hot_word_boost: natural logarithm.
        grammar: a regular expression that the whole text has to match; None allows everything. Not for a model that
            reads in visual order, which is given `allowed_texts`.
        allowed_texts: the only texts that may be read; none of them allows everything.
    """

    beam_width: Annotated[int, msgspec.Meta(ge=1, le=65536)] = 64
    token_floor: float | None = None
    score_margin: FromZero | None = None
    lm_weight: Weight = 0.5
    word_lm_weight: Weight = 0.5
    insertion_bonus: Score = 0.0
    unknown_word: Score | None = None
    prior_weight: Weight = 0.0
    log_prior: tuple[Score, ...] | None = None
    hot_words: tuple[str, ...] = ()
    hot_word_boost: Weight = 5.0
    grammar: str | None = None
    allowed_texts: tuple[str, ...] = ()

    def build(self, tokens: TokenTable, models: LanguageModels | None = None) -> "Beam":
        """Returns the decoder for a token table.

        Raises:
            ConfigError: a language model, a hot word or a grammar that does not go with the token table.
        """
        return Beam(self, tokens, models or LanguageModels())


class Beam:
    """Reads the most probable labellings, each the sum of all its paths, weighed by what the language allows."""

    def __init__(
        self, config: BeamConfig, tokens: TokenTable, models: LanguageModels, like: "Beam | None" = None
    ) -> None:
        check(config)
        self.config = config
        self.tokens = tokens
        self.models = models
        if config.log_prior is not None and len(config.log_prior) != len(tokens):
            raise ConfigError(
                f"log_prior has {len(config.log_prior)} numbers; expected {len(tokens)}, one a token"
            )
        self.kind: int
        self.lexicon: Lexicon
        self.kind, self.lexicon = _lexicon(tokens, models) if like is None else (like.kind, like.lexicon)
        hot = (config.hot_words, config.hot_word_boost)
        self.hot = self.rule = no_rules(len(tokens))
        if like is not None and hot == (like.config.hot_words, like.config.hot_word_boost):
            self.hot = like.hot
        elif config.hot_words:
            self.hot = hot_word_rules(*hot, tokens)
        grammar = _grammar(config, tokens)
        self.has_rules = self.kind != NO_LEXICON or grammar is not None
        if like is not None and grammar == _grammar(like.config, tokens):
            self.rule = like.rule
        elif grammar is not None:
            self.rule = grammar_rules(grammar, tokens)
        self._search_arguments = self._arguments()
        begins = [0 if model is None else model.begin_state for model in (models.tokens, models.words)]
        self._begin = np.array([begins[0], ROOT, begins[1], 0, 0], np.int64)

    def with_settings(self, config: BeamConfig) -> "Beam":
        """Returns a decoder with other settings for the same models; what does not change is not made again."""
        return Beam(config, self.tokens, self.models, like=self)

    def __call__(self, emissions: Emissions, n_best: int = 1) -> list[list[Hypothesis]]:
        """Returns up to `n_best` different labellings for each example, the best first.

        Raises:
            FormatError: emissions that are not numbers.
        """
        frames = frames_of(emissions)
        num_threads = min(torch.get_num_threads(), len(frames))
        if num_threads <= 1:
            return [self.read(rows, n_best) for rows in frames]
        with ThreadPoolExecutor(num_threads) as pool:
            return list(pool.map(lambda rows: self.read(rows, n_best), frames))

    def read(self, log_probs: np.ndarray, n_best: int = 1, begin: States | None = None) -> list[Hypothesis]:
        """Returns up to `n_best` labellings of one example, (T, C) natural logarithms.

        Where a lexicon or a grammar lets nothing in the beam end, the beam is widened; where that does not help, the
        best prefix counts up to the last place at which it may end, and its score is minus infinity.

        With `begin`, which `read_on` gave, the example is the end of one that began before.
        """
        return [found for found, _ in self._readings(log_probs, n_best, begin, goes_on=False)]

    def read_on(self, log_probs: np.ndarray, begin: States | None = None) -> tuple[Hypothesis, States]:
        """Returns the best labelling of a part of an example that goes on, and the states in which it does.

        Language models and hot words go on from part to part as within one; words of a lexicon are whole in each
        part, and each matches the grammar.
        """
        [found] = self._readings(log_probs, 1, begin, goes_on=True)
        return found

    def _readings(
        self, log_probs: np.ndarray, n_best: int, begin: States | None, *, goes_on: bool
    ) -> list[tuple[Hypothesis, States]]:
        first = self._begin if begin is None else begin
        config = self.config
        weighed = self.weighed(log_probs)
        for widening in range(1 + MOST_WIDENINGS * self.has_rules):
            links, nodes, acoustic, ends, language = search(
                weighed,
                config.beam_width * 4**widening,
                -np.inf if config.token_floor is None else config.token_floor,
                np.inf if config.score_margin is None else config.score_margin,
                first,
                goes_on,
                *self._search_arguments,
            )
            scores = acoustic + ends
            order = np.argsort(-scores, kind="stable")
            order = order[scores[order] > -np.inf][:n_best]
            if len(order):
                return [
                    (
                        self._hypothesis(
                            log_probs, _codes(links, int(nodes[i])), float(acoustic[i]), float(ends[i])
                        ),
                        self._states(links, int(nodes[i])),
                    )
                    for i in order
                ]
        arguments = self._search_arguments
        for i in np.argsort(-(acoustic + language[nodes]), kind="stable"):
            node = int(nodes[i])
            while node >= 0:
                of_end = (arguments[0], *arguments[2:6], *arguments[7:])
                if end_score(goes_on, *of_end, links, node) > -np.inf:
                    found = self._hypothesis(log_probs, _codes(links, node), -np.inf, float(language[node]))
                    return [(found, self._states(links, node))]
                node = int(links[PARENT, node])
        return [(Hypothesis(text="", token_ids=(), score=-np.inf, acoustic_score=-np.inf), first)]

    def weighed(self, log_probs: np.ndarray) -> np.ndarray:
        """Returns (T, C) natural logarithms in float64 as the search counts them, divided by the tokens' priors."""
        weighed = np.ascontiguousarray(log_probs, np.float64)
        if self.config.log_prior is not None and self.config.prior_weight:
            weighed = weighed - self.config.prior_weight * np.asarray(self.config.log_prior)
        return weighed

    def _states(self, links: np.ndarray, node: int) -> States:
        """Returns the states in which a text goes on after a prefix that ends a word and matches the grammar."""
        token, place, word, hot, _ = links[TOKEN_STATE:, node].tolist()
        if self.kind == SPELLED and place != ROOT:
            word_arrays, trie, settings = (self._search_arguments[at] for at in (3, 5, 9))
            word = int(end_of_word(word_arrays, trie, settings, place, word)[1])
        return np.array([token, ROOT, word, hot, 0], np.int64)

    def _hypothesis(
        self, log_probs: np.ndarray, codes: tuple[int, ...], acoustic: float, language: float
    ) -> Hypothesis:
        num_classes = len(self.tokens)
        token_ids = tuple(code % num_classes for code in codes)
        spans = token_spans(log_probs, token_ids, self.tokens)
        text, words = self.tokens.decode(token_ids), word_spans(spans, self.tokens)
        if self.kind == PRONOUNCED:
            names = self.lexicon.words_of(codes, num_classes)
            ends = [index + 1 for index, code in enumerate(codes) if code >= num_classes]
            parts = zip(names, [0, *ends], ends, strict=False)
            text, words = " ".join(names), tuple(joined(name, spans[i:j]) for name, i, j in parts)
        return Hypothesis(
            text=text,
            token_ids=token_ids,
            score=acoustic + language,
            acoustic_score=acoustic,
            language_score=language,
            spans=spans,
            words=words,
        )

    def _arguments(self) -> tuple[object, ...]:
        config, models = self.config, self.models
        token_model, token_word = _over_tokens(self.tokens, models.tokens)
        word_model = models.words.automaton if models.words is not None else NO_AUTOMATON
        settings = np.zeros(NUM_SETTINGS)
        settings[TOKEN_WEIGHT] = config.lm_weight if models.tokens is not None else 0.0
        settings[BONUS] = config.insertion_bonus
        settings[WORD_WEIGHT] = config.word_lm_weight if models.words is not None else 0.0
        settings[UNKNOWN_SCORE] = -np.inf if config.unknown_word is None else config.unknown_word
        if models.words is not None:
            unknown = models.words.unknown
            settings[UNKNOWN_ID] = len(models.words.words) if unknown is None else unknown
            unigram = word_model.step(EMPTY, int(settings[UNKNOWN_ID]))[0]
            settings[UNKNOWN_AHEAD] = settings[WORD_WEIGHT] * unigram
        settings[UNKNOWN_AHEAD] += settings[UNKNOWN_SCORE]
        settings[LEXICON_KIND] = self.kind
        settings[SEPARATOR] = self.tokens.tokens.index(" ") if " " in self.tokens.tokens else -1
        settings[MOST] = (
            config.insertion_bonus if self.kind == NO_LEXICON and not config.hot_words else np.inf
        )
        return (
            token_model.arrays,
            token_word,
            models.tokens.ids.get(END, -1) if models.tokens is not None else -1,
            word_model.arrays,
            models.words.ids.get(END, -1) if models.words is not None else -1,
            self.lexicon.arrays,
            1 + self.lexicon.most_words if self.kind == PRONOUNCED else 1,
            self.hot.arrays,
            self.rule.arrays,
            settings,
        )


def _grammar(config: BeamConfig, tokens: TokenTable) -> str | None:
    """Returns the expression that a text has to match, its tokens in the order in which they are emitted.

    Raises:
        ConfigError: there are two, or one that would have to be turned round.
    """
    if not config.allowed_texts:
        if config.grammar is not None and tokens.reading_order == "visual":
            raise ConfigError(
                "grammar: the model reads from left to right on the paper, and an expression cannot be turned round; "
                "give the texts with allowed_texts"
            )
        return config.grammar
    if config.grammar is not None:
        raise ConfigError(
            "grammar and allowed_texts are two ways to say what may be read; leave one of them out"
        )
    return "|".join(re.escape(tokens.joined(tokens.split(text))) for text in config.allowed_texts)


def _lexicon(tokens: TokenTable, models: LanguageModels) -> tuple[int, Lexicon]:
    """Returns the kind of lexicon that the models ask for, and the lexicon.

    Raises:
        ConfigError: nothing tells where words end.
    """
    if models.words is None and models.lexicon is None:
        return NO_LEXICON, NO_WORDS
    entries = (
        models.lexicon if models.lexicon is not None else spelled(models.words.words if models.words else ())
    )
    if " " in tokens.tokens:
        return SPELLED, build_lexicon(entries, tokens, models.words)
    if all(entry.word == entry.spelling for entry in entries):
        raise ConfigError(
            "a model over words needs a token table with a space between words, or a lexicon of pronunciations; "
            "give --lexicon with lines such as `word P H O N E S`, or with --lm a model over the phones"
        )
    if tokens.reading_order == "visual":
        raise ConfigError(
            "a lexicon of pronunciations is for models that read in logical order; give one of words in their letters"
        )
    return PRONOUNCED, build_lexicon(entries, tokens, models.words)


def _codes(links: np.ndarray, node: int) -> tuple[int, ...]:
    found = []
    while node > 0:
        found.append(int(links[CODE, node]))
        node = int(links[PARENT, node])
    return tuple(reversed(found))


def _over_tokens(tokens: TokenTable, model: NgramModel | None) -> tuple[Automaton, np.ndarray]:
    """Returns the model over tokens and the word of it that each token is; `<unk>` for those that it does not know.

    Raises:
        ConfigError: the model knows hardly any of the tokens, so that it is a model of something else.
    """
    if model is None:
        return NO_AUTOMATON, np.zeros(len(tokens), np.int64)
    space = next((name for name in SPACE_NAMES if name in model.ids), None)
    names = [space if token == " " and space is not None else token for token in tokens.tokens[1:]]
    unknown = len(model.words) if model.unknown is None else model.unknown
    known = sum(name in model.ids for name in names)
    if known < len(names) / 2:
        raise ConfigError(
            f"the language model knows {known} of the {len(names)} tokens: it was made of other units; "
            "give with --lm one of the model's own tokens, with --word-lm one over words"
        )
    return model.automaton, np.array([0, *(model.ids.get(name, unknown) for name in names)], np.int64)
