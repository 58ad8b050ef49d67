"""Where docs/runbook.md says what to do about a finding."""

# The section of each group of rules: its address in the page, which does not change. The groups are the letters of the
# rules' codes.
_SECTIONS = {
    "DUP": "duplicate-rows",
    "LATE": "late-scrapers",
    "DONE": "completion-mismatch",
    "TRIG": "phase-4-not-started",
    "SCHED": "stale-schedule",
    "LOCK": "lock-held",
    "EXP": "unexpected-values",
    "SLO": "missed-service-level",
}
COULD_NOT_CHECK = "could-not-check"


def runbook_section(rule: str) -> str:
    """The section for a rule's findings, such as ``duplicate-rows``. An unknown rule is something to look into, too:
    the page begins with it.
    """
    return _SECTIONS.get(rule.rstrip("0123456789"), COULD_NOT_CHECK)
