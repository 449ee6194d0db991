"""The settings that MFCC and log-mel features share, and what they have to be."""

from typing import Literal

from seqlabel.config import Config
from seqlabel.features.mel_filters import MAX_WEIGHTS, MelScale
from seqlabel.features.sources import require

HIGHEST_RATE, LONGEST_WINDOW_SECONDS, MOST_FILTERS, WIDEST_DELTA = 1_000_000, 1.0, 2000, 1000
"""Far above what anybody sets; a model file with larger numbers would take all memory before it reads anything."""
LOUDEST_SCALE = 2.0**16


class MelConfig(Config, frozen=True):
    """The settings that MFCC and log-mel features share; `presets` has those of Kaldi and of librosa.

    Attributes:
        sample_rate: in Hz; audio of another rate is resampled to it.
        window_seconds, step_seconds: length of a frame and distance between frames.
        num_mel_filters, low_hz, high_hz: the mel filter bank; high_hz None for half the sample rate.
        preemphasis: a in y[n] = x[n] - a x[n-1]; 0 for none.
        delta_window: frames on each side of the regression.
        framing: which frames there are. "snip": from the first sample on, as many as lie wholly within the waveform.
            "reflect": one for each step, frame t around the middle of step t, the waveform reflected at its ends
            (Kaldi's snip_edges=false). "centre": frame t around sample t * step, zeros beyond the ends (librosa's
            center=True).
        truncated_lengths: lengths in samples are cut off to whole ones as Kaldi has it, not rounded.
        window_shape, periodic_window: what a frame is multiplied with; Kaldi's windows are not periodic. "povey" is
            hann ** 0.85.
        remove_dc: subtract its mean from each frame.
        preemphasis_per_frame: in each frame for itself, after `remove_dc`, as Kaldi has it; else over the waveform.
        mel_scale: how the filters lie and what their sides are straight on; see `mel_filters`.
        unit_area: filters of equal area, librosa's norm="slaney", and not of equal height.
        fft_size: points of the Fourier transform; None for the shortest power of two that leaves no filter empty.
        sample_scale: what samples on [-1, 1] are multiplied with before all else; Kaldi's lie on [-32768, 32768].
        raw_energy: the log energy is that before pre-emphasis and window, else that after them.
        energy_floor, mel_floor: least energy of a frame and of a filter; None for that of 16-bit rounding noise.
        decibels: 10 log10 of energies in filters, as librosa has it, in place of natural logarithms.
        top_db: energies further below the highest one of the waveform are raised to this distance; None for none.
        dither: standard deviation of normal noise that is added to the scaled samples; None for none.
        dither_seed: of that noise, which is the same for all waveforms.
        vtln_warp: warp factor for the length of the vocal tract, 0.8 to 1.2 as a rule; None for none.
        vtln_low_hz, vtln_high_hz: the corners of the warp, see `VocalTractWarp`; None for 500 Hz below half the rate.
    """

    sample_rate: int = 16000
    window_seconds: float = 0.025
    step_seconds: float = 0.010
    num_mel_filters: int = 40
    low_hz: float = 0.0
    high_hz: float | None = None
    preemphasis: float = 0.97
    num_deltas: int = 0
    delta_window: int = 2
    framing: Literal["snip", "reflect", "centre"] = "snip"
    truncated_lengths: bool = False
    window_shape: Literal["hamming", "hann", "povey", "blackman", "rectangular"] = "hamming"
    periodic_window: bool = True
    remove_dc: bool = False
    preemphasis_per_frame: bool = False
    mel_scale: MelScale = "htk"
    unit_area: bool = False
    fft_size: int | None = None
    sample_scale: float = 1.0
    raw_energy: bool = True
    energy_floor: float | None = None
    mel_floor: float | None = None
    decibels: bool = False
    top_db: float | None = None
    dither: float | None = None
    dither_seed: int = 0
    vtln_warp: float | None = None
    vtln_low_hz: float = 100.0
    vtln_high_hz: float | None = None


def whole_samples(config: MelConfig) -> tuple[int, int]:
    """Window and step in samples."""
    window, step = (seconds * config.sample_rate for seconds in (config.window_seconds, config.step_seconds))
    # 0.025 s times 16000 Hz may fall short of 400 by a rounding error.
    return (
        (int(window + 1e-6), int(step + 1e-6)) if config.truncated_lengths else (round(window), round(step))
    )


def check_settings(config: MelConfig) -> None:
    """Nothing, if every number is within its range.

    Raises:
        ConfigError: one is not.
    """
    rate, low_hz = config.sample_rate, config.low_hz
    require(1 <= rate <= HIGHEST_RATE, config, f"sample_rate of 1 to {HIGHEST_RATE} Hz")
    high_hz = rate / 2 if config.high_hz is None else config.high_hz
    seconds = (config.window_seconds, config.step_seconds)
    is_short = all(0 < one <= LONGEST_WINDOW_SECONDS for one in seconds)
    require(is_short, config, f"windows and steps of at most {LONGEST_WINDOW_SECONDS:g} s")
    require(0 <= low_hz < high_hz <= rate / 2, config, "0 <= low_hz < high_hz <= half the sample_rate")
    require(1 <= config.num_mel_filters <= MOST_FILTERS, config, f"num_mel_filters of 1 to {MOST_FILTERS}")
    require(0 <= config.num_deltas <= 2, config, "num_deltas of 0, 1 or 2")
    require(1 <= config.delta_window <= WIDEST_DELTA, config, f"delta_window of 1 to {WIDEST_DELTA}")
    require(0 <= config.preemphasis < 1, config, "preemphasis of at least 0 and below 1")
    window, step = whole_samples(config)
    require(window >= 2 and step >= 1, config, "a window of 2 samples and a step of 1 at least")
    if config.fft_size is not None:
        fits = config.fft_size >= window and config.fft_size % 2 == 0
        fits = fits and config.fft_size * config.num_mel_filters <= MAX_WEIGHTS
        require(fits, config, f"an even fft_size of the window's {window} samples at least")
    require(0 < config.sample_scale <= LOUDEST_SCALE, config, f"sample_scale up to {LOUDEST_SCALE:g}")
    for floor in (config.energy_floor, config.mel_floor, config.top_db):
        require(floor is None or 0 < floor < 1e30, config, "floors and top_db above 0, or None")
    require(config.dither is None or 0 <= config.dither <= 1e6, config, "dither of at least 0, or None")
    require(config.dither_seed >= 0, config, "dither_seed of at least 0")
    if config.vtln_warp is not None:
        upper = rate / 2 - 500 if config.vtln_high_hz is None else config.vtln_high_hz
        warp, lower = config.vtln_warp, config.vtln_low_hz
        require(0.5 <= warp <= 2, config, "vtln_warp of 0.5 to 2, or None")
        is_ordered = low_hz < lower * max(1.0, warp) < upper * min(1.0, warp) < high_hz
        is_ordered = is_ordered and low_hz < lower and upper < high_hz
        require(is_ordered, config, "low_hz < vtln_low_hz < vtln_high_hz < high_hz, warped ones too")
