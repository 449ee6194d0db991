"""What is odd about the texts of a training, in a few lines: for the log, before the first step."""

import itertools
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

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


def mixed_forms(parts: Sequence[Iterable[IdAndText]], config: TextConfig) -> str | None:
    """Returns which characters are written in several ways that are one and the same to Unicode; None for none.

    The parts are gone over twice.
    """
    is_composed = is_decomposed = True
    for _, text in itertools.chain(*parts):
        if not text.isascii():
            is_composed = is_composed and unicodedata.is_normalized("NFC", text)
            is_decomposed = is_decomposed and unicodedata.is_normalized("NFD", text)
    if is_composed or is_decomposed:
        return None
    spellings: dict[str, Counter[str]] = defaultdict(Counter)
    first: dict[str, str] = {}
    for id_, text in itertools.chain(*parts):
        if text.isascii():
            continue
        for cluster, count in Counter(graphemes(text)).items():
            if not cluster.isascii():
                spellings[unicodedata.normalize("NFC", cluster)][cluster] += count
                first.setdefault(cluster, id_)
    mixed = {composed: found for composed, found in spellings.items() if len(found) > 1}
    if not mixed:
        return None
    rarest = [
        (composed, *min(found.items(), key=lambda one: (one[1], one[0])))
        for composed, found in sorted(mixed.items())
    ]
    named = "; ".join(
        f"{composed!r} {sum(mixed[composed].values()):,} times, of them {count:,} as {code_points(spelling)}, "
        f"first {first[spelling]!r}"
        for composed, spelling, count in rarest[:MOST_NAMED]
    )
    learnt = f"learnt as one ({config.unicode_form})" if config.unicode_form else "learnt as different tokens"
    hint = "" if config.unicode_form else "; --texts.unicode-form NFC makes them one"
    more = _more(len(rarest), "characters")
    return f"{len(mixed)} characters are written in several ways, {learnt}: {named}{more}{hint}"


def rare_tokens(texts: Iterable[IdAndText], tokens: TokenTable, rare_below: int) -> str | None:
    """Returns which tokens stand in prepared training texts less than `rare_below` times; None for none."""
    counts: Counter[str] = Counter()
    first: dict[str, str] = {}
    for id_, text in texts:
        found = Counter(tokens.split(text))
        counts.update(found)
        for token in found:
            first.setdefault(token, id_)
    rare = sorted((count, token) for token, count in counts.items() if count < rare_below)
    if not rare:
        return None
    named = "; ".join(
        f"{_named(token, tokens.unit)} {_times(count)}, first {first[token]!r}"
        for count, token in rare[:MOST_NAMED]
    )
    left = sum(count for count, _ in rare[MOST_NAMED:])
    more = _more(len(rare), f"{tokens.unit}s, {_times(left)} in all")
    what = f"{len(rare)} of {len(counts)} {tokens.unit}s are rare, fewer than {rare_below} times in training"
    return f"{what}: {named}{more}"


def unknown_tokens(texts: Iterable[IdAndText], tokens: TokenTable) -> str | None:
    """Returns which tokens only prepared dev texts have; None for none."""
    counts: Counter[str] = Counter()
    first: dict[str, str] = {}
    known = frozenset(tokens.tokens)
    for id_, text in texts:
        for token in tokens.split(text):
            if token not in known:
                counts[token] += 1
                first.setdefault(token, id_)
    if not counts:
        return None
    named = "; ".join(
        f"{_named(token, tokens.unit)} {_times(count)}, first {first[token]!r}"
        for token, count in sorted(counts.items())[:MOST_NAMED]
    )
    more = _more(len(counts), f"{tokens.unit}s")
    return f"dev has {len(counts)} {tokens.unit}s that no training text has, always counted as errors: {named}{more}"


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


def _named(token: str, unit: TokenUnit) -> str:
    return repr(token) if unit == "word" else describe_character(token)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _more(number: int, what: str) -> str:
    return f"; and {number - MOST_NAMED:,} more {what}" if number > MOST_NAMED else ""
