"""What is odd about the texts of a training, in a few lines: for the log, before the first step."""

import itertools
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from seqlabel.characters import code_points, describe_character, graphemes
from seqlabel.texts import TextConfig
from seqlabel.tokens import TokenTable, TokenUnit

MOST_NAMED = 5
"""Characters that a line names; of the others it gives the number."""

IdAndText = tuple[str, str]


def warnings_of_texts(
    train: Iterable[IdAndText], dev: Iterable[IdAndText], texts: TextConfig, unit: TokenUnit
) -> list[str]:
    """Returns what is odd about raw training and dev texts, one line for each oddity.

    Args:
        train, dev: texts as the manifests have them, each with its id; gone over several times.
        texts: what becomes of them.
        unit: what a token is.
    """
    lines = [mixed_forms((train, dev), texts)]
    if texts.reading_order == "visual":
        lines += [
            ambiguous_orders(name, part, texts, unit) for name, part in (("training", train), ("dev", dev))
        ]
    return [line for line in lines if line is not None]


@dataclass(frozen=True, slots=True)
class MixedCharacter:
    """A character written in several ways: in NFC, how often, its rarest spelling, and which texts have that."""

    composed: str
    count: int
    spelling: str
    spelling_count: int
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TokenCount:
    """A token, how often it stands there, and the texts that have it."""

    token: str
    count: int
    ids: tuple[str, ...]


def mixed_characters(parts: Sequence[Iterable[IdAndText]]) -> list[MixedCharacter]:
    """Returns the characters that are written in several ways which are one and the same to Unicode.

    The parts are gone over three times.
    """

    def given() -> Iterator[IdAndText]:
        return ((id_, text) for id_, text in itertools.chain(*parts) if not text.isascii())

    if any(all(unicodedata.is_normalized(form, text) for _, text in given()) for form in ("NFC", "NFD")):
        return []
    spellings: dict[str, Counter[str]] = defaultdict(Counter)
    for _, text in given():
        for cluster, count in Counter(graphemes(text)).items():
            if not cluster.isascii():
                spellings[unicodedata.normalize("NFC", cluster)][cluster] += count
    rarest = {
        composed: min(counts.items(), key=lambda one: (one[1], one[0]))
        for composed, counts in sorted(spellings.items())
        if len(counts) > 1
    }
    ids: dict[str, list[str]] = {spelling: [] for spelling, _ in rarest.values()}
    for id_, text in given() if ids else ():
        for spelling in ids.keys() & graphemes(text):
            ids[spelling].append(id_)
    return [
        MixedCharacter(composed, spellings[composed].total(), spelling, count, tuple(ids[spelling]))
        for composed, (spelling, count) in rarest.items()
    ]


def mixed_forms(parts: Sequence[Iterable[IdAndText]], config: TextConfig) -> str | None:
    """Returns which characters are written in several ways that are one and the same to Unicode; None for none."""
    mixed = mixed_characters(parts)
    if not mixed:
        return None
    named = "; ".join(
        f"{one.composed!r} {one.count:,} times, of them {one.spelling_count:,} as {code_points(one.spelling)}, "
        f"first {one.ids[0]!r}"
        for one in mixed[:MOST_NAMED]
    )
    learnt = f"learnt as one ({config.unicode_form})" if config.unicode_form else "learnt as different tokens"
    hint = "" if config.unicode_form else "; --texts.unicode-form NFC makes them one"
    more = _more(len(mixed), "characters")
    return f"{len(mixed)} characters are written in several ways, {learnt}: {named}{more}{hint}"


def count_tokens(texts: Iterable[IdAndText], tokens: TokenTable) -> Counter[str]:
    """Returns how often each token stands in prepared texts."""
    counts: Counter[str] = Counter()
    for _, text in texts:
        counts.update(tokens.split(text))
    return counts


