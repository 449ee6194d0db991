"""What is wrong with a corpus, found before a training finds it, or learns it."""

from seqlabel.checks.before_training import look_at_contents, look_at_headers
from seqlabel.checks.cleaning import LeftOut, write_cleaned
from seqlabel.checks.corpus import CorpusReport, Span, Summary, check_corpus
from seqlabel.checks.findings import KINDS, LEVELS, Finding, Kind, Level, Place
from seqlabel.checks.splits import Split, read_splits, splits_of_recipe
from seqlabel.checks.text_checks import Alphabet
from seqlabel.checks.wrong_transcripts import Suspect, Unranked, rank_transcripts

__all__ = [
    "KINDS",
    "LEVELS",
    "Alphabet",
    "CorpusReport",
    "Finding",
    "Kind",
    "LeftOut",
    "Level",
    "Place",
    "Span",
    "Split",
    "Summary",
    "Suspect",
    "Unranked",
    "check_corpus",
    "look_at_contents",
    "look_at_headers",
    "rank_transcripts",
    "read_splits",
    "splits_of_recipe",
    "write_cleaned",
]
