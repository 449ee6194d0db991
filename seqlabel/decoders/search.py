"""Prefix beam search in log space, compiled: all frames of one example in one call.

A prefix is a node of a tree, so that equal prefixes are the same node however they came about. Of each prefix in the
beam two probabilities are kept, that of its paths that end in a blank and that of those that end in its last token
(Graves 2012, section 7.5.3; Hannun et al. 2014). What depends on the prefix alone, such as the state and the score of
a language model, is kept with the node; the scores of the tokens that may follow are computed when they are first
asked for, and kept as long as the prefix stays in the beam.
"""

from typing import Any, no_type_check

import numpy as np

from seqlabel import compiled as compiled_module
from seqlabel.compiled import compiled, forget_if_changed
from seqlabel.language_model import automaton
from seqlabel.language_model.automaton import place_of, step
from seqlabel.tokens import BLANK

NO_NODE = -1
OUTSIDE = -1
"""The place in the lexicon of a word that is not in it."""
ROOT = 0
"""The place in the lexicon before the first token of a word."""

(
    TOKEN_WEIGHT, BONUS, WORD_WEIGHT, UNKNOWN_SCORE, UNKNOWN_ID, UNKNOWN_AHEAD, LEXICON_KIND, SEPARATOR, MOST,
) = range(9)  # fmt: skip
"""The settings of `search`."""
NUM_SETTINGS = 9
NO_LEXICON, SPELLED, PRONOUNCED = 0, 1, 2
"""Kinds of lexicon: words spelt with tokens and a token between them, or sequences of tokens and nothing between."""

(
    PARENT,
    CODE,
    FIRST_CHILD,
    NEXT_SIBLING,
    SLOT,
    TOKEN_STATE,
    LEXICON_NODE,
    WORD_STATE,
    HOT_STATE,
    RULE_STATE,
) = range(10)
NUM_LINKS = 10
"""What is kept of each prefix. Its code is its last token, plus C times the number of the word that ends with it.

Words have such numbers in a lexicon of pronunciations alone, where nothing else tells where they end and which they
are: 0 for none, then the words that a node of the lexicon stands for, one by one.
"""
NUM_STATES = NUM_LINKS - TOKEN_STATE


@compiled
@no_type_check
def log_add(a: float, b: float) -> float:
    """Returns log(exp(a) + exp(b))."""
    if a < b:
        a, b = b, a
    return a if b == -np.inf else a + np.log1p(np.exp(b - a))


@compiled
@no_type_check
def lexicon_child(trie: Any, node: int, token: int) -> int:
    """Returns the node of the lexicon that follows a node by a token, or OUTSIDE."""
    first, child_token, child = trie[0], trie[1], trie[2]
    place = place_of(child_token, first[node], first[node + 1], token)
    return np.int64(child[place]) if place >= 0 else np.int64(OUTSIDE)


@compiled
@no_type_check
def word_score(words: Any, settings: Any, state: int, word: int) -> tuple[float, int]:
    """Returns the weighed log-probability of a word of the model over words, and the state after it."""
    value, after = step(words, state, word)
    return settings[WORD_WEIGHT] * value, after


@compiled
@no_type_check
def end_of_word(words: Any, trie: Any, settings: Any, place: int, state: int) -> tuple[float, int]:
    """Returns what it scores that the word at a place of the lexicon ends here, and the word model's state after it.

    The look-ahead that has been counted for the word so far is taken back.
    """
    ahead, first_word, word_of = trie[3], trie[4], trie[5]
    counted = settings[UNKNOWN_AHEAD] if place == OUTSIDE else settings[WORD_WEIGHT] * ahead[place]
    if place != OUTSIDE and first_word[place] < first_word[place + 1]:
        value, after = word_score(words, settings, state, np.int64(word_of[first_word[place]]))
    else:
        value, after = word_score(words, settings, state, np.int64(settings[UNKNOWN_ID]))
        value += settings[UNKNOWN_SCORE]
    if value == -np.inf:
        return value, after
    return value + settings[BONUS] - counted, after


