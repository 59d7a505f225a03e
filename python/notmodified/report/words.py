"""Numbers and foreign text in words that are safe and short."""

from __future__ import annotations

_KILO = 1000
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_UNITS = ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min"), (1, "s"))


def clean(text: str, width: int | None = None) -> str:
    """Return text from a log with nothing in it that a terminal would act on, cut to a width.

    What is not printable, control characters and those that turn the direction of writing among it, stands
    there escaped.
    """
    if not text.isprintable():
        text = "".join(
            letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text
        )
    return text if width is None or len(text) <= width else text[: width - 1] + "…"


def octets(text: str, width: int | None = None) -> str:
    """Return what came over a network, as text of one character an octet, in the letters that it is: UTF-8.

    What is no UTF-8 stands there escaped, as what is not printable does.
    """
    rest = text.removesuffix("…")
    # Where letters stand in it already it did not come over a network.
    if max(rest, default="") <= "\xff":
        text = rest.encode("latin-1").decode("utf-8", "backslashreplace") + text[len(rest) :]
    return clean(text, width)


def counted(number: int, one: str, many: str | None = None) -> str:
    """Return a number of things, of which `one` is the name of one and `many` that of more."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def size(octets: float) -> str:
    """Return bytes in a unit that suits them."""
    for unit in ("B", "kB", "MB", "GB"):
        if octets < _KILO:
            return f"{octets:.0f} {unit}" if unit == "B" else f"{octets:.1f} {unit}"
        octets /= _KILO
    return f"{octets:.1f} TB"


def duration(seconds: float) -> str:
    """Return seconds in the one or two largest units that they have."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms" if seconds else "0 s"
    whole, parts = round(seconds), []
    for length, unit in _UNITS:
        count, whole = divmod(whole, length)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])


def share(part: float, whole: float) -> str:
    """Return a part of a whole in percent."""
    return f"{100 * part / whole:.1f}%" if whole else "-"
