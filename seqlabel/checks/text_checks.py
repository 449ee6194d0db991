"""What is odd about the texts of a corpus: hidden characters, spaces, look-alikes, rare and unknown characters."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import regex

from seqlabel.characters import code_points, describe_character
from seqlabel.checks.findings import (
    CONTROL_CHARACTERS,
    LOOK_ALIKES,
    MIXED_UNICODE,
    RARE_CHARACTERS,
    SIMILAR_MARKS,
    SPACES,
    UNKNOWN_CHARACTERS,
    Finding,
    Kind,
    Place,
)
from seqlabel.checks.look_alikes import EQUAL_MARKS, SCRIPT_OF, SIMILAR, TWINS, Script
from seqlabel.text_warnings import (
    TokenCount,
    count_tokens,
    describe_rare,
    describe_unknown,
    mixed_characters,
    rare_among,
    with_ids,
)
from seqlabel.texts import TextConfig
from seqlabel.tokens import TokenTable, TokenUnit

Texts = Mapping[str, Sequence[tuple[str, str]]]
"""Ids and texts of each split, by its name."""

# Without the joiners that Arabic and Indic writing needs, and the variation selectors and joiners of emoji.
_HIDDEN = regex.compile(
    r"(?<![\p{Script=Arabic}\p{Script=Syriac}\p{Script=Mongolian}\p{Script=Devanagari}\p{Script=Bengali}"
    r"\p{Script=Gurmukhi}\p{Script=Gujarati}\p{Script=Oriya}\p{Script=Tamil}\p{Script=Telugu}\p{Script=Kannada}"
    r"\p{Script=Malayalam}\p{Script=Sinhala}\p{Script=Khmer}\p{Script=Myanmar}\p{Emoji}\p{M}])[\u200c\u200d]"
    r"|[[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}\p{Zl}\p{Zp}\ufffd\u115f\u1160\u3164\uffa0]--[\u200c\u200d\t\n\r]]",
    regex.V1,
)
_SPACES_AT_ENDS = regex.compile(r"^\s|\s$|\s\s|[\t\n\r]")
_SPACE = regex.compile(r"\p{Zs}")
_WORD = regex.compile(r"[\p{L}\p{M}]+")
_SCRIPTS: dict[Script, regex.Pattern[str]] = {
    "Latin": regex.compile(r"\p{Script=Latin}"),
    "Greek": regex.compile(r"\p{Script=Greek}"),
    "Cyrillic": regex.compile(r"\p{Script=Cyrillic}"),
}


@dataclass(frozen=True, slots=True)
class Alphabet:
    """The tokens of all splits: how often each stands in each split, the most frequent first."""

    unit: TokenUnit
    counts: dict[str, dict[str, int]]

    @property
    def totals(self) -> dict[str, int]:
        """How often each token stands in all splits together."""
        return {token: sum(of.values()) for token, of in self.counts.items()}


def check_texts(
    raw: Texts, prepared: Texts, training: Sequence[str], config: TextConfig, unit: TokenUnit
) -> tuple[list[Finding], Alphabet]:
    """Returns what is odd about texts, and what they are written with.

    Args:
        raw: as the manifests have them.
        prepared: as they are learnt: in the Unicode form of `config`, its rules applied.
        training: names of the splits that are learnt from; of none, no character can be unknown.
        config: what becomes of texts.
        unit: what a token is.
    """
    splitter = TokenTable.from_texts((), unit, config.unicode_form)
    by_split = {name: count_tokens(texts, splitter) for name, texts in prepared.items()}
    characters: Counter[str] = Counter()
    for texts in prepared.values():
        characters.update("".join(text for _, text in texts))
    findings = [
        *_unknown(prepared, by_split, training, splitter),
        *_hidden_characters(prepared, characters),
        *_spaces(prepared, characters),
        *_look_alikes(prepared, characters),
        *_mixed_unicode(raw, config),
        *_rare(prepared, by_split, training, splitter, config.rare_below),
    ]
    totals: Counter[str] = Counter()
    for counts in by_split.values():
        totals.update(counts)
    alphabet = {
        token: {name: counts[token] for name, counts in by_split.items() if token in counts}
        for token, _ in totals.most_common()
    }
    return findings, Alphabet(unit, alphabet)


def _unknown(
    texts: Texts, by_split: Mapping[str, Counter[str]], training: Sequence[str], splitter: TokenTable
) -> Iterator[Finding]:
    learnt = frozenset(token for name in training for token in by_split[name])
    for name, counts in by_split.items():
        unknown = {token: count for token, count in sorted(counts.items()) if token not in learnt}
        if not training or name in training or not unknown:
            continue
        found = list(with_ids(unknown, texts[name], splitter).values())
        ids = dict.fromkeys(id_ for one in found for id_ in one.ids)
        yield Finding(
            UNKNOWN_CHARACTERS,
            describe_unknown(name, found, splitter.unit),
            tuple(Place(name, id_) for id_ in ids),
        )


def _rare(
    texts: Texts,
    by_split: Mapping[str, Counter[str]],
    training: Sequence[str],
    splitter: TokenTable,
    rare_below: int,
) -> Iterator[Finding]:
    counts: Counter[str] = Counter()
    for name in training:
        counts.update(by_split[name])
    rare = rare_among(counts, rare_below)
    if not rare:
        return
    found: dict[str, TokenCount] = {}
    places: dict[Place, None] = {}
    for name in training:
        for token, here in with_ids(rare, texts[name], splitter).items():
            before = found[token].ids if token in found else ()
            found[token] = TokenCount(token, rare[token], before + here.ids)
            places |= dict.fromkeys(Place(name, id_) for id_ in here.ids)
    reason = describe_rare(list(found.values()), len(counts), splitter.unit, rare_below)
    yield Finding(RARE_CHARACTERS, reason, tuple(places))


def _mixed_unicode(raw: Texts, config: TextConfig) -> Iterator[Finding]:
    pairs = [(Place(name, id_), text) for name, texts in raw.items() for id_, text in texts]
    numbered = [(str(index), text) for index, (_, text) in enumerate(pairs)]
    learnt = f"learnt as one ({config.unicode_form})" if config.unicode_form else "learnt as different tokens"
    for mixed in mixed_characters([numbered]):
        yield Finding(
            MIXED_UNICODE,
            f"{mixed.composed!r} {_times(mixed.count)}, of them {mixed.spelling_count:,} as "
            f"{code_points(mixed.spelling)}, {learnt}",
            tuple(pairs[int(index)][0] for index in mixed.ids),
        )


def _hidden_characters(texts: Texts, characters: Counter[str]) -> Iterator[Finding]:
    wanted = {character for character in characters if _HIDDEN.search(character)}
    for character, (count, places) in _where(texts, wanted, _HIDDEN).items():
        yield Finding(CONTROL_CHARACTERS, f"{describe_character(character)} {_times(count)}", places)


def _spaces(texts: Texts, characters: Counter[str]) -> Iterator[Finding]:
    places: list[Place] = []
    first = ""
    for name, pairs in texts.items():
        for id_, text in pairs:
            if text.strip() and _SPACES_AT_ENDS.search(text):
                places.append(Place(name, id_))
                first = first or text
    if places:
        yield Finding(
            SPACES,
            f"{len(places):,} {'text has' if len(places) == 1 else 'texts have'} white space at an end or several in "
            f"a row, such as {_short(first)}; the model learns it",
            tuple(places),
        )
    kinds = {character: describe_character(character) for character in characters if _SPACE.match(character)}
    yield from _mixed_classes(texts, characters, SPACES, "spaces", kinds)


def _look_alikes(texts: Texts, characters: Counter[str]) -> Iterator[Finding]:
    for kind, families in ((LOOK_ALIKES, EQUAL_MARKS), (SIMILAR_MARKS, SIMILAR)):
        for what, family in families.items():
            yield from _mixed_classes(texts, characters, kind, what, family)
    yield from _confused_scripts(texts, characters)


def _mixed_classes(
    texts: Texts, characters: Counter[str], kind: Kind, what: str, family: Mapping[str, str]
) -> Iterator[Finding]:
    """Yields a finding where texts have characters of several classes of a family, with the texts of the rarer ones."""
    counts: dict[str, Counter[str]] = {}
    for character, class_ in family.items():
        if character in characters:
            counts.setdefault(class_, Counter())[character] = characters[character]
    if len(counts) < 2:
        return
    classes = sorted(counts, key=lambda class_: (-counts[class_].total(), class_))
    named = ", ".join(
        f"{class_} {' '.join(counts[class_])} {_times(counts[class_].total())}"
        if " (U+" not in class_
        else f"{class_} {_times(counts[class_].total())}"
        for class_ in classes
    )
    rarer = {character for class_ in classes[1:] for character in counts[class_]}
    places = dict.fromkeys(place for _, found in _where(texts, rarer).values() for place in found)
    yield Finding(kind, f"{what} of several kinds: {named}", tuple(places))


def _where(
    texts: Texts, wanted: set[str], pattern: "regex.Pattern[str] | None" = None
) -> dict[str, tuple[int, tuple[Place, ...]]]:
    """Returns for each of these characters how often it stands in texts (as far as the pattern finds it), and where."""
    if not wanted:
        return {}
    searched = pattern or regex.compile(f"[{''.join(map(regex.escape, sorted(wanted)))}]")
    counts: Counter[str] = Counter()
    places: dict[str, list[Place]] = {}
    for name, pairs in texts.items():
        for id_, text in pairs:
            if here := Counter(searched.findall(text)):
                counts.update(here)
                for character in here:
                    places.setdefault(character, []).append(Place(name, id_))
    return {character: (count, tuple(places[character])) for character, count in counts.most_common()}


def _confused_scripts(texts: Texts, characters: Counter[str]) -> Iterator[Finding]:
    """Yields the letters that stand in words of another script and look like letters of that.

    Of a script whose letters all have twins in the script that is written most, all words count: nobody writes in it.
    """
    letters = {
        script: {character: count for character, count in characters.items() if pattern.match(character)}
        for script, pattern in _SCRIPTS.items()
    }
    written = sorted((s for s in letters if letters[s]), key=lambda s: -sum(letters[s].values()))
    if len(written) < 2:
        return
    main = written[0]
    strangers = {s for s in written[1:] if all(main in TWINS.get(letter, {}) for letter in letters[s])}
    foreign = regex.compile(
        f"[{''.join(map(regex.escape, sorted(set().union(*(letters[s] for s in written[1:])))))}]"
    )
    found: dict[tuple[str, Script], tuple[int, list[Place]]] = {}
    for name, pairs in texts.items():
        for id_, text in pairs:
            if text.isascii() or not foreign.search(text):
                continue
            for letter, script in _confused_letters(text, letters, main, strangers):
                count, places = found.get((letter, script), (0, []))
                if not places or places[-1].id != id_:
                    places.append(Place(name, id_))
                found[letter, script] = count + 1, places
    for (letter, script), (count, places) in sorted(found.items(), key=lambda one: -one[1][0]):
        yield Finding(
            LOOK_ALIKES,
            f"{describe_character(letter)} {_times(count)} among {script} letters; it looks like "
            f"{describe_character(TWINS[letter][script])}",
            tuple(places),
        )


def _confused_letters(
    text: str, letters: Mapping[Script, Mapping[str, int]], main: Script, strangers: set[Script]
) -> Iterator[tuple[str, Script]]:
    """Yields each letter of a text that stands for its twin of another script, with that script."""
    for word in _WORD.findall(text):
        scripts = Counter(script for letter in word for script, of in letters.items() if letter in of)
        if not scripts or (len(scripts) == 1 and not strangers & scripts.keys()):
            continue
        # Of a word in two scripts the letters of the rarer one are out of place; of as many, those of the rarer script.
        target = main if len(scripts) == 1 else max(scripts, key=lambda s: (scripts[s], s == main))
        for letter in word:
            script = SCRIPT_OF.get(letter)
            if script is not None and script != target and target in TWINS[letter]:
                yield letter, target


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _short(text: str) -> str:
    shown = repr(text)
    return shown if len(shown) <= 60 else f"{shown[:59]}…{shown[0]}"
