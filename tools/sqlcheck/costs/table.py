"""The costs as text."""

from collections.abc import Iterable, Iterator, Sequence

from sqlcheck.costs.billing import TB, Bill, megabytes

_DAYS_OF_MONTH = 30
_SHOWN = 15


def table(bills: Sequence[Bill], usd_per_tb: float, with_all: bool) -> Iterator[str]:
    """The lines: the statements that cost most (or all), the sum of each kind, and of a day and a month."""
    costly = sorted((one for one in bills if one.billed), key=lambda one: (-one.daily, -one.billed, one.name))
    shown = costly if with_all else costly[:_SHOWN]
    yield _line("billed", "read", "a day", "statement")
    for one in shown:
        yield _line(megabytes(one.billed), megabytes(one.processed), f"{one.times} x", f"{one.kind} {one.name}")
    if len(shown) < len(costly):
        yield f"… and {len(costly) - len(shown)} more (--all shows them)"
    yield ""
    yield _line("billed", "read", "jobs", "of one daily check")
    for kind in dict.fromkeys(one.kind for one in bills):
        of_kind = [one for one in bills if one.kind == kind and one.times]
        if of_kind:
            yield _sums(of_kind, kind)
    yield _sums(bills, "in all")
    month = sum(one.daily for one in bills) * _DAYS_OF_MONTH
    yield f"A month of daily checks is billed {megabytes(month)}: {month / TB * usd_per_tb:,.2f} USD on demand."


def _sums(bills: Iterable[Bill], name: str) -> str:
    """The sums of one daily check. A statement that reads no table is not billed, and not counted."""
    run = [one for one in bills if one.billed]
    read = sum(one.processed * one.times for one in run)
    return _line(megabytes(sum(one.daily for one in run)), megabytes(read), f"{sum(one.times for one in run)}", name)


def _line(billed: str, read: str, times: str, name: str) -> str:
    return f"{billed:>12} {read:>12} {times:>6}  {name}"
