"""TIMIT: phones of read English, 48 of them when training, 39 when scored.

Prepare:  python -m data_prep.timit SOURCE data/timit
Train:    seqlabel train recipes/timit/timit.py
Measure:  seqlabel evaluate runs/timit/best.safetensors data/timit/test.jsonl --fold data/timit/fold.txt
Expect:   no result is claimed: the corpus is the LDC's, and nobody has run this recipe on it (README.md)
"""

from seqlabel.augmentations import GaussianNoiseConfig, MasksConfig, SpeedConfig
from seqlabel.encoders import RecurrentConfig
from seqlabel.experiment import DataConfig, ExperimentConfig, TrainingConfig
from seqlabel.features import MfccConfig
from seqlabel.features.normalization import NormalizationConfig
from seqlabel.features.stacking import StackingConfig
from seqlabel.frontend import FrontendConfig

config = ExperimentConfig(
    name="timit",
    data=DataConfig(directory="data/timit", token_unit="word", batch_size=16, batch_frames=8000),
    frontend=FrontendConfig(
        feature=MfccConfig(),
        normalization=NormalizationConfig(scope="group"),
        stacking=StackingConfig(num_frames=2, step=2),
        signal_augmentations=(SpeedConfig(slowest=0.9, fastest=1.1),),
        feature_augmentations=(
            MasksConfig(num_time_masks=1.0, max_frames=10, num_feature_masks=1, max_features=5),
            GaussianNoiseConfig(std=0.3),
        ),
    ),
    encoder=RecurrentConfig(hidden_size=256, num_layers=3, dropout=0.4),
    training=TrainingConfig(num_epochs=40, learning_rate=2e-3, average_decay=0.995),
)
