"""Options of a method: a frozen dataclass whose fields carry their help and their limits.

One description serves the command line, the pages and the check of what a user gave.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, field, fields
from typing import Any, ClassVar, Literal, Protocol, TypeVar, get_args, get_origin, get_type_hints

from taskviz.values.errors import TaskvizError, unknown_choice


class OptionSet(Protocol):
    """A frozen dataclass made of :func:`option` fields."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


O = TypeVar("O", bound=OptionSet)  # noqa: E741 - the field's letter for options


def option(
    default: Any,
    help: str,  # noqa: A002 - the word that every command line uses
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    advanced: bool = False,
    choices: Callable[[], Sequence[str]] | None = None,
    screen: bool = True,
) -> Any:
    """A field of an options dataclass.

    Args:
        default: used where the user gives nothing.
        help: one line, shown beside the widget and in the terminal.
        minimum: least value allowed.
        maximum: largest value allowed.
        advanced: shown folded on a page.
        choices: what a text may be, where that is known only when it is asked for.
        screen: False leaves it to the terminal and Python: a path on this machine, say.
    """
    metadata = {
        "help": help,
        "minimum": minimum,
        "maximum": maximum,
        "advanced": advanced,
        "choices": choices,
        "screen": screen,
    }
    return field(default=default, metadata=metadata)


def parse_options(kind: type[O], given: Mapping[str, Any], where: str) -> O:
    """Check and convert what a user gave (text from a terminal included).

    Raises:
        TaskvizError: an unknown option (the valid ones are listed), a value of the wrong type or
            outside its limits.
    """
    known = {f.name: f for f in fields(kind)}
    hints = get_type_hints(kind)
    values: dict[str, Any] = {}
    for name, value in given.items():
        name = name.replace("-", "_")
        if name not in known:
            raise unknown_choice("option", name, known, where)
        values[name] = _convert(name, value, hints[name], known[name].metadata, where)
    return kind(**values)


def option_values(options: OptionSet) -> dict[str, Any]:
    """Every option with its value as plain data, for results and cache keys."""
    found = {f.name: getattr(options, f.name) for f in fields(options)}
    return {name: list(v) if isinstance(v, tuple) else v for name, v in found.items()}


def option_defaults(kind: type[OptionSet]) -> dict[str, Any]:
    """Name → default of every option."""
    return {f.name: f.default for f in fields(kind) if f.default is not MISSING}


def _convert(name: str, value: Any, hint: Any, limits: Mapping[str, Any], where: str) -> Any:
    what = f"option {name!r} of {where}"
    arguments = get_args(hint)
    if get_origin(hint) is Literal:
        match = [choice for choice in arguments if str(choice) == str(value)]
        if not match:
            raise unknown_choice("value", str(value), [str(choice) for choice in arguments], what)
        return match[0]
    if limits.get("choices") is not None:
        allowed = limits["choices"]()
        if str(value) not in allowed:
            raise unknown_choice("value", str(value), allowed, what)
        return str(value)
    if type(None) in arguments:
        if value is None or str(value).lower() in ("none", ""):
            return None
        hint = next(a for a in arguments if a is not type(None))
    try:
        converted = _as(hint, value)
    except (TypeError, ValueError, OverflowError):
        wanted = {bool: "true or false", int: "a whole number", float: "a number"}.get(hint, "text")
        raise TaskvizError(f"{what.capitalize()} is {value!r}: {wanted} is needed.") from None
    if hint in (int, float):
        why = beyond(converted, limits.get("minimum"), limits.get("maximum"))
        if why:
            raise TaskvizError(f"{what.capitalize()} is {why}.")
    return converted


def beyond(value: float, low: float | None, high: float | None) -> str:
    """``0: it must be from 1 to 100``, where a number is beyond its limits; else empty."""
    if (low is None or value >= low) and (high is None or value <= high):
        return ""
    if low is not None and high is not None:
        span = f"from {_digits(low)} to {_digits(high)}"
    elif low is not None:
        span = f"at least {_digits(low)}"
    else:
        span = f"at most {_digits(high or 0)}"
    return f"{_digits(value)}: it must be {span}"


def _digits(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else f"{value:g}"


def _as(hint: Any, value: Any) -> Any:
    if hint is bool:
        words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
        if str(value).lower() not in words:
            raise ValueError
        return words[str(value).lower()]
    if hint is int:
        number = float(value)
        if number != int(number) or isinstance(value, bool):
            raise ValueError
        return int(value) if isinstance(value, int) else int(number)
    if hint is float:
        number = float(value)
        if number != number or number in (float("inf"), float("-inf")):
            raise ValueError
        return number
    if hint is str:
        return str(value)
    raise TypeError(f"no conversion to {hint}")