@compiled
@no_type_check
def follow(
    tokens: Any,
    token_word: Any,
    words: Any,
    trie: Any,
    hot: Any,
    rule: Any,
    settings: Any,
    links: Any,
    node: int,
    code: int,
) -> tuple[float, int, int, int, int, int]:
    """Returns what a token scores after a prefix, -inf if it is not allowed, and the states after it.

    Args:
        tokens: arrays of the language model over tokens.
        token_word: (C,) what each token is called in it.
        words: arrays of the language model over words.
        trie: arrays of the lexicon.
        hot, rule: tables of the hot words and of the grammar.
        settings: see `search`.
        links: the tree of prefixes.
        node: the prefix.
        code: what follows, see `NUM_LINKS`.
    """
    num_classes = len(token_word)
    token, label = code % num_classes, code // num_classes
    token_state, place, word_state = (
        links[TOKEN_STATE, node],
        links[LEXICON_NODE, node],
        links[WORD_STATE, node],
    )
    hot_before, rule_before = links[HOT_STATE, node], links[RULE_STATE, node]
    hot_state, rule_state = np.int64(hot[0][hot_before, token]), np.int64(rule[0][rule_before, token])
    forbidden = -np.inf, token_state, place, word_state, hot_state, rule_state
    if rule_state < 0:
        return forbidden
    score = hot[1][hot_before, token]
    if settings[TOKEN_WEIGHT] != 0.0:
        value, token_state = step(tokens, token_state, token_word[token])
        score += settings[TOKEN_WEIGHT] * value
    if settings[LEXICON_KIND] == NO_LEXICON:
        return score + settings[BONUS], token_state, place, word_state, hot_state, rule_state
    if settings[LEXICON_KIND] == SPELLED and token == np.int64(settings[SEPARATOR]):
        if place != ROOT:
            value, word_state = end_of_word(words, trie, settings, place, word_state)
            score += value
        return score, token_state, np.int64(ROOT), word_state, hot_state, rule_state
    first_child, ahead, first_word, word_of = trie[0], trie[3], trie[4], trie[5]
    counted = settings[UNKNOWN_AHEAD] if place == OUTSIDE else settings[WORD_WEIGHT] * ahead[place]
    after = lexicon_child(trie, place, token) if place != OUTSIDE else np.int64(OUTSIDE)
    if after == OUTSIDE:
        if settings[UNKNOWN_SCORE] == -np.inf or settings[LEXICON_KIND] == PRONOUNCED:
            return forbidden
        return (
            score + settings[UNKNOWN_AHEAD] - counted,
            token_state,
            after,
            word_state,
            hot_state,
            rule_state,
        )
    if label == 0:
        if settings[LEXICON_KIND] == PRONOUNCED and first_child[after] == first_child[after + 1]:
            return forbidden  # a word has to end here
        return (
            score + settings[WORD_WEIGHT] * ahead[after] - counted,
            token_state,
            after,
            word_state,
            hot_state,
            rule_state,
        )
    place = first_word[after] + label - 1
    if place >= first_word[after + 1]:
        return forbidden
    value, word_state = word_score(words, settings, word_state, np.int64(word_of[place]))
    score += value + settings[BONUS] - counted
    return score, token_state, np.int64(ROOT), word_state, hot_state, rule_state


