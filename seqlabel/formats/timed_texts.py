"""Texts with their times in the files that subtitle editors, phoneticians and scoring tools read.

Sources: SubRip as VLC and FFmpeg read it; WebVTT, W3C Candidate Recommendation 2019; CTM, NIST sclite (SCTK,
`doc/infmts.htm`); TextGrid, Praat manual, "TextGrid file formats"; label tracks, Audacity manual, "Importing and
Exporting Labels".
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

MOST_SECONDS = 6.0
"""How long a caption stands at most, unless one word alone takes longer."""
MOST_CHARACTERS = 84
"""In a caption: two lines of 42, as broadcasters have them."""
LINE_CHARACTERS = 42
PAUSE = 0.8
"""Seconds of silence at which a caption ends."""


@dataclass(frozen=True, slots=True)
class TimedText:
    """A word or a token with its times in seconds and, where it is known, its confidence."""

    text: str
    start: float
    end: float
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class TimedReading:
    """What was read of a recording: its name, its length in seconds, its words, and the tokens they are made of."""

    name: str
    seconds: float
    words: tuple[TimedText, ...]
    tokens: tuple[TimedText, ...]


def captions(words: Sequence[TimedText]) -> list[TimedText]:
    """Returns words put together to what a viewer can read at once; a caption ends at a pause and where it is full."""
    found: list[list[TimedText]] = []
    length = 0
    for word in words:
        ends = not found or (
            word.start - found[-1][-1].end > PAUSE
            or word.end - found[-1][0].start > MOST_SECONDS
            or length + 1 + len(word.text) > MOST_CHARACTERS
        )
        if ends:
            found.append([])
            length = -1
        found[-1].append(word)
        length += 1 + len(word.text)
    return [TimedText(_in_lines([word.text for word in part]), part[0].start, part[-1].end) for part in found]


def srt(reading: TimedReading) -> list[str]:
    """Returns the lines of a SubRip file."""
    lines: list[str] = []
    for number, caption in enumerate(captions(reading.words), 1):
        times = f"{_clock(caption.start, ',')} --> {_clock(caption.end, ',')}"
        lines += [str(number), times, *caption.text.split("\n"), ""]
    return lines


def vtt(reading: TimedReading) -> list[str]:
    """Returns the lines of a WebVTT file."""
    lines = ["WEBVTT", ""]
    for caption in captions(reading.words):
        text = caption.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        lines += [f"{_clock(caption.start, '.')} --> {_clock(caption.end, '.')}", *text.split("\n"), ""]
    return lines


def ctm(reading: TimedReading) -> list[str]:
    """Returns one line for each word: recording, channel, start, duration, word, confidence."""
    name = ctm_name(reading.name)
    lines = []
    for word in reading.words:
        # Of rounded lengths the words would overlap by a thousandth here and there.
        start, end = (round(1000 * seconds) for seconds in (word.start, word.end))
        sure = "" if word.confidence is None else f" {word.confidence:.4f}"
        lines.append(
            f"{name} 1 {start / 1000:.3f} {(end - start) / 1000:.3f} {'_'.join(word.text.split())}{sure}"
        )
    return lines


def ctm_name(name: str) -> str:
    """Returns a recording's name as it stands in CTM: white space ends it, and two semicolons begin a comment."""
    joined = "_".join(name.split()) or "-"
    return f"_{joined[1:]}" if joined.startswith(";;") else joined


def audacity(reading: TimedReading) -> list[str]:
    """Returns one line for each word: start, end, word, tabs between them."""
    return [f"{word.start:.6f}\t{word.end:.6f}\t{' '.join(word.text.split())}" for word in reading.words]


def textgrid(reading: TimedReading) -> list[str]:
    """Returns the lines of a Praat TextGrid with a tier of words and one of tokens; silence is an empty interval."""
    end = max([reading.seconds, *(each.end for each in (*reading.words, *reading.tokens))])
    tiers = [("words", _filled(reading.words, end)), ("tokens", _filled(reading.tokens, end))]
    lines = [
        'File type = "ooTextFile"',
        'Object class = "TextGrid"',
        "",
        "xmin = 0",
        f"xmax = {_number(end)}",
        "tiers? <exists>",
        f"size = {len(tiers)}",
        "item []:",
    ]
    for place, (name, intervals) in enumerate(tiers, 1):
        lines += [
            f"    item [{place}]:",
            '        class = "IntervalTier"',
            f'        name = "{name}"',
            "        xmin = 0",
            f"        xmax = {_number(end)}",
            f"        intervals: size = {len(intervals)}",
        ]
        for number, interval in enumerate(intervals, 1):
            text = interval.text.replace('"', '""')
            lines += [
                f"        intervals [{number}]:",
                f"            xmin = {_number(interval.start)}",
                f"            xmax = {_number(interval.end)}",
                f'            text = "{text}"',
            ]
    return lines


WRITERS: dict[str, tuple[str, Callable[[TimedReading], list[str]]]] = {
    "srt": (".srt", srt),
    "vtt": (".vtt", vtt),
    "ctm": (".ctm", ctm),
    "textgrid": (".TextGrid", textgrid),
    "audacity": (".txt", audacity),
}
"""The kinds of file by name: the suffix, and what makes the lines."""


def _filled(texts: Sequence[TimedText], end: float) -> list[TimedText]:
    """The intervals of a tier, side by side from 0 to the end; those without a length are left out."""
    found: list[TimedText] = []
    at = 0.0
    for text in texts:
        start, stop = max(at, text.start), max(at, text.end)
        if stop - start < 1e-6:
            continue
        if start - at > 1e-6:
            found.append(TimedText("", at, start))
        else:
            start = at
        found.append(TimedText(text.text, start, stop, text.confidence))
        at = stop
    if end - at > 1e-6 or not found:
        found.append(TimedText("", at, end))
    return found


def _in_lines(words: Sequence[str]) -> str:
    """The words in one line, or in two about as long as each other."""
    text = " ".join(words)
    if len(text) <= LINE_CHARACTERS or len(words) < 2:
        return text
    breaks = [len(" ".join(words[:place])) for place in range(1, len(words))]
    best = min(range(len(breaks)), key=lambda place: abs(2 * breaks[place] - len(text)))
    return " ".join(words[: best + 1]) + "\n" + " ".join(words[best + 1 :])


def _clock(seconds: float, point: str) -> str:
    thousandths = round(seconds * 1000)
    minutes, thousandths = divmod(thousandths, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{thousandths // 1000:02d}{point}{thousandths % 1000:03d}"


def _number(seconds: float) -> str:
    return f"{seconds:.6f}".rstrip("0").rstrip(".")
