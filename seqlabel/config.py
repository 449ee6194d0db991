"""The base of every configuration: plain, frozen, typed data that refuses unknown keys."""

import msgspec


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Plain data of one part of an experiment; subclasses repeat `frozen=True` for mypy.

    Members of a union carry `tag="<kind>"`, which is how the JSON in a model file names them.
    """