def with_ids(
    counts: Mapping[str, int], texts: Iterable[IdAndText], tokens: TokenTable
) -> dict[str, TokenCount]:
    """Returns these tokens with the texts that have them."""
    ids: dict[str, list[str]] = {token: [] for token in counts}
    if counts:
        for id_, text in texts:
            for token in counts.keys() & tokens.split(text):
                ids[token].append(id_)
    return {token: TokenCount(token, counts[token], tuple(found)) for token, found in ids.items()}


def rare_among(counts: Mapping[str, int], rare_below: int) -> dict[str, int]:
    """Returns the tokens that stand there less than `rare_below` times, the rarest first."""
    rare = ((count, token) for token, count in counts.items() if count < rare_below)
    return {token: count for count, token in sorted(rare)}


def rare_tokens(texts: Iterable[IdAndText], tokens: TokenTable, rare_below: int) -> str | None:
    """Returns which tokens stand in prepared training texts less than `rare_below` times; None for none."""
    counts = count_tokens(texts, tokens)
    rare = list(with_ids(rare_among(counts, rare_below), texts, tokens).values())
    return None if not rare else describe_rare(rare, len(counts), tokens.unit, rare_below)


def describe_rare(rare: Sequence[TokenCount], num_different: int, unit: TokenUnit, rare_below: int) -> str:
    """Returns in one line which of `num_different` tokens are rare."""
    left = sum(found.count for found in rare[MOST_NAMED:])
    more = _more(len(rare), f"{unit}s, {_times(left)} in all")
    what = f"{len(rare)} of {num_different} {unit}s are rare, fewer than {rare_below} times in training"
    return f"{what}: {_listed(rare, unit)}{more}"


def unknown_tokens(texts: Iterable[IdAndText], tokens: TokenTable) -> str | None:
    """Returns which tokens only prepared dev texts have; None for none."""
    unknown = list(with_ids(unknown_among(count_tokens(texts, tokens), tokens), texts, tokens).values())
    return None if not unknown else describe_unknown("dev", unknown, tokens.unit)


def unknown_among(counts: Mapping[str, int], tokens: TokenTable) -> dict[str, int]:
    """Returns the tokens that are not in the table, by their code points."""
    known = frozenset(tokens.tokens)
    return {token: count for token, count in sorted(counts.items()) if token not in known}


def describe_unknown(name: str, unknown: Sequence[TokenCount], unit: TokenUnit) -> str:
    """Returns in one line which tokens only the texts of the set of that name have."""
    more = _more(len(unknown), f"{unit}s")
    return (
        f"{name} has {len(unknown)} {unit}s that no training text has, always counted as errors: "
        f"{_listed(unknown, unit)}{more}"
    )


def ambiguous_orders(
    name: str, texts: Iterable[IdAndText], config: TextConfig, unit: TokenUnit
) -> str | None:
    """Returns which texts do not come back from the order in which they stand on the line; None for none."""
    empty = TokenTable.from_texts((), unit, config.unicode_form, config.reading_order, config.base_direction)
    ids = []
    num_texts = 0
    for id_, raw in texts:
        num_texts += 1
        text = config.prepare(raw)
        if empty.joined(token for token, _ in empty.as_read(empty.split(text))) != text:
            ids.append(id_)
    if not ids:
        return None
    hint = "; set --texts.base-direction" if config.base_direction == "auto" else ""
    return (
        f"{len(ids):,} of {num_texts:,} {name} texts cannot be told from their order on the line, since others look "
        f"alike, and will be read otherwise: {', '.join(map(repr, ids[:MOST_NAMED]))}{_more(len(ids), 'texts')}{hint}"
    )


def _listed(found: Sequence[TokenCount], unit: TokenUnit) -> str:
    return "; ".join(
        f"{_named(one.token, unit)} {_times(one.count)}, first {one.ids[0]!r}" for one in found[:MOST_NAMED]
    )


def _named(token: str, unit: TokenUnit) -> str:
    return repr(token) if unit == "word" else describe_character(token)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _more(number: int, what: str) -> str:
    return f"; and {number - MOST_NAMED:,} more {what}" if number > MOST_NAMED else ""
