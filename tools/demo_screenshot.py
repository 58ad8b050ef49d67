"""Makes docs/images/demo.png from what `trueup demo` really prints. Needs Debian's chromium."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH = 96
PICTURE = Path(__file__).resolve().parents[1] / "docs" / "images" / "demo.png"
# A rich SVG names its own size in characters; this page shows it with this machine's fonts alone.
PAGE = """<style>body{{margin:0}} svg{{display:block;width:1100px;height:auto}}</style>{svg}"""


def main() -> int:
    """Run the demo and take its picture; returns the demo's exit code."""
    command = [str(Path(sys.executable).with_name("trueup")), "demo"]
    environment = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(WIDTH)}
    demo = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    console = Console(record=True, width=WIDTH, file=StringIO())
    console.print(Text.from_ansi("$ make demo\n" + demo.stdout))
    svg = console.export_svg(title="trueup demo").replace("https://", "none:")
    lines = demo.stdout.count("\n") + 2
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        page.write_text(PAGE.format(svg=svg), encoding="utf-8")
        subprocess.run(
            [
                "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
                "--disable-background-networking", f"--user-data-dir={folder}/profile",
                f"--window-size=1100,{int(lines * 22.3 + 80)}", f"--screenshot={PICTURE}", page.as_uri(),
            ],
            check=True,
            capture_output=True,
        )  # fmt: skip
    print(PICTURE)
    return demo.returncode


if __name__ == "__main__":
    sys.exit(main())
