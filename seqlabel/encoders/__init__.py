"""Encoders: (N, T, F) features into (N, T', H) hidden frames; one file for each kind."""

from seqlabel.encoders.conv_recurrent import ConvLayerConfig, ConvRecurrentConfig, ConvRecurrentEncoder
from seqlabel.encoders.embedded import EmbeddedConfig, EmbeddedEncoder
from seqlabel.encoders.recurrent import RecurrentConfig, RecurrentEncoder

EncoderConfig = RecurrentConfig | ConvRecurrentConfig | EmbeddedConfig
Encoder = RecurrentEncoder | ConvRecurrentEncoder | EmbeddedEncoder

__all__ = [
    "ConvLayerConfig",
    "ConvRecurrentConfig",
    "ConvRecurrentEncoder",
    "EmbeddedConfig",
    "EmbeddedEncoder",
    "Encoder",
    "EncoderConfig",
    "RecurrentConfig",
    "RecurrentEncoder",
]
