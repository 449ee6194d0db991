"""Encoders: (N, T, F) features into (N, T', H) hidden frames; one file for each kind."""

from seqlabel.encoders.conv_recurrent import ConvLayerConfig, ConvRecurrentConfig, ConvRecurrentEncoder
from seqlabel.encoders.embedded import EmbeddedConfig, EmbeddedEncoder
from seqlabel.encoders.parallel import ParallelConfig, ParallelEncoder
from seqlabel.encoders.recurrent import RecurrentConfig, RecurrentEncoder

EncoderConfig = RecurrentConfig | ConvRecurrentConfig | EmbeddedConfig | ParallelConfig
Encoder = RecurrentEncoder | ConvRecurrentEncoder | EmbeddedEncoder | ParallelEncoder

__all__ = [
    "ConvLayerConfig",
    "ConvRecurrentConfig",
    "ConvRecurrentEncoder",
    "EmbeddedConfig",
    "EmbeddedEncoder",
    "Encoder",
    "EncoderConfig",
    "ParallelConfig",
    "ParallelEncoder",
    "RecurrentConfig",
    "RecurrentEncoder",
]
