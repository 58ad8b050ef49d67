"""Whatever a name holds, no output has markup, commands, log lines or characters of its own.

10,000 names by hand: TRUEUP_NAMES=10000.
"""

from __future__ import annotations

import html
import io
import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from rich.console import Console

from helpers.hostile import names
from helpers.report_cases import DAY, RULES, WINDOW, finding, lateness, outcome
from trueup.cli.replay import print_replay
from trueup.cli.show_report import print_report
from trueup.cli.steps import Steps
from trueup.cli.terminal import escape
from trueup.errors import ScenarioError, UsageError
from trueup.plain import plain
from trueup.reporting.alerts.change import find_change
from trueup.reporting.alerts.message import Links, Message, make_message
from trueup.reporting.alerts.slack import slack_payload
from trueup.reporting.alerts.state import Sent
from trueup.reporting.alerts.step_summary import step_summary
from trueup.reporting.json_form import from_json, to_json
from trueup.reporting.junit import to_junit
from trueup.reporting.page.render import render
from trueup.results.report import Report, SuiteResult
from trueup.runs.commands import completed
from trueup.runs.replayed import Replay, replays_to_json
from trueup.scenario.scenario import compare, load_scenario
from trueup.settings import Settings

NAMES = names()
BENIGN = "lebron_james"
SOME = 40  # names in one report
CODES = sorted(RULES)
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufffe\uffff\ud800-\udfff]")
SETTINGS = Settings(Path("/p"), Path("/p/.trueup"), "prod", WINDOW)


def report(some: list[str]) -> Report:
    """A report in which the names stand wherever others can write."""
    findings = []
    for number, name in enumerate(some):
        code = CODES[number % len(CODES)]
        row: dict[str, Any] = {
            "subject": name, "game_date": DAY, "remedy": RULES[code].remedy(name, DAY), "rule": code,
        }  # fmt: skip
        done = completed(row, RULES[code], SETTINGS)
        findings.append(
            finding(
                code, name, summary=f"{name} is wrong", detail={"name": name, name: [name, {"x": name}]},
                remedy=done["remedy"], command=done["command"], query=f"select {name}",
                waived_because=name if number % 7 == 3 else None, owner=name,
            )
        )  # fmt: skip
    return Report(
        WINDOW,
        some[0],
        findings=tuple(findings),
        outcomes=tuple(
            outcome(code, "failed" if n % 2 else "not_run", some[n % SOME], n % 3 == 0) for n, code in enumerate(CODES)
        ),
        problems=tuple(some[:5]),
        notes=tuple(some[5:10]),
        lateness=tuple(lateness(name, reason=name) for name in some[:5]),
        suites=tuple(SuiteResult(name, "EXP001", 3, 1, (name,), "data_docs/x.html") for name in some[:5]),
        data_docs="data_docs/index.html",
        documents=some[-1],
    )  # fmt: skip


def reports() -> Iterator[tuple[Report, Report]]:
    """Hostile reports, each with a benign one of the same shape."""
    for start in range(0, len(NAMES) - SOME + 1, SOME):
        some = NAMES[start : start + SOME]
        yield report(some), report([BENIGN] * len(some))


def printed(one: Report, **options: Any) -> str:
    console = Console(file=io.StringIO(), soft_wrap=True, width=80, **options)
    print_report(one, console)
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


