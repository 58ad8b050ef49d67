"""Counts in sentences."""


def counted(count: int, noun: str) -> str:
    """``1 error``, ``2 errors``, ``1,200 rows``."""
    plural = f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2:-1] not in "aeo" else f"{noun}s"
    return f"{count:,} {noun if count == 1 else plural}"
