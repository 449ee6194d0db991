"""Features: signals into frames (T, F); one file for each kind."""

from seqlabel.features.columns import ColumnConfig, Columns
from seqlabel.features.geometric import GeometricColumnConfig, GeometricColumns
from seqlabel.features.log_mel import LogMel, LogMelConfig
from seqlabel.features.matrix import MatrixConfig, MatrixFeature
from seqlabel.features.mfcc import Mfcc, MfccConfig
from seqlabel.features.normalization import NormalizationConfig
from seqlabel.features.pen import Pen, PenConfig
from seqlabel.features.stacking import StackingConfig
from seqlabel.features.symbols import SymbolFeature, SymbolsConfig

FeatureConfig = (
    MfccConfig
    | LogMelConfig
    | PenConfig
    | ColumnConfig
    | GeometricColumnConfig
    | MatrixConfig
    | SymbolsConfig
)
Feature = Mfcc | LogMel | Pen | Columns | GeometricColumns | MatrixFeature | SymbolFeature

__all__ = [
    "ColumnConfig",
    "Columns",
    "Feature",
    "FeatureConfig",
    "GeometricColumnConfig",
    "GeometricColumns",
    "LogMel",
    "LogMelConfig",
    "MatrixConfig",
    "MatrixFeature",
    "Mfcc",
    "MfccConfig",
    "NormalizationConfig",
    "Pen",
    "PenConfig",
    "StackingConfig",
    "SymbolFeature",
    "SymbolsConfig",
]
