"""The terminal, and logs that CI systems read: what trueup prints is neither markup nor a command there."""

import errno
import os
import re

from rich import markup
from rich.console import Console

from trueup.plain import plain

# CI systems execute lines such as `::error::…` and `##[group]…`, also after blanks.
_COMMAND = re.compile("::|##")


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Raise the error: rich would exit with 1, which is trueup's code for findings."""
        self.quiet = True
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


def terminal(is_error: bool = False) -> Console:
    """Standard output, or standard error. Lines are not wrapped: no name begins a line. Numbers get no colour, and
    names between colons no emoji.
    """
    return _Console(stderr=is_error, soft_wrap=True, highlight=False, emoji=False)


def escape(text: str) -> str:
    """A text of others as one line without markup, control characters or commands of CI systems."""
    safe = _COMMAND.sub(lambda found: f"{found[0][0]}\\x{ord(found[0][1]):x}", plain(text))
    # A last backslash would escape the markup that follows it, and Rich doubles it even if none follows.
    return markup.escape(f"{safe[:-1]}\\x5c" if safe.endswith("\\") else safe)
