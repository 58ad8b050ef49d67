"""Where docs/runbook.md says what to do about a finding."""

# The section of each group of rules: its address in the page, which does not change. The groups are the letters of the
# rules' codes. In this order they are mended: causes before effects.
_SECTIONS = {
    "SCHED": "stale-schedule",
    "LATE": "late-scrapers",
    "LOCK": "lock-held",
    "DUP": "duplicate-rows",
    "DONE": "completion-mismatch",
    "TRIG": "phase-4-not-started",
    "EXP": "unexpected-values",
    "SLO": "missed-service-level",
}
COULD_NOT_CHECK = "could-not-check"


def runbook_section(rule: str) -> str:
    """The section for a rule's findings, such as ``duplicate-rows``. An unknown rule is something to look into, too:
    the page begins with it.
    """
    return _SECTIONS.get(_group(rule), COULD_NOT_CHECK)


def place_in_runbook(rule: str) -> int:
    """The place of a rule's group in the order in which findings are mended; unknown rules are last."""
    return [*_SECTIONS, _group(rule)].index(_group(rule))


def _group(rule: str) -> str:
    return rule.rstrip("0123456789")
