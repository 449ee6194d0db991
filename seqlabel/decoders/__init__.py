"""Decoders: emissions into hypotheses; one file for each kind."""

from seqlabel.decoders.beam import Beam, BeamConfig
from seqlabel.decoders.ensemble import decode_ensemble
from seqlabel.decoders.greedy import Greedy, GreedyConfig
from seqlabel.decoders.prefix_search import PrefixSearch, PrefixSearchConfig
from seqlabel.decoders.spans import joined, path_spans, token_spans, word_spans, words_of
from seqlabel.language_model import LanguageModels

DecoderConfig = GreedyConfig | BeamConfig | PrefixSearchConfig
Decoder = Greedy | Beam | PrefixSearch

__all__ = [
    "Beam",
    "BeamConfig",
    "Decoder",
    "DecoderConfig",
    "Greedy",
    "GreedyConfig",
    "LanguageModels",
    "PrefixSearch",
    "PrefixSearchConfig",
    "decode_ensemble",
    "joined",
    "path_spans",
    "token_spans",
    "word_spans",
    "words_of",
]
