"""pendigits strings: three to seven digits of one writer, side by side, as pen ink.

Prepare:  python -m data_prep.pendigits data/pendigits
Train:    seqlabel train recipes/pendigits/pendigits.py
Expect:   dev CER 0.52 % (seed 2, 2026-11-28, at 88a167c); test: all_writers.py and guided.py; its choice: README.md
"""

from seqlabel.augmentations import GaussianNoiseConfig, PenPathConfig, PenWarpConfig
from seqlabel.encoders import RecurrentConfig
from seqlabel.experiment import DataConfig, ExperimentConfig, TrainingConfig
from seqlabel.features import PenConfig
from seqlabel.features.normalization import NormalizationConfig
from seqlabel.features.stacking import StackingConfig
from seqlabel.frontend import FrontendConfig
from seqlabel.schedules import OneCycleConfig

config = ExperimentConfig(
    name="pendigits",
    data=DataConfig(directory="data/pendigits", batch_size=32, batch_frames=6000),
    frontend=FrontendConfig(
        feature=PenConfig(step=0.1, context_cells=7, cell_size=0.2),
        normalization=NormalizationConfig(scope="corpus"),
        stacking=StackingConfig(num_frames=2, step=2),
        signal_augmentations=(
            PenPathConfig(share=0.5, lift=0.3, reverse=0.3, swap=0.3),
            PenWarpConfig(slant=0.25, stretch=0.2, wave=0.06, bend=0.12),
        ),
        feature_augmentations=(GaussianNoiseConfig(std=0.2),),
    ),
    encoder=RecurrentConfig(hidden_size=128, num_layers=2, dropout=0.4),
    training=TrainingConfig(
        num_epochs=20,
        learning_rate=3e-3,
        # The rate stays high to the end; the average over five epochs is in the place of its fall.
        schedule=OneCycleConfig(final=0.5),
        average_decay=0.999,
    ),
)
