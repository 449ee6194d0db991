"""Hot words and grammars as tables: what each token scores in each state, and the state after it.

Sources: Aho and Corasick, "Efficient string matching", CACM 18, 1975 (hot words); Thompson, "Regular expression search
algorithm", CACM 11, 1968, and the subset construction (grammars).
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from re import _constants as re_constants  # type: ignore[attr-defined]
from re import _parser as re_parser  # type: ignore[attr-defined]
from typing import Any

import numpy as np
from jaxtyping import Float64, Int32

from seqlabel.errors import ConfigError, TokenError
from seqlabel.tokens import TokenTable

MOST_CELLS = 20_000_000
"""States times tokens; what needs more is refused, since its table would fill the memory."""
MOST_PARTS = 200_000
"""Parts that a grammar may have when its repeats are written out."""


@dataclass(frozen=True, slots=True)
class Rules:
    """A deterministic machine over the tokens of a table, its first state 0.

    Attributes:
        after: (S, C) the state after a token; -1 where it is not allowed.
        score: (S, C) what the token scores.
        end: (S,) what it scores that the text ends; -inf where it may not.
    """

    after: Int32[np.ndarray, "S C"]
    score: Float64[np.ndarray, "S C"]
    end: Float64[np.ndarray, " S"]

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        """The arrays in the order in which the search takes them."""
        return self.after, self.score, self.end


def no_rules(num_classes: int) -> Rules:
    """Returns the machine that allows everything and scores nothing."""
    shape = (1, num_classes)
    return Rules(np.zeros(shape, np.int32), np.zeros(shape), np.zeros(1))


# --- hot words --------------------------------------------------------------------------------------------


def hot_word_rules(phrases: Sequence[str], boost: float, tokens: TokenTable) -> Rules:
    """Returns the machine that gives `boost` for each time that one of the phrases stands there as whole words.

    What has been read of a phrase so far counts in proportion, so that the beam keeps it; it is taken back when
    something else follows.

    Raises:
        ConfigError: a phrase that the tokens cannot spell, or more of them than fit the memory.
    """
    # Words are told by the spaces around them; where tokens are words, each has edges of its own.
    edges = [tokens.tokens.index(" ")] if " " in tokens.tokens else []
    children: list[dict[int, int]] = [{}]
    own_gain, own_progress = [0.0], [0.0]
    for phrase in dict.fromkeys(" ".join(phrase.split()) for phrase in phrases):
        try:
            ids = tokens.encode(phrase)
        except TokenError as error:
            raise ConfigError(f"hot word {phrase!r}: {error}") from error
        if not ids:
            raise ConfigError("a hot word is empty; leave it out")
        node = 0
        for place, token in enumerate([*edges, *ids, *edges], 1):
            if token not in children[node]:
                children[node][token] = len(children)
                children.append({})
                own_gain.append(0.0)
                own_progress.append(0.0)
            node = children[node][token]
            done = min(max(0, place - len(edges)), len(ids)) / len(ids)
            if place < len(ids) + 2 * len(edges):
                own_progress[node] = max(own_progress[node], boost * done)
        own_gain[node] += boost
    num_states, num_classes = len(children), len(tokens)
    if num_states * num_classes > MOST_CELLS:
        raise ConfigError(f"{len(phrases):,} hot words need {num_states:,} states; give fewer of them")
    after = np.zeros((num_states, num_classes), np.int32)
    gain, progress = np.array(own_gain), np.array(own_progress)
    failure = np.zeros(num_states, np.int64)
    waiting = [0]
    for node in waiting:  # breadth first: what a state falls back to is done before it
        if node:
            after[node] = after[failure[node]]
            gain[node] += gain[failure[node]]
            progress[node] = max(progress[node], progress[failure[node]])
        for token, child in children[node].items():
            failure[child] = after[node, token] if node else 0
            after[node, token] = child
            waiting.append(child)
    score = (gain + progress)[after] - progress[:, None]
    end = -progress
    # A text begins and ends at the edge of a word.
    first = int(after[0, edges[0]]) if edges else 0
    if edges:
        end = end + gain[after[:, edges[0]]]
    end = end + progress[first]
    order = np.array([first, *(node for node in range(num_states) if node != first)])
    return Rules(np.argsort(order).astype(np.int32)[after[order]], score[order], end[order])


# --- grammars ---------------------------------------------------------------------------------------------


def grammar_rules(pattern: str, tokens: TokenTable) -> Rules:
    """Returns the machine of the texts that a regular expression matches as a whole.

    Literals, classes, alternatives, groups and repeats are understood; no anchors, look-around or references.

    Raises:
        ConfigError: no such expression, or none of its texts can be spelt with the tokens.
    """
    try:
        parsed = re_parser.parse(pattern)
        if parsed.state.flags & ~re.UNICODE:
            raise ConfigError(f"grammar {pattern!r}: flags are not understood; leave them out")
        machine = _Machine(pattern)
        start, accept = machine.state(), machine.state()
        machine.sequence(parsed, start, accept)
    except (re.error, OverflowError, RecursionError) as error:
        raise ConfigError(f"grammar {pattern!r}: {error}") from error
    is_words = tokens.unit == "word"
    first_texts = tokens.tokens[1:]
    texts = [f" {token}" for token in first_texts] if is_words else first_texts
    # State 0 is the beginning, where no space stands before a word.
    sets: dict[tuple[bool, frozenset[int]], int] = {(True, machine.closure({start})): 0}
    waiting = list(sets)
    rows: list[np.ndarray] = []
    ends: list[bool] = []
    for is_first, states in waiting:
        row = np.full(len(tokens), -1, np.int32)
        for token, text in enumerate(first_texts if is_first else texts, 1):
            reached = states
            for character in text:
                reached = machine.after(reached, character)
            if reached:
                key = (False, reached)
                if key not in sets:
                    if (len(sets) + 1) * len(tokens) > MOST_CELLS:
                        raise ConfigError(
                            f"grammar {pattern!r}: needs more than {len(sets):,} states; make it simpler"
                        )
                    sets[key] = len(sets)
                    waiting.append(key)
                row[token] = sets[key]
        rows.append(row)
        ends.append(accept in states)
    after = np.stack(rows)
    is_alive = _reaching(after, np.array(ends))
    if not is_alive[0]:
        raise ConfigError(f"grammar {pattern!r}: none of its texts can be spelt with the model's tokens")
    after = np.where((after >= 0) & is_alive[after], after, -1).astype(np.int32)
    return Rules(after, np.zeros(after.shape), np.where(ends, 0.0, -np.inf))


def _reaching(after: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Returns which states lead to an end: what cannot come to one is not begun."""
    source, token = np.nonzero(after >= 0)
    by_target = np.argsort(after[source, token], kind="stable")
    sources = source[by_target]
    first = np.concatenate([[0], np.cumsum(np.bincount(after[source, token], minlength=len(after)))])
    found = ends.copy()
    waiting = np.flatnonzero(ends).tolist()
    for state in waiting:
        for before in np.unique(sources[first[state] : first[state + 1]]).tolist():
            if not found[before]:
                found[before] = True
                waiting.append(before)
    return found


