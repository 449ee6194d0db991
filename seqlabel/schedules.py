"""Learning rates over a run: one cycle, or falling when the dev error stops falling."""

import math

from seqlabel.config import Config, Count, Positive, Share


class OneCycleConfig(Config, frozen=True, tag="one_cycle"):
    """Linear warm-up, then a cosine down (Smith and Topin, "Super-convergence", 2018).

    Attributes:
        warmup: share of the run in which the rate rises from a twentieth to its highest.
        final: last rate as a share of the highest.
    """

    warmup: Share = 0.1
    final: Share = 0.002

    def factor(self, progress: float, errors: list[float]) -> float:
        """Returns the share of the highest rate at `progress` in [0, 1] of the run."""
        if progress < self.warmup:
            return 0.05 + 0.95 * progress / self.warmup
        fall = (progress - self.warmup) / max(1e-9, 1 - self.warmup)
        return self.final + (1 - self.final) * 0.5 * (1 + math.cos(math.pi * min(1.0, fall)))


class PlateauConfig(Config, frozen=True, tag="plateau"):
    """Warm-up, then a fall by `decay` each time the dev CER has not been bettered for `patience` epochs.

    Attributes:
        warmup: share of the run in which the rate rises from a twentieth to its highest.
        patience: epochs without a better dev CER before a fall.
        decay: factor of each fall.
    """

    warmup: Share = 0.02
    patience: Count = 3
    decay: Positive = 0.5

    def factor(self, progress: float, errors: list[float]) -> float:
        """Returns the share of the highest rate, given the dev CER of every epoch so far."""
        falls, best, waited = 0, math.inf, 0
        for error in errors:
            if error < best:
                best, waited = error, 0
            else:
                waited += 1
                if waited >= self.patience:
                    falls, waited = falls + 1, 0
        rise = min(1.0, 0.05 + 0.95 * progress / self.warmup) if self.warmup else 1.0
        return rise * self.decay**falls


ScheduleConfig = OneCycleConfig | PlateauConfig
