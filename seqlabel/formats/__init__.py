"""Readers and writers of other people's files: audio, line images, pages, pen ink, matrices and symbols."""

from seqlabel.formats.alto import read_alto
from seqlabel.formats.audio import AUDIO_SUFFIXES, read_audio, write_wav
from seqlabel.formats.image import IMAGE_SUFFIXES, read_line_image, write_line_image
from seqlabel.formats.ink import (
    INK_SUFFIXES,
    InkDocument,
    UnipenSegment,
    read_inkml,
    read_strokes,
    read_unipen_segments,
    write_strokes,
)
from seqlabel.formats.line_cut import LinePlace, cut_line, cut_page_line
from seqlabel.formats.matrix import MATRIX_SUFFIXES, read_matrix, split_ark_address, write_npy
from seqlabel.formats.page import Page, PageLine, has_area, page_image
from seqlabel.formats.page_writing import PlacedText, write_page
from seqlabel.formats.page_xml import read_page_xml
from seqlabel.formats.pages import (
    PAGE_SUFFIX,
    is_page,
    load_page_image,
    page_address,
    read_page,
    read_page_line,
    split_page_address,
)
from seqlabel.formats.symbols import SYMBOL_SUFFIXES, read_symbols

__all__ = [
    "AUDIO_SUFFIXES",
    "IMAGE_SUFFIXES",
    "INK_SUFFIXES",
    "MATRIX_SUFFIXES",
    "PAGE_SUFFIX",
    "SYMBOL_SUFFIXES",
    "InkDocument",
    "LinePlace",
    "Page",
    "PageLine",
    "PlacedText",
    "UnipenSegment",
    "cut_line",
    "cut_page_line",
    "has_area",
    "is_page",
    "load_page_image",
    "page_address",
    "page_image",
    "read_alto",
    "read_audio",
    "read_inkml",
    "read_line_image",
    "read_matrix",
    "read_page",
    "read_page_line",
    "read_page_xml",
    "read_strokes",
    "read_symbols",
    "read_unipen_segments",
    "split_ark_address",
    "split_page_address",
    "write_line_image",
    "write_npy",
    "write_page",
    "write_strokes",
    "write_wav",
]
