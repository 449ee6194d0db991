"""Decoders: emissions into hypotheses; one file for each kind."""

from seqlabel.decoders.greedy import Greedy, GreedyConfig

DecoderConfig = GreedyConfig
Decoder = Greedy

__all__ = ["Decoder", "DecoderConfig", "Greedy", "GreedyConfig"]
