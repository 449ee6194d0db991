"""What all readers share: opening a file with clear errors, XML without entities, whole-file writes."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from lxml import etree

from seqlabel.errors import FormatError
from seqlabel.input_files import MAX_DOCUMENT_BYTES, open_input, refuse_larger
from seqlabel.whole_files import whole_file

MAX_DEPTH = 200
"""Elements that may stand inside each other: no format here needs a tenth of that."""
MAX_ELEMENTS = 1_000_000
"""Elements of an XML file: a page of a newspaper with an outline for each letter has some 300,000."""
_PROLOG_BYTES = 1 << 20
"""A root element that begins after so many bytes of comments is not looked for."""

_INVALID = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
"""What XML 1.0 has no characters for."""


@contextmanager
def open_file(path: Path, expected: str) -> Iterator[tuple[BinaryIO, int]]:
    """Open a file for reading; yields it with its size in bytes.

    Args:
        path: the file.
        expected: what it should be, for the messages, such as "an InkML file".

    Raises:
        FormatError: missing, empty, a folder, a device or a pipe, or not readable.
    """
    try:
        with open_input(path) as file:
            size = os.fstat(file.fileno()).st_size
            if size == 0:
                raise FormatError(f"{path}: is empty (0 bytes); expected {expected}")
            yield file, size
    except FileNotFoundError as error:
        raise FormatError(f"{path}: no such file; expected {expected}") from error
    except IsADirectoryError as error:
        raise FormatError(f"{path}: is a folder; expected {expected}") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FormatError(f"{path}: cannot be read ({reason}); expected {expected}") from error


def read_bytes(path: Path, expected: str, most_bytes: int = MAX_DOCUMENT_BYTES) -> bytes:
    """The whole file.

    Raises:
        FormatError: as `open_file`, or it has more than `most_bytes`.
    """
    with open_file(path, expected) as (file, size):
        refuse_larger(path, size, most_bytes)
        return file.read()


def split_address(source: Path, suffixes: str) -> tuple[Path, int] | None:
    """Returns the file and the part of it, counted from 0, that a source such as `page.xml:7` names; else None.

    Args:
        source: of an example.
        suffixes: of files that have such parts, without the dot, as a regular expression.
    """
    match = re.fullmatch(rf"(.+\.(?:{suffixes})):(\d{{1,9}})", source.name, re.IGNORECASE | re.DOTALL)
    return None if match is None else (source.with_name(match[1]), int(match[2]))


def decode_text(path: Path, data: bytes, expected: str) -> str:
    """UTF-8 text (a byte-order mark is dropped).

    Raises:
        FormatError: the bytes are not UTF-8.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FormatError(
            f"{path}: byte {error.start} is not UTF-8; expected {expected}, saved in UTF-8"
        ) from error


def parse_xml(path: Path, data: bytes, expected: str) -> Element:
    """The root element, with all tags and attributes stripped of their namespaces.

    A DOCTYPE is refused: nothing here needs one, and entities declared in it can grow without bound
    or read other files.

    Raises:
        FormatError: not well-formed, with a DOCTYPE, or with more elements or deeper ones than any file has.
    """
    builder = TreeBuilder()
    depth = num_elements = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth, num_elements
        depth += 1
        num_elements += 1
        if depth > MAX_DEPTH:
            raise FormatError(f"{path}: elements nested {depth} deep; expected {expected}")
        if num_elements > MAX_ELEMENTS:
            raise FormatError(f"{path}: more than {MAX_ELEMENTS:,} elements; expected {expected}")
        # Where `ID` and `other:ID` meet, the one without a prefix is meant.
        bare = {k.rpartition("}")[2]: v for k, v in attributes.items() if "}" in k}
        builder.start(tag.rpartition("}")[2], bare | {k: v for k, v in attributes.items() if "}" not in k})

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(tag.rpartition("}")[2])

    def refuse_doctype(*_: object) -> None:
        raise FormatError(f"{path}: has a DOCTYPE, which is refused for safety; remove it from the file")

    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = refuse_doctype
    try:
        parser.Parse(data, True)
        return builder.close()
    except (expat.ExpatError, ValueError, LookupError) as error:  # the latter two: an unknown encoding
        raise FormatError(f"{path}: is not well-formed XML ({error}); expected {expected}") from error


def editable_xml(path: Path, data: bytes, expected: str) -> "etree._ElementTree[etree._Element]":
    """Returns a document that can be written back as it was, comments and namespaces included.

    It must have gone through `parse_xml` before, which refuses what must not be parsed.

    Raises:
        FormatError: not well-formed.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        return etree.ElementTree(etree.fromstring(data, parser))
    except etree.XMLSyntaxError as error:
        raise FormatError(f"{path}: is not well-formed XML ({error}); expected {expected}") from error


def valid_xml_text(text: str) -> str:
    """Returns a text with a replacement character for what XML cannot hold."""
    return _INVALID.sub("\ufffd", text)


def root_tag(path: Path) -> str | None:
    """The name of an XML file's root element, without its namespace; None for what is no XML or cannot be read."""
    found: list[str] = []

    def take(tag: str, *_: object) -> None:
        found.append(tag.rpartition("}")[2])
        raise _RootFound

    parser = expat.ParserCreate(namespace_separator="}")
    parser.StartElementHandler = take
    # It names the root element, too; what it declares must not be expanded.
    parser.StartDoctypeDeclHandler = take
    try:
        with open_input(path) as file:
            piece = file.read(4096)
            parser.Parse(piece, False)
            # All the rest at once: old versions of Expat begin again with each piece of a long comment.
            parser.Parse(file.read(_PROLOG_BYTES), False)
    except _RootFound:
        return found[0]
    except (OSError, ValueError, LookupError, expat.ExpatError):
        return None
    return None


class _RootFound(Exception):
    """The root element has begun, which is all that was to be known."""


def write_bytes(path: Path, data: bytes) -> None:
    """Write a whole file or none.

    Raises:
        FormatError: the folder is missing or not writable.
    """
    try:
        with whole_file(path, is_synced=False) as temporary:
            temporary.write_bytes(data)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FormatError(f"{path}: cannot be written ({reason})") from error
