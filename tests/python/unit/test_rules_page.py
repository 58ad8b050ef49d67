"""The reference page of the rules says what the code does; a failure says which line of which file to correct."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from helpers.support import PROJECT
from trueup.expectations.suites import Suite, read_suites
from trueup.results.reference import Rule, load_reference
from trueup.results.runbook import COULD_NOT_CHECK, runbook_section

PAGE = PROJECT / "docs" / "reference" / "rules.md"
TEXT = PAGE.read_text(encoding="utf-8")
RULES = load_reference(PROJECT / "seeds").rules
SUITES = read_suites(PROJECT / "expectations")
LABELS = ("What it finds", "Why it matters", "What to do")
SHORTEST = 40


def sections(text: str) -> list[tuple[str, str]]:
    """The code and the text of each section, in their order."""
    parts = re.split(r"^## (\S+)\n", text, flags=re.MULTILINE)
    return list(zip(parts[1::2], parts[2::2], strict=True))


def paragraphs(section: str) -> list[str]:
    """The paragraphs of a section without their line breaks: a remedy may be wrapped like all text."""
    return [" ".join(one.split()) for one in re.split(r"\n\s*\n|(?<=\S)\n(?=\*\*)", section.strip()) if one.strip()]


def labelled(section: str) -> dict[str, str]:
    found = (re.match(r"\*\*([^*]+)\.\*\* ?(.*)", one) for one in paragraphs(section))
    return {one[1]: one[2] for one in found if one}


def fixed_lines(rule: Rule) -> str:
    section = f"[runbook](../runbook.md#{runbook_section(rule.code)})"
    return f"> {rule.title} · {rule.severity} · subject: {rule.subject_kind} ·\n> {section}"


def named_paths(text: str) -> set[str]:
    spans = re.findall(r"`([^`]+)`", text)
    return {one for one in spans if re.fullmatch(r"(models|src|docs|seeds|expectations)/\S*", one)}


def named_vars(text: str) -> set[str]:
    """The names that stand after "var", "vars", and in a list of them."""
    lists = re.findall(r"\bvars? ((?:`\w+`(?:, | and )?)+)", " ".join(text.split()))
    return {name for one in lists for name in re.findall(r"`(\w+)`", one)}


def links(text: str) -> set[str]:
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    return {one for one in targets if not one.startswith(("http:", "https:", "#"))}


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


SECTIONS = dict(sections(TEXT))
EACH_RULE = pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.code)


def test_the_page_has_a_section_for_each_rule_in_the_order_of_the_seed() -> None:
    codes = [code for code, _ in sections(TEXT)]
    assert codes == list(RULES), f"give {PAGE.name} the sections of seeds/rules.csv, each once, in its order"


@EACH_RULE
def test_the_fixed_lines_of_a_section_are_those_of_the_seed(rule: Rule) -> None:
    first = "\n".join(SECTIONS.get(rule.code, "").strip().split("\n")[:2])
    assert first == fixed_lines(rule), f"correct the two lines below ## {rule.code}, or seeds/rules.csv"


@EACH_RULE
def test_a_section_has_its_three_paragraphs_and_no_other(rule: Rule) -> None:
    section = SECTIONS.get(rule.code, "")
    said = labelled(section)
    assert tuple(said) == LABELS, f"## {rule.code} needs the paragraphs {', '.join(LABELS)}, in this order"
    assert len(paragraphs(section)) == 1 + len(LABELS), f"## {rule.code} has more than its line and three paragraphs"
    short = [label for label in LABELS if len(said[label]) < SHORTEST]
    assert not short, f"write more than {SHORTEST} characters below ## {rule.code}: {', '.join(short)}"


@EACH_RULE
def test_what_to_do_begins_with_the_remedy_and_goes_on(rule: Rule) -> None:
    done = labelled(SECTIONS.get(rule.code, "")).get("What to do", "")
    remedy = f"`{rule.remedy_template}`"
    assert done.startswith(remedy), f"begin What to do of ## {rule.code} with {remedy}, as in seeds/rules.csv"
    more = done.removeprefix(remedy).strip(" .")
    assert len(more) >= SHORTEST, f"say below ## {rule.code} how to verify, and what to be careful about"


@EACH_RULE
def test_the_runbook_has_a_section_for_each_rule(rule: Rule) -> None:
    assert runbook_section(rule.code) != COULD_NOT_CHECK, (
        f"name the section of {rule.code} in src/trueup/results/runbook.py"
    )


@pytest.mark.parametrize("code", ["DONE001", "DONE002", "TRIG001"])
def test_what_reconcile_repairs_points_to_the_page_on_repair(code: str) -> None:
    assert "../how-to/repair.md" in links(SECTIONS.get(code, "")), f"link ../how-to/repair.md below ## {code}"


@pytest.mark.parametrize("path", sorted(named_paths(TEXT)))
def test_a_path_that_the_page_names_is_there(path: str) -> None:
    assert (PROJECT / path).exists(), f"{PAGE.name} names {path}, which is not there: correct the page"


def test_a_var_that_the_page_names_is_one_of_the_project() -> None:
    known = yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]
    unknown = named_vars(TEXT) - known.keys()
    assert not unknown, f"dbt_project.yml has no var {', '.join(sorted(unknown))}: correct {PAGE.name}"


@pytest.mark.parametrize("link", sorted(links(TEXT)))
def test_a_link_of_the_page_leads_somewhere(link: str) -> None:
    target, _, anchor = link.partition("#")
    page = (PAGE.parent / target).resolve()
    assert page.exists(), f"{PAGE.name} links {link}, which is not there: correct the page"
    assert not anchor or anchor in anchors(page), f"{target} has no heading for #{anchor}"


def test_every_function_that_the_page_names_is_in_its_file() -> None:
    named = re.findall(r"`(_\w+)` in `(src/\S+\.py)`", " ".join(TEXT.split()))
    assert named, "the page names no function: the pattern of this test is out of date"
    gone = [f"{name} in {path}" for name, path in named if f"def {name}(" not in (PROJECT / path).read_text("utf-8")]
    assert not gone, f"correct in {PAGE.name}: {', '.join(gone)}"


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_every_suite_stands_under_its_rule(suite: Suite) -> None:
    said = labelled(SECTIONS.get(suite.rule, "")).get("What it finds", "")
    assert f"`{suite.name}`" in said, f"name the suite {suite.name} in What it finds of ## {suite.rule}"


def test_the_lines_of_the_page_fit() -> None:
    long = [number for number, line in enumerate(TEXT.splitlines(), 1) if len(line) > 120]
    assert not long, f"wrap these lines of {PAGE.name} at 120 characters: {long}"


def test_a_line_that_differs_from_the_seed_is_seen() -> None:
    rule = RULES["DUP001"]
    ((code, section),) = sections(f"## DUP001\n{fixed_lines(rule)}!\n\n**What it finds.** Much.\n")
    assert code == "DUP001"
    assert not section.strip().startswith(f"{fixed_lines(rule)}\n")
    assert labelled(section) == {"What it finds": "Much."}


def test_paths_and_links_are_distinguished_from_other_code() -> None:
    text = "`src/gone.py`, `dbt run`, `report.html#rule=DUP001`, [a](../b.md#c), [d](https://e.example)"
    assert named_paths(text) == {"src/gone.py"}
    assert links(text) == {"../b.md#c"}


def test_vars_are_distinguished_from_other_code() -> None:
    assert named_vars("the vars `first_date` and `last_date`, `dbt run`, (var `as_of`), a var\n`run_id`") == {
        "first_date", "last_date", "as_of", "run_id",
    }  # fmt: skip
