"""The base of every configuration: plain, frozen, typed data that refuses unknown keys."""

from typing import Annotated

import msgspec

# Types that say the range of a setting; recipes and overrides are held to them (`overrides.check`).
Count = Annotated[int, msgspec.Meta(ge=1)]
CountFromZero = Annotated[int, msgspec.Meta(ge=0)]
Seed = Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)]
Positive = Annotated[float, msgspec.Meta(gt=0)]
FromZero = Annotated[float, msgspec.Meta(ge=0)]
Weight = Annotated[float, msgspec.Meta(ge=0, le=1e6)]
"""Of a score; that of any larger one would be lost in it, or infinite."""
Score = Annotated[float, msgspec.Meta(ge=-1e6, le=1e6)]
"""A natural logarithm, or a sum of some; far beyond those of any probability."""
Decibels = Annotated[float, msgspec.Meta(ge=-120, le=120)]
"""Of a gain or a ratio; the samples of 20 bits lie within 120 dB."""
Share = Annotated[float, msgspec.Meta(ge=0, lt=1)]
Probability = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Plain data of one part of an experiment; subclasses repeat `frozen=True` for mypy.

    Members of a union carry `tag="<kind>"`, which is how the JSON in a model file names them.
    """
