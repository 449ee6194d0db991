"""Features: signals into frames (T, F); one file for each kind."""

from seqlabel.features.bezier import Bezier, BezierConfig
from seqlabel.features.columns import ColumnConfig, Columns
from seqlabel.features.geometric import GeometricColumnConfig, GeometricColumns
from seqlabel.features.graves_pen import GravesPen, GravesPenConfig
from seqlabel.features.ink_normalization import InkNormalizationConfig
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
    | GravesPenConfig
    | BezierConfig
    | ColumnConfig
    | GeometricColumnConfig
    | MatrixConfig
    | SymbolsConfig
)
Feature = (
    Mfcc | LogMel | Pen | GravesPen | Bezier | Columns | GeometricColumns | MatrixFeature | SymbolFeature
)

__all__ = [
    "Bezier",
    "BezierConfig",
    "ColumnConfig",
    "Columns",
    "Feature",
    "FeatureConfig",
    "GeometricColumnConfig",
    "GeometricColumns",
    "GravesPen",
    "GravesPenConfig",
    "InkNormalizationConfig",
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
