"""Encoders: (N, T, F) features into (N, T', H) hidden frames; one file for each kind."""

from seqlabel.encoders.conv_recurrent import ConvLayerConfig, ConvRecurrentConfig, ConvRecurrentEncoder
from seqlabel.encoders.recurrent import RecurrentConfig, RecurrentEncoder

EncoderConfig = RecurrentConfig | ConvRecurrentConfig
Encoder = RecurrentEncoder | ConvRecurrentEncoder

__all__ = [
    "ConvLayerConfig",
    "ConvRecurrentConfig",
    "ConvRecurrentEncoder",
    "Encoder",
    "EncoderConfig",
    "RecurrentConfig",
    "RecurrentEncoder",
]
