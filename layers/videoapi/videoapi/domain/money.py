"""Money: whole micro-dollars inside, so that sums are exact; dollars for people and for JSON."""

MICROS = 1_000_000  # in a dollar


def micros(usd: float) -> int:
    """Return dollars as micro-dollars."""
    return round(usd * MICROS)


def dollars_text(amount: int) -> str:
    """Return micro-dollars as dollars for people, exactly."""
    whole, rest = divmod(amount, MICROS)
    return f"{whole}.{rest:06}".rstrip("0").rstrip(".")


def dollars(amount: int | None) -> float | None:
    """Return micro-dollars as dollars with up to six decimals; None is not known."""
    return None if amount is None else amount / MICROS