Test = Callable[[str], bool]


class _Machine:
    """A non-deterministic machine over characters."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.free: list[list[int]] = []
        self.tests: list[list[tuple[Test, int]]] = []

    def state(self) -> int:
        """Makes a state."""
        if len(self.free) == MOST_PARTS:
            raise ConfigError(f"grammar {self.pattern!r}: its repeats are too many; make it simpler")
        self.free.append([])
        self.tests.append([])
        return len(self.free) - 1

    def closure(self, states: Iterable[int]) -> frozenset[int]:
        """Returns the states that are reached without a character."""
        found = set(states)
        waiting = list(found)
        while waiting:
            for following in self.free[waiting.pop()]:
                if following not in found:
                    found.add(following)
                    waiting.append(following)
        return frozenset(found)

    def after(self, states: frozenset[int], character: str) -> frozenset[int]:
        """Returns the states that are reached with a character."""
        return self.closure({to for state in states for test, to in self.tests[state] if test(character)})

    def sequence(self, items: Any, start: int, end: int) -> None:
        """Adds what parts match one after the other."""
        at = start
        for operation, argument in items:
            following = self.state()
            self.item(operation, argument, at, following)
            at = following
        self.free[at].append(end)

    def item(self, operation: Any, argument: Any, start: int, end: int) -> None:
        """Adds what one part of an expression matches."""
        c = re_constants
        if operation in (c.LITERAL, c.NOT_LITERAL, c.ANY, c.IN):
            self.tests[start].append((_test(operation, argument), end))
        elif operation is c.BRANCH:
            for branch in argument[1]:
                self.sequence(branch, start, end)
        elif operation is c.SUBPATTERN:
            if argument[1] or argument[2]:
                raise ConfigError(f"grammar {self.pattern!r}: flags are not understood; leave them out")
            self.sequence(argument[-1], start, end)
        elif operation in (c.MAX_REPEAT, c.MIN_REPEAT):
            least, most, items = argument
            at = start
            for _ in range(least):
                following = self.state()
                self.sequence(items, at, following)
                at = following
            if most is c.MAXREPEAT:
                loop = self.state()
                self.free[at].append(loop)
                self.sequence(items, loop, loop)
                self.free[loop].append(end)
                return
            self.free[at].append(end)
            for _ in range(most - least):
                following = self.state()
                self.sequence(items, at, following)
                self.free[following].append(end)
                at = following
        else:
            raise ConfigError(
                f"grammar {self.pattern!r}: {str(operation).lower()} is not understood; use literals, classes, "
                "alternatives, groups and repeats"
            )


def _test(operation: Any, argument: Any) -> Test:
    """Returns what tells whether a character fits one part of an expression, by Python's own matching."""
    c = re_constants
    if operation is c.ANY:
        return lambda character: True
    if operation is c.LITERAL:
        return lambda character: ord(character) == argument
    if operation is c.NOT_LITERAL:
        return lambda character: ord(character) != argument
    tests = [_class_test(kind, value) for kind, value in argument if kind is not c.NEGATE]
    is_negated = argument[0][0] is c.NEGATE
    return lambda character: any(test(character) for test in tests) != is_negated


def _class_test(kind: Any, value: Any) -> Test:
    c = re_constants
    if kind is c.LITERAL:
        return lambda character: ord(character) == value
    if kind is c.RANGE:
        return lambda character: value[0] <= ord(character) <= value[1]
    name = {
        c.CATEGORY_DIGIT: r"\d", c.CATEGORY_NOT_DIGIT: r"\D", c.CATEGORY_SPACE: r"\s",
        c.CATEGORY_NOT_SPACE: r"\S", c.CATEGORY_WORD: r"\w", c.CATEGORY_NOT_WORD: r"\W",
    }[value]  # fmt: skip
    matched = re.compile(name).match
    return lambda character: matched(character) is not None
