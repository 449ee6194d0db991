"""Readers and writers of other people's files: audio, line images, pages, pen ink, matrices and symbols."""

from seqlabel.formats.alto import read_alto
from seqlabel.formats.audio import AUDIO_SUFFIXES, audio_part, audio_seconds, read_audio, write_wav
from seqlabel.formats.audio_blocks import audio_blocks
from seqlabel.formats.iam_ondb_xml import WhiteboardSession, read_whiteboard
from seqlabel.formats.image import (
    IMAGE_SUFFIXES,
    image_size,
    num_images,
    read_line_image,
    split_image_address,
    write_line_image,
)
from seqlabel.formats.ink import (
    INK_SUFFIXES,
    is_inkml,
    num_ungrouped_strokes,
    read_ink_groups,
    read_strokes,
    write_strokes,
)
from seqlabel.formats.ink_rows import ink_row_address, read_ink, read_rows, split_ink_address, split_rows
from seqlabel.formats.inkml import InkDocument, InkGroup, read_inkml
from seqlabel.formats.inkml_writing import READING, annotate_inkml, write_inkml
from seqlabel.formats.line_cut import LineCutConfig, LinePlace, cut_line, cut_page_line, shrunk
from seqlabel.formats.matrix import MATRIX_SUFFIXES, matrix_shape, read_matrix, split_ark_address, write_npy
from seqlabel.formats.page import Page, PageLine, has_area, image_of_page, page_image
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
from seqlabel.formats.timed_texts import WRITERS, TimedReading, TimedText, captions, ctm_name
from seqlabel.formats.unipen import UnipenDocument, UnipenSegment, read_unipen, read_unipen_segments

__all__ = [
    "AUDIO_SUFFIXES",
    "IMAGE_SUFFIXES",
    "INK_SUFFIXES",
    "MATRIX_SUFFIXES",
    "PAGE_SUFFIX",
    "READING",
    "SYMBOL_SUFFIXES",
    "WRITERS",
    "InkDocument",
    "InkGroup",
    "LineCutConfig",
    "LinePlace",
    "Page",
    "PageLine",
    "PlacedText",
    "TimedReading",
    "TimedText",
    "UnipenDocument",
    "UnipenSegment",
    "WhiteboardSession",
    "annotate_inkml",
    "audio_blocks",
    "audio_part",
    "audio_seconds",
    "captions",
    "ctm_name",
    "cut_line",
    "cut_page_line",
    "has_area",
    "image_of_page",
    "image_size",
    "ink_row_address",
    "is_inkml",
    "is_page",
    "load_page_image",
    "matrix_shape",
    "num_images",
    "num_ungrouped_strokes",
    "page_address",
    "page_image",
    "read_alto",
    "read_audio",
    "read_ink",
    "read_ink_groups",
    "read_inkml",
    "read_line_image",
    "read_matrix",
    "read_page",
    "read_page_line",
    "read_page_xml",
    "read_rows",
    "read_strokes",
    "read_symbols",
    "read_unipen",
    "read_unipen_segments",
    "read_whiteboard",
    "shrunk",
    "split_ark_address",
    "split_image_address",
    "split_ink_address",
    "split_page_address",
    "split_rows",
    "write_inkml",
    "write_line_image",
    "write_npy",
    "write_page",
    "write_strokes",
    "write_wav",
]
