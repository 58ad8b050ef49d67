"""Findings as cards. Findings that say the same of several subjects share one. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from trueup.reporting.page import wording
from trueup.reporting.page.detail import Node, lay_out
from trueup.reporting.page.links import beside
from trueup.results.finding import Finding
from trueup.results.reference import Rule

SYMBOLS = {"error": "✕", "warn": "▲", "info": "i"}
SEVERITY_WORDS = {"error": "error", "warn": "warning", "info": "information"}
# Expected values in these units are shown with the unit.
_SHOWN_UNITS = ("minutes", "percent")


@dataclass(frozen=True)
class Card:
    """One finding as texts. ``lead`` and ``command`` are the two parts of its remedy. ``others``: the findings of other
    subjects with the same facts.
    """

    finding: Finding
    anchor: str
    title: str
    severity: str
    symbol: str
    observed: str
    expected: str
    detail: tuple[tuple[str, Node], ...]
    lead: str
    command: str
    page: str
    others: tuple["Card", ...] = ()

    @property
    def all(self) -> tuple["Card", ...]:
        """All findings of the card."""
        return (self, *self.others)


def card_of(finding: Finding, rules: Mapping[str, Rule], pages: Mapping[str, str]) -> Card:
    """A finding as texts. ``pages``: the Data Docs page of each suite."""
    rule = rules.get(finding.rule)
    unit = wording.UNITS.get(finding.rule) or str(finding.detail.get("unit") or "")
    shown_unit = unit if unit in _SHOWN_UNITS else ""
    return Card(
        finding=finding,
        anchor=f"f-{finding.fingerprint[:12]}",
        title=rule.title if rule else "unknown rule",
        severity=SEVERITY_WORDS[finding.severity],
        symbol=SYMBOLS[finding.severity],
        observed="" if finding.observed is None else wording.measure(finding.observed, unit),
        expected="" if finding.expected is None else wording.measure(finding.expected, shown_unit),
        detail=lay_out(finding.detail),
        lead=finding.remedy.removesuffix(finding.command).strip(),
        command=finding.command,
        page=beside(str(finding.detail.get("data_docs") or pages.get(finding.subject, ""))),
    )


def cards_of(
    findings: Iterable[Finding], rules: Mapping[str, Rule], pages: Mapping[str, str]
) -> dict[str, tuple[Card, ...]]:
    """The cards of each rule, in the order of the findings."""
    by_rule: dict[str, dict[object, list[Card]]] = {}
    for finding in findings:
        card = card_of(finding, rules, pages)
        by_rule.setdefault(finding.rule, {}).setdefault(_facts(card), []).append(card)
    return {rule: tuple(_joined(*ones) for ones in facts.values()) for rule, facts in by_rule.items()}


def _facts(card: Card) -> object:
    """What findings have in common if they have one cause; without details, a finding stands alone."""
    one = card.finding
    if not one.detail or card.page:
        return one.fingerprint
    same: tuple[Any, ...] = (one.severity, one.waived_because, one.observed, one.expected, one.owner, one.command)
    return (*same, card.detail, card.lead.replace(one.subject, ""))


def _joined(first: Card, *others: Card) -> Card:
    """One card for findings with the same facts."""
    if not others:
        return first
    lead = first.lead.replace(first.finding.subject, "each of them")
    return replace(first, others=others, lead=lead)
