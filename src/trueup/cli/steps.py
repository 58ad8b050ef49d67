"""Progress on stderr while trueup works."""

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from trueup.cli.terminal import escape
from trueup.plain import plain

# The begin of a line that tells a step.
STEP = "…"


class Steps:
    """Progress on stderr: a live line on a terminal; elsewhere (CI, a file) one line per step."""

    def __init__(self, console: Console, quiet: bool = False) -> None:
        self._console = console
        self._quiet = quiet
        self._progress: Progress | None = None

    def start(self, what: str) -> None:
        """Begin a new step."""
        self.finish()
        if self._quiet:
            return
        if not self._console.is_terminal:
            self._console.print(f"{STEP} {escape(what)}")
            return
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TimeElapsedColumn(),
            TextColumn("{task.fields[node]}", style="dim", markup=False),
            console=self._console,
        )
        self._progress.add_task(plain(what), total=None, node="")
        self._progress.start()

    def node(self, name: str, index: int, total: int) -> None:
        """Dbt has started one of its nodes."""
        if self._progress is not None:
            self._progress.update(self._progress.task_ids[0], completed=index, total=total, node=plain(name[-48:]))

    def close(self) -> None:
        """Restore the terminal."""
        self.finish()

    def finish(self) -> None:
        """End the step."""
        progress, self._progress = self._progress, None
        if progress is not None:
            task = progress.tasks[0]
            progress.update(task.id, completed=task.total or 1, total=task.total or 1, node="")
            progress.stop()
