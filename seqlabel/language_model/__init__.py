"""N-gram language models: built from text, read and written as ARPA files, walked through as automata."""

from seqlabel.language_model.arpa import read_arpa, write_arpa
from seqlabel.language_model.automaton import EMPTY, UNSEEN, Automaton, Ngrams
from seqlabel.language_model.counts import RESERVED, SPACE, Unit, corpus, units
from seqlabel.language_model.kneser_ney import Estimate, estimate
from seqlabel.language_model.models import LanguageModels, Pronunciation, read_lexicon
from seqlabel.language_model.ngram import BEGIN, END, NgramModel, Perplexity
from seqlabel.language_model.pruning import prune

__all__ = [
    "BEGIN",
    "EMPTY",
    "END",
    "RESERVED",
    "SPACE",
    "UNSEEN",
    "Automaton",
    "Estimate",
    "LanguageModels",
    "NgramModel",
    "Ngrams",
    "Perplexity",
    "Pronunciation",
    "Unit",
    "corpus",
    "estimate",
    "prune",
    "read_arpa",
    "read_lexicon",
    "units",
    "write_arpa",
]
