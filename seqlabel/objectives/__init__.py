"""Objectives: what a network learns from hidden frames and targets; one file for each kind."""

from seqlabel.objectives.classification import Classification, ClassificationConfig
from seqlabel.objectives.ctc import Ctc, CtcConfig
from seqlabel.objectives.framewise import Framewise, FramewiseConfig, frame_labels

ObjectiveConfig = CtcConfig | FramewiseConfig | ClassificationConfig
Objective = Ctc | Framewise | Classification

__all__ = [
    "Classification",
    "ClassificationConfig",
    "Ctc",
    "CtcConfig",
    "Framewise",
    "FramewiseConfig",
    "Objective",
    "ObjectiveConfig",
    "frame_labels",
]
