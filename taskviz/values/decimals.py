"""Decimals that an uncertainty supports, and numbers that are written with them."""

import math


def places_of_error(error: float) -> int:
    """Decimals that show a standard error: one, or up to three where it is below a tenth."""
    return next((places for places in (1, 2) if error >= 0.95 * 10**-places), 3)


def places_of_interval(low: float, high: float) -> int:
    """Decimals that show two digits of half an interval's width, and that no end of it is 0."""
    half = (high - low) / 2
    places = 1 - math.floor(math.log10(half)) if half > 0 else 2
    places = min(max(places, 0), 4)
    while places < 4 and any(end and not round(end, places) for end in (low, high)):
        places += 1
    return places


def fixed(value: float, places: int, thousands: str = "") -> str:
    """A number with so many decimals; what is rounded to nothing has no sign.

    Args:
        thousands: "," sets them apart.
    """
    text = f"{value:{thousands}.{places}f}"
    return (text if text.strip("-0.") else text.lstrip("-")).replace("-", "\N{MINUS SIGN}")


def signed(value: float, places: int) -> str:
    """The same with a plus sign where it is not negative: for differences."""
    text = fixed(value, places)
    return text if text.startswith("\N{MINUS SIGN}") else f"+{text}"
