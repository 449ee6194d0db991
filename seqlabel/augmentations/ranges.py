"""Settings that come in pairs: the lowest and the highest of what is drawn."""

from seqlabel.errors import ConfigError


def check_range(kind: str, low: tuple[str, float], high: tuple[str, float]) -> None:
    """Does nothing where the two ends of a range, each a name with its value, are in their order.

    Raises:
        ConfigError: they are not.
    """
    if low[1] > high[1]:
        raise ConfigError(
            f"{kind}: {low[0]} {low[1]:g} is above {high[0]} {high[1]:g}; expected the lower of the two first"
        )
