"""Small checks that all features share on what an example names and what a config says."""

from pathlib import Path

from seqlabel.errors import ConfigError, ManifestError
from seqlabel.formats import LineCutConfig, read_ink, read_line_image, read_page_line, split_page_address
from seqlabel.records import Example, LineImage, Strokes


def whole_file(example: Example) -> Path:
    """The file of an example that has no time axis in seconds.

    Raises:
        ManifestError: the example asks for a part of its file in seconds, or for a channel.
    """
    if example.start_seconds is not None or example.end_seconds is not None:
        raise ManifestError(
            f"example '{example.id}': start_seconds and end_seconds are for audio, but the source is "
            f"{example.source}; remove them or cut the file"
        )
    if example.channel is not None:
        raise ManifestError(
            f"example '{example.id}': a channel is for audio, but the source is {example.source}; remove it"
        )
    return example.source


def line_image(example: Example, cut: LineCutConfig) -> tuple[LineImage, float]:
    """The line image of an example, which is a file of its own or a line of a page (`page.xml:7`), and its scale.

    The scale is that of `LinePlace`: pixels of the page for one of the line, 1 for a file of its own.

    Args:
        example: where it lies.
        cut: how a line of a page is cut out; a file of its own is taken as it is.

    Raises:
        FormatError: the file cannot be read as an image or as a page.
        ManifestError: as `whole_file`.
    """
    source = whole_file(example)
    if split_page_address(source) is None:
        return read_line_image(source), 1.0
    image, place = read_page_line(source, cut)
    return image, place.scale


def pen_ink(example: Example) -> Strokes:
    """The ink of an example, which is a file of its own or a row of one (`page.inkml:2`).

    Raises:
        FormatError: the file cannot be read as ink, or has no such row.
        ManifestError: as `whole_file`.
    """
    return read_ink(whole_file(example))


def require(is_met: bool, config: object, expected: str) -> None:
    """Nothing, if a setting is as it must be.

    Raises:
        ConfigError: it is not; the message names the config and says what is expected.
    """
    if not is_met:
        raise ConfigError(f"{config}: expected {expected}")
