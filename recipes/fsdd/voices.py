r"""FSDD strings of a speaker that the model has never heard, with the 65 voices of AN4 beside the five of FSDD.

AN4 is published as cepstra of Sphinx. They are made as narrow as the 8 kHz of FSDD, and train one network together
with the recordings, whose features are the same kind of cepstra. The tokens are letters, since AN4 says more than
digits; a lexicon of the ten words is what knows that only they are said.

Prepare:  python -m data_prep.fsdd data/fsdd; python -m data_prep.an4 SOURCE data/an4_narrow --narrow
Train:    for s in george jackson lucas nicolas theo yweweler; do
              seqlabel train recipes/fsdd/voices.py --run-dir runs/voices/$s \
                  --data.train without_${s}_train.jsonl ../an4_narrow/train.jsonl --data.dev without_${s}_dev.jsonl
              seqlabel evaluate runs/voices/$s/best.safetensors data/fsdd/only_${s}_test.jsonl \
                  --lexicon data/fsdd/digits.txt
          done
"""

from string import ascii_lowercase

from msgspec.structs import replace

from recipes.fsdd.unheard import config as base
from seqlabel.augmentations import AdditiveNoiseConfig, CepstralWarpConfig, RoomConfig, SpeedConfig
from seqlabel.features import MfccConfig
from seqlabel.texts import RuleConfig, TextConfig

config = replace(
    base,
    name="fsdd_voices",
    data=replace(
        base.data,
        train=("without_george_train.jsonl", "../an4_narrow/train.jsonl"),
        dev="without_george_dev.jsonl",
        token_unit="character",
        batch_size=24,
        batch_frames=8000,
    ),
    texts=TextConfig(rules=tuple(RuleConfig(letter.upper(), letter) for letter in ascii_lowercase)),
    frontend=replace(
        base.frontend,
        feature=MfccConfig(
            sample_rate=8000,
            window_seconds=0.025625,
            num_mel_filters=30,
            low_hz=130,
            high_hz=3684,
            num_cepstra=10,
            energy="c0",
            takes_cepstra=True,
        ),
        signal_augmentations=(
            SpeedConfig(slowest=0.78, fastest=1.28),
            CepstralWarpConfig(strength=0.12),
            RoomConfig(probability=0.3),
            AdditiveNoiseConfig(probability=0.5),
        ),
    ),
    encoder=replace(base.encoder, hidden_size=160, num_layers=3, dropout=0.4),
    training=replace(base.training, num_epochs=11),
)
