"""Counts and durations in sentences."""


def counted(count: int, noun: str) -> str:
    """``1 error``, ``2 errors``, ``1,200 rows``."""
    plural = f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2:-1] not in "aeo" else f"{noun}s"
    return f"{count:,} {noun if count == 1 else plural}"


def duration(minutes: int) -> str:
    """Minutes in words, rounded down, as in the macro duration: ``55 minutes``, ``26 hours``, ``9 days``."""
    if minutes < 2 * 60:
        return counted(minutes, "minute")
    hours = minutes // 60
    return counted(hours, "hour") if hours < 48 else counted(hours // 24, "day")
