"""Settings by name: `--training.seed 2` on the command line puts a new value into a typed configuration."""

import difflib
import json
import math
import typing
from collections.abc import Iterator, Sequence
from types import NoneType, UnionType
from typing import Any, TypeVar

import msgspec

from seqlabel.config import Config
from seqlabel.errors import ConfigError

C = TypeVar("C", bound=Config)


def override(config: C, arguments: Sequence[str]) -> C:
    """Returns the configuration with settings replaced: `["--training.num-epochs", "3"]`.

    A setting is named by its path, with `-` or `_` between words. A value is a number, a word, `none`, or JSON
    for what has several parts; a list may also be written as several words. What is said of a whole part (`--decoder
    beam`) comes before what is said of the settings in it, wherever it stands.

    Raises:
        ConfigError: an unknown setting, or a value that it cannot have.
    """
    for name, words in sorted(_assignments(arguments), key=lambda named: named[0].count(".")):
        config = _replaced(config, name, name.replace("-", "_").split("."), words)
    return config


def check(config: Config) -> None:
    """Checks every value against its type, which Python leaves undone when a recipe runs.

    Raises:
        ConfigError: a value is not what its setting holds; the message names the setting.
    """
    try:
        msgspec.convert(msgspec.to_builtins(config), type(config))
    except (msgspec.MsgspecError, TypeError) as error:
        what, _, where = str(error).partition(" - at `$")
        place = where.strip("`").lstrip(".").replace("...", "")
        raise ConfigError(f"{place or type(config).__name__}: {_small(what)}") from error


def settings(config: Config) -> Iterator[tuple[str, str]]:
    """Yields the name and the value of every setting, as they would be typed."""
    for name, value in _leaves("", config):
        yield f"--{name.replace('_', '-')}", value