@compiled
@no_type_check
def search(
    log_probs: Any,
    beam_width: int,
    least_token: float,
    margin: float,
    begin: Any,
    goes_on: bool,
    tokens: Any,
    token_word: Any,
    token_end: int,
    words: Any,
    word_end: int,
    trie: Any,
    num_labels: int,
    hot: Any,
    rule: Any,
    settings: Any,
) -> tuple[Any, Any, Any, Any, Any]:
    """Returns the tree of prefixes, the nodes in the beam at the end, their scores, and what each node scores.

    The scores are the acoustic and the language score of each node in the beam as a whole text, or as one that goes
    on; what each node of the tree scores by its language is without the end.

    Args:
        log_probs: (T, C) float64, natural logarithms.
        beam_width: prefixes that are kept after each frame.
        least_token: log-probability below which a token, or the blank, is left out of a frame, unless it is the best.
        margin: prefixes that score worse than the best by more are dropped.
        begin: (NUM_STATES,) the states in which the text begins, those of the links from TOKEN_STATE on.
        goes_on: what comes behind the last frame is read later.
        tokens, token_word: the language model over tokens, as for `follow`; not looked at where its weight is 0.
        token_end: the word that ends its sentences, -1 for none.
        words, word_end: the same for the language model over words.
        trie: the lexicon.
        num_labels: 1, and in a lexicon of pronunciations the most words that sound alike more.
        hot, rule: tables of the hot words and of the grammar: (S, C) the state after a token, -1 for what is not
            allowed; (S, C) what it scores; (S,) what the end scores.
        settings: by name: weight of the language model over tokens; bonus for each token, or for each word where there
            is a lexicon; weight of the language model over words; what an unknown word scores beside, -inf if there
            are to be none; what such a word is called in the model; the look-ahead for it; the kind of lexicon; the
            token between words; the most that a token can add.
    """
    num_frames, num_classes = log_probs.shape
    capacity = 1024
    links = np.full((NUM_LINKS, capacity), NO_NODE, np.int64)
    language = np.zeros(capacity)
    links[CODE, 0] = BLANK
    links[SLOT, 0] = 0
    links[TOKEN_STATE:, 0] = begin
    num_nodes = 1
    num_codes = num_classes * num_labels

    node = np.zeros(beam_width, np.int64)
    new_node = np.zeros(beam_width, np.int64)
    blank = np.full(beam_width, -np.inf)
    label = np.full(beam_width, -np.inf)
    new_blank = np.full(beam_width, -np.inf)
    new_label = np.full(beam_width, -np.inf)
    stay_blank = np.full(beam_width, -np.inf)
    stay_label = np.full(beam_width, -np.inf)
    total = np.full(beam_width, -np.inf)
    blank[0] = total[0] = 0.0
    num_slots = 1
    # What each token scores after the prefix of a slot: rows of one store, so that none is copied.
    ahead = np.full((2 * beam_width, num_codes), np.nan)
    row = np.zeros(beam_width, np.int64)
    new_row = np.zeros(beam_width, np.int64)
    free = np.arange(2 * beam_width - 1, 0, -1)
    num_free = 2 * beam_width - 1
    taken = np.full((beam_width, num_codes), -1, np.int64)
    # The best candidates so far, the worst of them on top.
    heap_score = np.empty(beam_width)
    heap_slot = np.empty(beam_width, np.int64)
    heap_code = np.empty(beam_width, np.int64)
    allowed = np.empty(num_classes, np.int64)
    stays = np.zeros(beam_width, np.bool_)

    for frame in range(num_frames):
        column = log_probs[frame]
        best_token = 0
        for token in range(num_classes):
            if column[token] > column[best_token]:
                best_token = token
        num_allowed = 0
        for token in range(num_classes):
            if (
                token != BLANK
                and (column[token] >= least_token or token == best_token)
                and column[token] > -np.inf
            ):
                allowed[num_allowed] = token
                num_allowed += 1
        blank_score = column[BLANK] if column[BLANK] >= least_token or best_token == BLANK else -np.inf

        size = 0
        for slot in range(num_slots):
            here = node[slot]
            code = links[CODE, here]
            token = code % num_classes
            stay_blank[slot] = total[slot] + blank_score
            stay_label[slot] = -np.inf
            if token != BLANK:
                value = column[token]
                if value < least_token and token != best_token:
                    value = -np.inf
                stay_label[slot] = label[slot] + value
                parent_slot = links[SLOT, links[PARENT, here]]
                if parent_slot >= 0:
                    taken[parent_slot, code] = frame
                    is_repeat = links[CODE, node[parent_slot]] % num_classes == token
                    source = blank[parent_slot] if is_repeat else total[parent_slot]
                    stay_label[slot] = log_add(stay_label[slot], source + value)
            score = log_add(stay_blank[slot], stay_label[slot])
            if score > -np.inf:
                size = _keep(heap_score, heap_slot, heap_code, size, score + language[here], slot, BLANK)
        for slot in range(num_slots):
            here = node[slot]
            last = links[CODE, here] % num_classes
            for i in range(num_allowed):
                token = allowed[i]
                before = (blank[slot] if token == last else total[slot]) + column[token] + language[here]
                if size == beam_width and before + settings[MOST] <= heap_score[0]:
                    continue
                for code in range(token, num_codes, num_classes):
                    if taken[slot, code] == frame:
                        continue
                    value = ahead[row[slot], code]
                    if np.isnan(value):
                        value = follow(
                            tokens, token_word, words, trie, hot, rule, settings, links, here, code
                        )[0]
                        ahead[row[slot], code] = value
                    if value == -np.inf and code >= num_classes:
                        break  # nor is there another word that sounds so
                    score = before + value
                    if score > -np.inf and (size < beam_width or score > heap_score[0]):
                        size = _keep(heap_score, heap_slot, heap_code, size, score, slot, code)
        if size == 0:
            num_slots = 0
            break

        best = heap_score[0]
        for i in range(size):
            best = max(best, heap_score[i])
        if num_nodes + size > capacity:
            grown = np.full((NUM_LINKS, 2 * capacity + size), NO_NODE, np.int64)
            grown[:, :capacity] = links
            links = grown
            grown_language = np.zeros(2 * capacity + size)
            grown_language[:capacity] = language
            language = grown_language
            capacity = 2 * capacity + size
        for slot in range(num_slots):
            stays[slot] = False
        for i in range(size):
            if heap_code[i] == BLANK and heap_score[i] >= best - margin:
                stays[heap_slot[i]] = True
        for slot in range(num_slots):
            links[SLOT, node[slot]] = NO_NODE
        count = 0
        # Those that stay come first and keep their rows; then the rows of the others are free.
        for slot in range(num_slots):
            if stays[slot]:
                new_node[count], new_row[count] = node[slot], row[slot]
                new_blank[count], new_label[count] = stay_blank[slot], stay_label[slot]
                count += 1
        for i in range(size):
            if heap_code[i] == BLANK or heap_score[i] < best - margin:
                continue
            slot, code = heap_slot[i], heap_code[i]
            token = code % num_classes
            parent = node[slot]
            child = links[FIRST_CHILD, parent]
            while child != NO_NODE and links[CODE, child] != code:
                child = links[NEXT_SIBLING, child]
            if child == NO_NODE:
                child = np.int64(num_nodes)
                num_nodes += 1
                value, token_state, place, word_state, hot_state, rule_state = follow(
                    tokens, token_word, words, trie, hot, rule, settings, links, parent, code
                )
                links[PARENT, child], links[CODE, child] = parent, code
                links[HOT_STATE, child], links[RULE_STATE, child] = hot_state, rule_state
                links[NEXT_SIBLING, child] = links[FIRST_CHILD, parent]
                links[FIRST_CHILD, parent] = child
                links[TOKEN_STATE, child] = token_state
                links[LEXICON_NODE, child], links[WORD_STATE, child] = place, word_state
                language[child] = language[parent] + value
            last = links[CODE, parent] % num_classes
            num_free -= 1
            fresh = free[num_free]
            ahead[fresh, :] = np.nan
            new_node[count], new_row[count] = child, fresh
            new_blank[count] = -np.inf
            new_label[count] = (blank[slot] if token == last else total[slot]) + column[token]
            count += 1
        for slot in range(num_slots):
            if not stays[slot]:
                free[num_free] = row[slot]
                num_free += 1
        node, new_node = new_node, node
        row, new_row = new_row, row
        blank, new_blank = new_blank, blank
        label, new_label = new_label, label
        num_slots = count
        for slot in range(num_slots):
            total[slot] = log_add(blank[slot], label[slot])
            links[SLOT, node[slot]] = slot

    ends = np.empty(num_slots)
    for slot in range(num_slots):
        ends[slot] = language[node[slot]] + end_score(
            goes_on, tokens, token_end, words, word_end, trie, hot, rule, settings, links, node[slot]
        )
    return links, node[:num_slots].copy(), total[:num_slots].copy(), ends, language


