"""What becomes of transcripts before they are learnt from or scored against: Unicode form and rules of replacement.

The settings lie in the model file, so that references are treated as the training texts were.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import msgspec
import regex

from seqlabel.characters import UnicodeForm, in_form
from seqlabel.config import Config, CountFromZero
from seqlabel.errors import ConfigError
from seqlabel.input_files import MAX_LIST_BYTES, read_input
from seqlabel.reading_order import BaseDirection, ReadingOrder

MOST_SECONDS = 0.5
"""That a rule may take over a text: an expression, which a model file may hold, can be made to take for ever. `regex`
looks at the clock so seldom that it was seen to take seven times as long."""
_CALL = re.compile(r"\(\?(?:R|&|P>|[-+]?\d)")
REGEX = "regex"
"""What the third column of a rule says where its first is an expression."""


class RuleConfig(Config, frozen=True):
    r"""One rule of replacement, applied wherever it fits.

    Attributes:
        pattern: what is replaced: these characters, or what a regular expression finds (module `regex`, which knows
            `\p{Mn}` and its like).
        replacement: what stands there then; for an expression with `\1` for its first group.
        is_regex: whether the pattern is an expression.

    Raises:
        ConfigError: the expression or its replacement is none, or the expression calls itself.
    """

    pattern: str
    replacement: str
    is_regex: bool = False

    def __post_init__(self) -> None:
        if not self.pattern:
            raise ConfigError("a rule has nothing to replace; give it a pattern")
        if self.is_regex:
            if _CALL.search(self.pattern):
                raise ConfigError(
                    f"rule {self.pattern!r}: an expression that calls itself may never end; write it without"
                )
            try:
                _compiled(self.pattern)
                # A replacement is looked at when something is found, which an empty alternative sees to; the line end
                # closes a comment.
                regex.compile(f"{self.pattern}\n|").sub(self.replacement, "", timeout=MOST_SECONDS)
            except (regex.error, IndexError, RecursionError, TimeoutError) as error:
                raise ConfigError(f"rule {self.pattern!r} -> {self.replacement!r}: {error}") from error

    def apply(self, text: str, form: UnicodeForm | None) -> str:
        """Returns the text with the rule applied; characters to be replaced are brought into its form first.

        Raises:
            ConfigError: an expression takes longer over the text than `MOST_SECONDS`.
        """
        if self.is_regex:
            try:
                return str(_compiled(self.pattern).sub(self.replacement, text, timeout=MOST_SECONDS))
            except TimeoutError as error:
                raise ConfigError(
                    f"rule {self.pattern!r}: takes longer than {MOST_SECONDS:g} s over {_short(text)}; make it simpler"
                ) from error
        return text.replace(in_form(self.pattern, form), self.replacement)


class TextConfig(Config, frozen=True):
    """How transcripts are written, and what of them is learnt.

    Attributes:
        unicode_form: normalisation form of all texts, so that a mixed corpus is learnt as one; None for texts as they
            are.
        reading_order: in which tokens are learnt: as stored, or `visual`, from left to right as on the paper, for
            writing that runs from right to left. Texts are read and written as stored in either case.
        base_direction: of the lines, where the order is visual: from left to right, from right to left, or for each
            line that of its first letter. A line without anything that runs from right to left stays as it is.
        rules: applied in their order to training texts, and to references when scoring.
        rules_file: further rules, read when the recipe is (`read_rules`); the model file has the rules themselves.
        rare_below: a training says which characters stand in its texts less often.
    """

    unicode_form: UnicodeForm | None = "NFC"
    reading_order: ReadingOrder = "logical"
    base_direction: BaseDirection = "auto"
    rules: tuple[RuleConfig, ...] = ()
    rules_file: str | None = None
    rare_below: CountFromZero = 3

    def prepare(self, text: str) -> str:
        """Returns the text in its form, with the rules applied, and in its form again."""
        text = in_form(text, self.unicode_form)
        for rule in self.rules:
            text = rule.apply(text, self.unicode_form)
        return in_form(text, self.unicode_form)

    def with_file(self) -> "TextConfig":
        """Returns the same settings with the rules of the file after the others, and no file.

        Raises:
            ConfigError: the file cannot be read, or a line is no rule.
        """
        if self.rules_file is None:
            return self
        rules = (*self.rules, *read_rules(Path(self.rules_file)))
        return msgspec.structs.replace(self, rules=rules, rules_file=None)


@dataclass(frozen=True, slots=True)
class Changes:
    """Which texts rules have changed: how many of how many, and the first of them with its id, before and after."""

    num_changed: int
    num_texts: int
    first_ids: tuple[str, ...]
    before: str
    after: str

    def __str__(self) -> str:
        more = (
            f" and {self.num_changed - len(self.first_ids)} more"
            if self.num_changed > len(self.first_ids)
            else ""
        )
        return (
            f"rules changed {self.num_changed:,} of {self.num_texts:,} texts: {', '.join(self.first_ids)}{more}; "
            f"first {_short(self.before)} became {_short(self.after)}"
        )


def changes(config: TextConfig, texts: Iterable[tuple[str, str]]) -> Changes | None:
    """Returns what the rules change in texts, given with their ids; None where that is nothing.

    What the Unicode form alone changes is not among it, since the text reads the same.
    """
    if not config.rules:
        return None
    ids: list[str] = []
    num_texts = num_changed = 0
    before = after = ""
    for id_, text in texts:
        num_texts += 1
        found = config.prepare(text)
        if found != in_form(text, config.unicode_form):
            num_changed += 1
            if not ids:
                before, after = text, found
            if len(ids) < 3:
                ids.append(id_)
    return Changes(num_changed, num_texts, tuple(ids), before, after) if ids else None


def read_rules(path: Path) -> tuple[RuleConfig, ...]:
    r"""Returns the rules of a file: `from`, tab, `to`, and after another tab `regex` where `from` is an expression.

    Lines that begin with `#` and have no tab are comments. In a file whose name ends in .json or .jsonl a line is an
    object, `{"from": "...", "to": "...", "regex": true}`, in which any character can be written.

    Raises:
        ConfigError: the file cannot be read, or a line is no rule; the message has the line.
    """
    try:
        text = read_input(path, MAX_LIST_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from error
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}; name a file of rules") from error
    is_json = path.suffix.lower() in (".json", ".jsonl")
    rules = []
    for number, line in enumerate(text.split("\n"), 1):
        line = line.removesuffix("\r")
        # White space and a tab are a rule, such as one that makes no-break spaces plain.
        if not line.strip() if is_json else _says_nothing(line):
            continue
        try:
            rules.append(_of_object(line) if is_json else _of_columns(line.split("\t")))
        except (ConfigError, msgspec.MsgspecError) as error:
            raise ConfigError(f"{path}:{number}: {error}") from error
    if not rules:
        raise ConfigError(f"{path}: has no rules; expected lines of FROM, tab, TO")
    return tuple(rules)


def _says_nothing(line: str) -> bool:
    return not line.strip("\t") or ("\t" not in line and (line.isspace() or line.startswith("#")))


class _RuleLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"source": "from"}):
    source: str
    to: str
    regex: bool = False


def _of_object(line: str) -> RuleConfig:
    found = msgspec.json.decode(line, type=_RuleLine)
    return RuleConfig(pattern=found.source, replacement=found.to, is_regex=found.regex)


def _of_columns(columns: Sequence[str]) -> RuleConfig:
    if len(columns) not in (2, 3) or (len(columns) == 3 and columns[2].strip() not in ("", REGEX)):
        found = f"{columns[2]!r} in the third column" if len(columns) == 3 else f"{len(columns)} columns"
        raise ConfigError(f"found {found}, expected FROM, tab, TO, and after another tab {REGEX} or nothing")
    is_regex = len(columns) == 3 and columns[2].strip() == REGEX
    return RuleConfig(pattern=columns[0], replacement=columns[1], is_regex=is_regex)


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> "regex.Pattern[str]":
    return regex.compile(pattern)


def _short(text: str) -> str:
    shown = repr(text)
    return shown if len(shown) <= 60 else f"{shown[:59]}…{shown[0]}"
