import numpy as np
import pytest
import torch
from msgspec.structs import replace

from seqlabel.features import LogMelConfig, MfccConfig, presets
from seqlabel.features.batched import BatchedFeature
from seqlabel.records import Waveform

LENGTHS = (16000, 1, 399, 400, 7123, 12345)
CONFIGS = {
    "mfcc": MfccConfig(),
    "c0, lifter": MfccConfig(energy="c0", lifter=22, delta_window=5),
    "log-mel": LogMelConfig(num_deltas=1),
    "log-mel with energy": LogMelConfig(energy="log"),
    "no pre-emphasis": MfccConfig(preemphasis=0.0, num_deltas=0),
    "kaldi": presets.kaldi_mfcc(),
    "kaldi, reflected": replace(presets.kaldi_mfcc(), framing="reflect", raw_energy=False),
    "kaldi, dither, warp": replace(presets.kaldi_log_mel(), dither=1.0, vtln_warp=1.1),
    "reflected, waveform pre-emphasis": LogMelConfig(framing="reflect"),
    "reflected, steps longer than windows": LogMelConfig(
        framing="reflect", window_seconds=0.01, step_seconds=0.06, num_mel_filters=10
    ),
    "centred, pre-emphasis": LogMelConfig(framing="centre"),
    "centred, pre-emphasis of frames": LogMelConfig(framing="centre", preemphasis_per_frame=True),
    "librosa": presets.librosa_mfcc(16000, 512, 160),
}


def waveforms() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [
        rng.normal(0.01, 0.1 / (1 + index), size).astype(np.float32) for index, size in enumerate(LENGTHS)
    ]


def padded(waveforms: list[np.ndarray]) -> tuple[torch.Tensor, torch.Tensor]:
    """Right-padded with large numbers, which nothing may look at."""
    samples = np.full((len(waveforms), max(map(len, waveforms)) + 500), 7.0, np.float32)
    for row, waveform in zip(samples, waveforms, strict=True):
        row[: len(waveform)] = waveform
    return torch.from_numpy(samples), torch.tensor([len(waveform) for waveform in waveforms])


@pytest.mark.parametrize("is_row_by_row", [True, False])
@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
def test_a_padded_batch_has_the_features_of_each_waveform_alone(
    config: MfccConfig | LogMelConfig, is_row_by_row: bool
) -> None:
    feature = config.build()
    batched = BatchedFeature(feature)
    batched.is_row_by_row = is_row_by_row  # as on a GPU
    frames, num_frames = batched(*padded(waveforms()))
    assert frames.shape[2] == feature.dim and frames.shape[1] == max(num_frames)
    for row, count, waveform in zip(frames, num_frames, waveforms(), strict=True):
        alone = feature(Waveform(waveform, 16000))
        assert len(alone) == count
        np.testing.assert_allclose(row[:count].numpy(), alone, atol=2e-4)
        assert not row[count:].any()


def test_one_short_waveform_alone_is_a_batch() -> None:
    feature = MfccConfig().build()
    waveform = waveforms()[2]
    frames, num_frames = BatchedFeature(feature)(
        torch.from_numpy(waveform)[None], torch.tensor([len(waveform)])
    )
    assert num_frames.tolist() == [1]
    np.testing.assert_allclose(frames[0].numpy(), feature(Waveform(waveform, 16000)), atol=1e-4)


def test_the_samples_are_left_as_they_were() -> None:
    samples, lengths = padded(waveforms())
    before = samples.clone()
    BatchedFeature(MfccConfig().build())(samples, lengths)
    assert torch.equal(samples, before)


@pytest.mark.parametrize("lengths", [[], [0, 5], [5, 11]])
def test_lengths_that_do_not_go_with_the_samples_are_refused(lengths: list[int]) -> None:
    with pytest.raises(ValueError, match="1 to 10 samples"):
        BatchedFeature(MfccConfig().build())(
            torch.zeros(len(lengths), 10), torch.tensor(lengths, dtype=torch.long)
        )