def _assignments(arguments: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Splits `--a 1 --b=2 --c x y` into ("a", ["1"]), ("b", ["2"]), ("c", ["x", "y"])."""
    position = 0
    while position < len(arguments):
        name, equals, value = arguments[position].partition("=")
        if not _is_name(name):
            raise ConfigError(
                f"{arguments[position]!r}: found this where a setting should be, expected --NAME VALUE"
            )
        words = [value] if equals else []
        position += 1
        while not equals and position < len(arguments) and not _is_name(arguments[position]):
            words.append(arguments[position])
            position += 1
        yield name.removeprefix("--"), words


def _is_name(word: str) -> bool:
    return word.startswith("--") and len(word) > 2


def _replaced(config: Any, name: str, path: list[str], words: list[str]) -> Any:
    """Returns `config` (a configuration, or a tuple with numbers for names) with the value at `path` replaced."""
    key, below = path[0], path[1:]
    if isinstance(config, tuple) and key.isdecimal() and int(key) < len(config):
        index = int(key)
        kind: Any = type(config[index])
        value = _replaced(config[index], name, below, words) if below else _value(name, kind, words)
        return (*config[:index], value, *config[index + 1 :])
    fields = {field.name: field.type for field in _fields(config)}
    if key not in fields:
        given = name.split(".")
        parent = ".".join(given[: len(given) - len(path)])
        raise ConfigError(f"--{name}: {_unknown(config, given[-len(path)], parent, list(fields))}")
    old = getattr(config, key)
    if not below and isinstance(old, Config) and words == [old.__struct_config__.tag]:
        return config  # the kind that it has already, with its settings
    value = _replaced(old, name, below, words) if below else _value(name, fields[key], words)
    return msgspec.structs.replace(config, **{key: value})


def _fields(config: object) -> tuple[msgspec.structs.FieldInfo, ...]:
    return msgspec.structs.fields(config) if isinstance(config, Config) else ()


def _unknown(config: object, key: str, parent: str, names: list[str]) -> str:
    shown = [name.replace("_", "-") for name in names]
    if isinstance(config, tuple):
        shown = [str(index) for index in range(len(config))]
    where = f"in {parent}" if parent else "in a recipe"
    if not shown:
        return f"nothing can be set below {parent}; leave out .{key}"
    close = difflib.get_close_matches(key.replace("_", "-"), shown, n=1)
    hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(shown)}"
    return f"no setting {key!r} {where}; {hint}"


def _value(name: str, kind: Any, words: list[str]) -> object:
    """Returns what the words mean to a setting of this type."""
    if not words:
        raise ConfigError(f"--{name}: has no value; expected {describe(kind)}")
    text = " ".join(words)
    if not text.isascii() and text.encode("utf-8", "replace").decode() != text:
        raise ConfigError(f"--{name} {text}: is not UTF-8; expected {describe(kind)}")
    try:
        if text.lower() == "none" and NoneType in _alternatives(kind):
            return None
        if text[:1] in ("{", "[") and str not in _alternatives(kind):
            try:
                return msgspec.json.decode(text, type=kind)
            except msgspec.DecodeError as error:
                # Several words may begin with a bracket and be no list.
                if isinstance(error, msgspec.ValidationError) or not _is_of_words(kind):
                    raise
        if any(typing.get_origin(_bare(part)) is tuple for part in _alternatives(kind)):
            return msgspec.convert(words, type=kind, strict=False)
        if len(words) == 1 and text in _tags(kind):
            return msgspec.convert({"type": text}, type=kind)
        if len(words) == 1:
            value = msgspec.convert(text, type=kind, strict=False)
            if isinstance(value, float) and not math.isfinite(value):
                raise ConfigError(f"--{name} {text}: expected {describe(kind)}")
            return value
    except msgspec.ValidationError as error:
        is_told = str(error).startswith(("Expected", "Invalid enum"))
        what = "" if is_told and text[:1] != "{" else f" ({_small(str(error))})"
        raise ConfigError(f"--{name} {text}: expected {describe(kind)}{what}") from error
    except msgspec.DecodeError as error:
        raise ConfigError(f"--{name} {text}: not JSON ({error}); expected {describe(kind)}") from error
    except RecursionError as error:
        raise ConfigError(f"--{name}: nested too deep; expected {describe(kind)}") from error
    raise ConfigError(f"--{name} {text}: found {len(words)} values, expected {describe(kind)}")


def _is_of_words(kind: Any) -> bool:
    return any(
        typing.get_origin(_bare(part)) is tuple and str in typing.get_args(_bare(part))
        for part in _alternatives(kind)
    )


def _alternatives(kind: Any) -> tuple[Any, ...]:
    return typing.get_args(kind) if typing.get_origin(kind) in (UnionType, typing.Union) else (kind,)


def _bare(kind: Any) -> Any:
    return typing.get_args(kind)[0] if typing.get_origin(kind) is typing.Annotated else kind


def _tags(kind: Any) -> list[object]:
    """The kinds among which a setting chooses, by the names that files give them."""
    return [
        part.__struct_config__.tag
        for part in _alternatives(kind)
        if isinstance(part, type) and issubclass(part, Config)
    ]


def describe(kind: Any) -> str:
    """Returns a type in the words of somebody who types a value.

    Example:
        >>> describe(float | None), describe(typing.Literal["a", "b"])
        ('a number or none', 'a or b')
    """
    origin = typing.get_origin(kind)
    if origin in (UnionType, typing.Union):
        return " or ".join(describe(part) for part in typing.get_args(kind))
    if origin is typing.Literal:
        return " or ".join(str(value) for value in typing.get_args(kind))
    if origin is typing.Annotated:
        base, *limits = typing.get_args(kind)
        return describe(base) + "".join(_limits(limit) for limit in limits)
    if origin is tuple:
        parts = [part for part in typing.get_args(kind) if part is not ...]
        return (
            f"one or more of: {describe(parts[0])}"
            if ... in typing.get_args(kind)
            else f"{len(parts)} values"
        )
    if isinstance(kind, type) and issubclass(kind, Config):
        tag = kind.__struct_config__.tag
        return (
            f"{tag}" if tag else f"a group of settings; set one of them, such as {kind.__struct_fields__[0]}"
        )
    return {
        int: "a whole number",
        float: "a number",
        bool: "true or false",
        str: "a word",
        NoneType: "none",
    }.get(kind, str(kind))


def _limits(limit: object) -> str:
    if not isinstance(limit, msgspec.Meta):
        return ""
    named = {"ge": "from", "gt": "above", "le": "to", "lt": "below"}
    return "".join(
        f" {word} {bound}" for key, word in named.items() if (bound := getattr(limit, key)) is not None
    )


def _leaves(name: str, value: object) -> Iterator[tuple[str, str]]:
    prefix = f"{name}." if name else ""
    if isinstance(value, Config) and _fields(value):
        for field in _fields(value):
            yield from _leaves(prefix + field.name, getattr(value, field.name))
    elif isinstance(value, tuple) and any(isinstance(part, Config) for part in value):
        for index, part in enumerate(value):
            yield from _leaves(f"{prefix}{index}", part)
    elif isinstance(value, Config):
        yield name, str(value.__struct_config__.tag)
    elif isinstance(value, tuple):
        yield name, " ".join(map(str, value)) or "[]"
    else:
        yield name, value if isinstance(value, str) else json.dumps(value).replace("null", "none")


def _small(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
