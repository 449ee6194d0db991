"""What a check can find: the kinds of finding, how grave each is, and the examples that it concerns."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["error", "warning", "note"]
"""A training cannot use it or learns what is wrong; probably a mistake; good to know."""
LEVELS: tuple[Level, ...] = ("error", "warning", "note")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of finding: its name in tables, in JSON and on the command line, its level, and what it means."""

    name: str
    level: Level
    meaning: str


MISSING_FILE = Kind("missing-file", "error", "the file is not there")
UNREADABLE = Kind("unreadable", "error", "the file, or the part of it that is meant, cannot be read")
NO_TEXT = Kind("no-text", "error", "there is no text, or nothing but white space")
TOO_FEW_FRAMES = Kind("too-few-frames", "error", "the text needs more frames than the model has left of it")
UNLEARNABLE = Kind("unlearnable", "error", "the recipe cannot learn from it for another reason")
SILENT = Kind("silent", "error", "audio without anything in it")
BLANK = Kind("blank", "error", "an image without ink, ink without extent, a matrix of equal frames")
CONTRADICTION = Kind("contradiction", "error", "the same content stands there with different texts")
SHARED_CONTENT = Kind("shared-content", "error", "the same content stands in two splits")

NEARLY_EMPTY = Kind("nearly-empty", "warning", "hardly anything in it for a text of that length")
CLIPPED = Kind("clipped", "warning", "audio whose peaks are cut off")
UPSIDE_DOWN = Kind("upside-down", "warning", "a line image that looks like the others turned by half a turn")
SIDEWAYS = Kind("sideways", "warning", "a line image higher than wide for a text of several characters")
INVERTED = Kind("inverted", "warning", "an image with light writing on a dark ground")
REPEATED = Kind("repeated", "warning", "the same content and text stand several times in one split")
LONG_FOR_TEXT = Kind("long-for-text", "warning", "far longer than other examples with as much text")
SHORT_FOR_TEXT = Kind("short-for-text", "warning", "far shorter than other examples with as much text")
SHARED_GROUP = Kind("shared-group", "warning", "a speaker, writer or page stands in two splits")
SHARED_RECORDING = Kind("shared-recording", "warning", "parts of one file stand in two splits")
SAMPLE_RATE = Kind("sample-rate", "warning", "another sample rate than most files have")
UNKNOWN_CHARACTERS = Kind("unknown-characters", "warning", "characters that no training text has")
CONTROL_CHARACTERS = Kind("control-characters", "warning", "characters that cannot be seen, or are none")
SPACES = Kind("spaces", "warning", "white space at the ends, in a row, or of several kinds")
LOOK_ALIKES = Kind("look-alikes", "warning", "different characters that look alike")
MIXED_UNICODE = Kind("mixed-unicode", "warning", "characters written in several ways that are one to Unicode")

SIMILAR_MARKS = Kind("similar-marks", "note", "marks that differ little, such as dashes, side by side")
OTHER_UNITS = Kind("other-units", "note", "ink that is far larger or smaller than the other ink")
RARE_CHARACTERS = Kind("rare-characters", "note", "characters too rare in training to be learnt")
UNTOLD_LINES = Kind(
    "untold-lines", "note", "lines of pages that nobody has transcribed, or without an outline"
)
SHARED_TEXTS = Kind("shared-texts", "note", "texts of a later split that training has as well")
SHARED_IDS = Kind("shared-ids", "note", "ids that stand in two splits")

KINDS = (
    MISSING_FILE,
    UNREADABLE,
    NO_TEXT,
    TOO_FEW_FRAMES,
    UNLEARNABLE,
    SILENT,
    BLANK,
    CONTRADICTION,
    SHARED_CONTENT,
    NEARLY_EMPTY,
    CLIPPED,
    UPSIDE_DOWN,
    SIDEWAYS,
    INVERTED,
    REPEATED,
    LONG_FOR_TEXT,
    SHORT_FOR_TEXT,
    SHARED_GROUP,
    SHARED_RECORDING,
    SAMPLE_RATE,
    UNKNOWN_CHARACTERS,
    CONTROL_CHARACTERS,
    SPACES,
    LOOK_ALIKES,
    MIXED_UNICODE,
    SIMILAR_MARKS,
    OTHER_UNITS,
    RARE_CHARACTERS,
    UNTOLD_LINES,
    SHARED_TEXTS,
    SHARED_IDS,
)
"""All kinds, the gravest first: the order of the table."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an example stands: the name of its split, and its id."""

    split: str
    id: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that was found.

    Attributes:
        kind: of what kind it is.
        reason: what was found, in one line without the id.
        places: the examples that it concerns; none where it is about the corpus as a whole.
        offenders: those of them that a cleaned manifest goes without, if it goes without this kind; all of them where
            not said otherwise.
    """

    kind: Kind
    reason: str
    places: tuple[Place, ...] = ()
    offenders: tuple[Place, ...] | None = None

    @property
    def left_out(self) -> tuple[Place, ...]:
        """The examples that a cleaned manifest goes without."""
        return self.places if self.offenders is None else self.offenders
