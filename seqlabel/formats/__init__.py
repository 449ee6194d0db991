"""Readers and writers of other people's files: audio, line images, pen ink, matrices, symbols and ALTO pages."""

from seqlabel.formats.alto import AltoLine, AltoPage, cut_line, read_alto
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
from seqlabel.formats.matrix import MATRIX_SUFFIXES, read_matrix, split_ark_address, write_npy
from seqlabel.formats.symbols import SYMBOL_SUFFIXES, read_symbols

__all__ = [
    "AUDIO_SUFFIXES",
    "IMAGE_SUFFIXES",
    "INK_SUFFIXES",
    "MATRIX_SUFFIXES",
    "SYMBOL_SUFFIXES",
    "AltoLine",
    "AltoPage",
    "InkDocument",
    "UnipenSegment",
    "cut_line",
    "read_alto",
    "read_audio",
    "read_inkml",
    "read_line_image",
    "read_matrix",
    "read_strokes",
    "read_symbols",
    "read_unipen_segments",
    "split_ark_address",
    "write_line_image",
    "write_npy",
    "write_strokes",
    "write_wav",
]