@compiled
@no_type_check
def end_score(
    goes_on: bool,
    tokens: Any,
    token_end: int,
    words: Any,
    word_end: int,
    trie: Any,
    hot: Any,
    rule: Any,
    settings: Any,
    links: Any,
    node: int,
) -> float:
    """Returns what it scores that the text ends after a prefix; -inf where it may not. Arguments as for `search`.

    In a text that goes on words and the grammar end as they do at its end, hot words and language models go on.
    """
    score = rule[2][links[RULE_STATE, node]]
    if not goes_on:
        score += hot[2][links[HOT_STATE, node]]
    if settings[LEXICON_KIND] != NO_LEXICON:
        place, state = links[LEXICON_NODE, node], links[WORD_STATE, node]
        if place != ROOT and settings[LEXICON_KIND] == PRONOUNCED:
            return -np.inf
        if place != ROOT:
            value, state = end_of_word(words, trie, settings, place, state)
            score += value
        if settings[WORD_WEIGHT] != 0.0 and word_end >= 0 and not goes_on:
            score += word_score(words, settings, state, word_end)[0]
    if settings[TOKEN_WEIGHT] != 0.0 and token_end >= 0 and not goes_on:
        score += settings[TOKEN_WEIGHT] * step(tokens, links[TOKEN_STATE, node], token_end)[0]
    return score


@compiled
@no_type_check
def _keep(scores: Any, slots: Any, tokens: Any, size: int, score: float, slot: int, token: int) -> int:
    """Puts a candidate into the heap, in place of the worst one when it is full; returns the new size."""
    if size < len(scores):
        place = size
        size += 1
        while place > 0:
            above = (place - 1) >> 1
            if scores[above] <= score:
                break
            scores[place], slots[place], tokens[place] = scores[above], slots[above], tokens[above]
            place = above
    else:
        if score <= scores[0]:
            return size
        place = 0
        while True:
            below = 2 * place + 1
            if below >= size:
                break
            if below + 1 < size and scores[below + 1] < scores[below]:
                below += 1
            if scores[below] >= score:
                break
            scores[place], slots[place], tokens[place] = scores[below], slots[below], tokens[below]
            place = below
    scores[place], slots[place], tokens[place] = score, slot, token
    return size


forget_if_changed((search, end_score), (compiled_module, automaton))
