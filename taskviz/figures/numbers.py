"""How numbers read on a screen and in a report: three digits, their error, times in words."""

import math

from taskviz.values.decimals import fixed

_MINUS = "\N{MINUS SIGN}"
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_SIZES = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1, "bytes"))


def three_digits(value: float | None, error: float | None = None) -> str:
    """A number to three significant digits, or to the digits that its error supports.

    Args:
        value: the number; None or NaN reads "no data".
        error: its standard error; None, NaN or 0 (or round-off, a billionth of the value) leaves it
            out. It is given to two significant digits and decides the decimals of the value.

    Example:
        >>> three_digits(0.41234, 0.0312)
        '0.412 ± 0.031'
        >>> three_digits(2417), three_digits(22_900_000)
        ('2,417', '2.29·10⁷')
    """
    if value is None or math.isnan(value):
        return "no data"
    if value == 0 and not error:
        return "0"
    if math.isinf(value):
        return f"{_MINUS if value < 0 else ''}∞"
    if error is None or not math.isfinite(error) or error <= 1e-9 * abs(value):
        return _rounded(value, 2 - _exponent(value, 3))
    if max(abs(value), error) >= 1e6 or max(abs(value), error) < 1e-4:
        return f"{_rounded(value, 2 - _exponent(value, 3))} ± {_rounded(error, 1)}"
    places = max(0, min(8, 1 - _exponent(error, 2)))
    return f"{fixed(value, places, ',')} ± {fixed(error, places, ',')}"


def signed(value: float | None, error: float | None = None) -> str:
    """:func:`three_digits` with a plus sign on what is positive: for differences."""
    text = three_digits(value, error)
    return f"+{text}" if value is not None and value > 0 else text


def size_words(count: float) -> str:
    """Bytes, to three significant digits.

    Example:
        >>> size_words(1_400_000), size_words(25.31e9)
        ('1.40 MB', '25.3 GB')
    """
    size, unit = next(found for found in _SIZES if count >= found[0] or found[0] == 1)
    return f"{three_digits(count / size)} {unit}"


def duration_words(seconds: float) -> str:
    """A time in words, rounded to what one can plan with.

    Example:
        >>> duration_words(42), duration_words(170), duration_words(4_700)
        ('about 40 s', 'about 3 min', 'about 1 h 20 min')
    """
    if not math.isfinite(seconds):
        return "an unknown time"
    if seconds < 1:
        return "under 1 s"
    if seconds < 10:
        return f"about {round(seconds)} s"
    if seconds < 55:
        step = 10 if seconds >= 30 else 5
        return f"about {step * round(seconds / step)} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"about {max(minutes, 1)} min"
    tens = 10 * round(seconds / 600)
    if tens < 12 * 60:
        hours, rest = divmod(tens, 60)
        return f"about {hours} h" + (f" {rest} min" if rest else "")
    hours = round(seconds / 3600)
    return f"about {hours} h" if hours < 48 else f"about {round(seconds / 86_400)} days"


def _exponent(value: float, digits: int) -> int:
    """Power of ten of the first digit, after rounding to so many digits (0.9996 is 1.00)."""
    return int(f"{value:.{digits - 1}e}".split("e")[1]) if value else 0


def _rounded(value: float, places: int) -> str:
    if value and not 1e-4 <= abs(value) < 1e6:
        mantissa, power = f"{value:.2e}".split("e")
        return f"{mantissa.replace('-', _MINUS)}·10{str(int(power)).translate(_RAISED)}"
    return fixed(value, max(places, 0), ",")