class Structure(HTMLParser):
    """The elements and attributes of a page, counted."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: Counter[str] = Counter()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen[" ".join([tag, *sorted(name for name, _ in attrs)])] += 1
        for name, value in attrs:
            assert not name.startswith("on")
            if name in ("href", "src"):
                assert value is not None
                assert re.match(r"(data_docs/|#|data:image/png;base64,iVBOR)", value), value


def test_a_log_has_no_control_characters_commands_or_forged_lines() -> None:
    for hostile, benign in reports():
        text = printed(hostile)
        assert not CONTROL.search(text)
        for line in text.splitlines():
            assert not line.lstrip().startswith("::"), line
            assert "##[" not in line
            assert "##vso" not in line
        # As many lines that begin like a verdict as there are without the names.
        assert (
            len(re.findall("^[✔✘?]", text, re.MULTILINE))
            == len(re.findall("^[✔✘?]", printed(benign), re.MULTILINE))
            == 1
        )


def test_a_replay_of_a_hostile_scenario_is_as_many_lines_as_of_a_benign_one(tmp_path: Path) -> None:
    def replayed(name: str) -> str:
        folder = tmp_path / re.sub(r"[\0/]", "", name)[:40] if name.strip(". ") else tmp_path / "x"
        (folder / "documents").mkdir(parents=True, exist_ok=True)
        head = {"title": name, "as_of": "2026-02-04T21:00:00Z", "first_date": str(DAY), "last_date": str(DAY)}
        expected = {"rule": "DUP001", "severity": "error", "game_date": str(DAY), "subject": name}
        (folder / "scenario.yml").write_text(json.dumps({**head, "expect": [expected]}), encoding="utf-8")
        scenario = load_scenario(folder, {})
        found = [asdict(finding("DUP002", name, summary=name))]
        replay = Replay(scenario, report([name] * SOME), compare(scenario.expect, found))
        assert not CONTROL.search(replays_to_json([replay]))
        assert compare(scenario.expect, [asdict(finding("DUP001", name))]).is_match
        console = Console(file=io.StringIO(), soft_wrap=True, width=80)
        print_replay(replay, console)
        Steps(console).start(f"Loading {scenario.name}: {scenario.title}")
        return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]

    benign = len(replayed(BENIGN).splitlines())
    for name in NAMES[:: max(1, len(NAMES) // 100)]:
        try:
            text = replayed(name)
        except ScenarioError:  # only blanks, or no text
            continue
        assert not CONTROL.search(text)
        assert len(text.splitlines()) == benign, name
        assert not re.search(r"^\s*::|##\[|##vso", text, re.MULTILINE)


def test_a_terminal_gets_only_colours() -> None:
    for hostile, _ in reports():
        text = printed(hostile, force_terminal=True, color_system="standard")
        assert not CONTROL.search(re.sub(r"\x1b\[[0-9;]*m", "", text))


def test_a_terminal_shows_no_emoji_and_the_backslashes_that_are_there() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    steps = Steps(console)
    steps.start("Loading :cross_mark: [b]x[/]\\")
    steps.node("a:cross_mark:", 1, 2)
    steps.finish()
    said = console.file.getvalue()  # type: ignore[attr-defined]
    assert "Loading :cross_mark: [b]x[/]\\" in said
    out = Console(file=io.StringIO())
    out.print(f"[bold]{escape('[b]x[/]' + chr(92))}[/] {escape(chr(92))}.")
    assert out.file.getvalue() == "[b]x[/]\\x5c \\x5c.\n"  # type: ignore[attr-defined]


def test_json_is_one_document_and_comes_back_the_same() -> None:
    for hostile, _ in reports():
        text = to_json(hostile)
        assert not CONTROL.search(text)
        assert json.loads(text)["status"] == hostile.status
        assert {one.subject for one in from_json(text).findings} == {one.subject for one in hostile.findings}


def test_the_page_has_no_other_elements() -> None:
    for hostile, benign in reports():
        found, wanted = Structure(render(hostile, RULES)).seen, Structure(render(benign, RULES)).seen
        assert found.keys() <= wanted.keys() | {"span class"}, found.keys() - wanted.keys()
        assert found["script"] == wanted["script"]


def test_junit_is_xml() -> None:
    for hostile, benign in reports():
        found, wanted = (ElementTree.fromstring(to_junit(one)) for one in (hostile, benign))
        assert Counter(one.tag for one in found.iter()) == Counter(one.tag for one in wanted.iter())


def message(one: Report) -> Message:
    return make_message("slack", one, find_change(Sent(), one), Links("https://example.org/report"))


def marked_up(payload: Mapping[str, Any]) -> list[str]:
    """The texts in which Slack reads markup; in the others, it shows everything as it is."""
    parts = [part for block in payload["blocks"] for part in block.get("elements", [block.get("text")])]
    assert all(part["emoji"] is False for part in parts if part["type"] == "plain_text")
    return [part["text"] for part in parts if part["type"] == "mrkdwn"]


def test_slack_shows_no_links_mentions_or_channels() -> None:
    for hostile, _ in reports():
        payload = slack_payload(message(hostile))
        assert not CONTROL.search(json.dumps(payload, ensure_ascii=False))
        said = "\n".join([payload["text"], *marked_up(payload)])
        assert set(re.findall(r"<[^>]*>", said)) <= {"<https://example.org/report|the report>"}


def test_slack_has_names_only_where_it_reads_no_markup() -> None:
    """In plain text without emoji, or in code: everything else is as for a harmless name."""
    own = r"`[^`]*`|message [0-9a-f]{12}|\d+ more|(?<=\*)[A-Z]+\d{3}(?=\*)"

    for hostile, benign in reports():
        found, wanted = (
            {re.sub(own, "", text) for text in marked_up(slack_payload(message(one)))} for one in (hostile, benign)
        )
        assert found == wanted


def test_the_step_summary_has_no_other_markup() -> None:
    for hostile, _ in reports():
        text = step_summary(message(hostile))
        assert set(re.findall(r"<[^>]*>", text)) <= {
            "<code>",
            "</code>",
            '<a href="https://example.org/report">',
            "</a>",
            "<b>",
            "</b>",
        }
        own = re.sub(r"&#\d+;", "&", text)
        assert not re.search(r"[`~\\]|\]\(", own)
        # GitHub looks for these in what is shown, and an element between two characters keeps them apart.
        shown = html.unescape(re.sub(r"</?b>", "\0", text.replace('"https://example.org/report"', "")))
        assert not re.search(r":\w+:|://|www\.|\w@\w|@\w|#\d|^- [\d+=-]", shown, re.MULTILINE)
        assert {line.count("|") for line in own.splitlines() if line.startswith("|")} == {8}
        assert not CONTROL.search(text)


def test_an_error_is_one_line() -> None:
    for name in NAMES:
        error = UsageError(f"{name} is wrong.", f"Correct {name}.")
        assert not CONTROL.search(error.text)
        assert len(f"a{error.text}b".splitlines()) == 1


STUBS = "".join(f'{name}() {{ printf "%s\\0" {name} "$@"; printf "\\0\\1\\0"; }}; ' for name in ("trueup", "dbt"))


@pytest.mark.parametrize("code", [code for code in CODES if RULES[code].command("x", DAY)])
def test_a_pasted_command_runs_only_itself(code: str, tmp_path: Path) -> None:
    """The command of each remedy, as the page copies it, in a shell: the words are as for a harmless name."""
    given = [name for name in NAMES if "\0" not in name]
    rows = [{"subject": name, "game_date": DAY, "remedy": RULES[code].remedy(name, DAY)} for name in given]
    commands = [completed(row, RULES[code], SETTINGS)["command"] for row in rows]
    assert all(commands)
    script = STUBS + "\n".join(commands) + "\n"
    ran = subprocess.run(["sh"], input=script.encode(), cwd=tmp_path, capture_output=True, check=True)
    assert ran.stderr == b""
    assert list(tmp_path.iterdir()) == []
    pattern = completed(
        {**rows[0], "subject": "NAME", "remedy": RULES[code].remedy("NAME", DAY)}, RULES[code], SETTINGS
    )
    words = subprocess.run(["sh"], input=(STUBS + pattern["command"]).encode(), capture_output=True, check=True).stdout
    wanted = b"".join(words.replace(b"NAME", name.encode()) for name in given)
    assert ran.stdout == wanted


def test_what_is_shown_of_a_harmless_name_is_the_name() -> None:
    for name in ("lebron_james", "é 名前 👷", "O'Neal, Jr.", "2026-02-03", "a\\b", "50 % [x] <y> & z"):
        assert plain(name) == name
