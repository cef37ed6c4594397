"""Progress of a run: a bar with rate and time left on a terminal, plain lines elsewhere, nothing if quiet."""

import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self

from . import _process

LINE_INTERVAL = 10.0
"""Seconds between plain progress lines."""
PATIENCE = 5.0
"""Seconds of silence after which a command says what it may be doing."""
COMPILING = "nothing yet: the first run on a machine compiles its kernels, once, for about half a minute"


def in_words(seconds: float) -> str:
    """Return a time such as 12 s, 7m05s or 3h50m."""
    if seconds < 100:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest:02}s" if minutes < 60 else f"{minutes // 60}h{minutes % 60:02}m"


class Patience:
    """Says that kernels may be compiling, or another message, unless it is ended within `PATIENCE`."""

    def __init__(self, say: Callable[[str], None], message: str = COMPILING) -> None:
        self.timer = threading.Timer(PATIENCE, say, [message])
        self.timer.daemon = True

    def __enter__(self) -> Self:
        self.timer.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.end()

    def end(self) -> None:
        """Say nothing any more."""
        self.timer.cancel()


class Bar:
    """Bar on standard error while it is a terminal, and nothing elsewhere.

    Parameters
    ----------
    unit : str
        What is counted.
    """

    form: str | None = None

    def __init__(self, unit: str) -> None:
        self.unit = unit
        self.bar: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self.bar is not None:
            with suppress(OSError):
                self.bar.close()

    def update(self, done: int, total: int) -> None:
        """Show that `done` of `total` are done."""
        if sys.stderr.isatty():
            with suppress(OSError):  # a terminal that is gone
                if self.bar is None:
                    from tqdm import tqdm

                    self.bar = tqdm(
                        total=total,
                        initial=done,
                        unit=self.unit,
                        file=sys.stderr,
                        dynamic_ncols=True,
                        bar_format=self.form,
                    )
                self.bar.set_postfix_str(self.postfix(done, total), refresh=False)
                self.bar.update(done - self.bar.n)

    def postfix(self, done: int, total: int) -> str:
        """Return what stands behind the bar."""
        return ""


class Progress(Bar):
    """Reporter on standard error, used as ``run(..., progress=reporter.update)``.

    Its ``share`` says which share of the work is done with so many new trials; without it all weigh the same.
    """

    form = "{l_bar}{bar}| {n_fmt}/{total_fmt} trials, {rate_fmt}{postfix}"

    def __init__(self, quiet: bool = False) -> None:
        super().__init__("trials")
        self.quiet = quiet
        self.share: Callable[[int], float] | None = None
        self.started = self.printed = time.monotonic()
        self.first: int | None = None
        self.patience = Patience(self.say)

    def __enter__(self) -> Self:
        self.patience.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.patience.end()
        super().__exit__(*error)

    def say(self, message: str) -> None:
        """Print one line, above the bar if there is one."""
        if self.quiet:
            return
        if self.bar is not None:
            self.bar.clear()
        _process.say(message)

    def update(self, done: int, total: int) -> None:
        """Report that `done` of `total` trials are stored; the first call sets where this run began."""
        if self.quiet:
            return
        if self.first is None:
            self.first, self.started = done, time.monotonic()
        if done > self.first:
            self.patience.end()
        super().update(done, total)
        if not sys.stderr.isatty() and (done == total or time.monotonic() - self.printed >= LINE_INTERVAL):
            self._print_line(done, total)

    def postfix(self, done: int, total: int) -> str:
        """Return the time left."""
        left = self._seconds_left(done, total)
        return "" if left is None else f"{in_words(left)} left"

    def _seconds_left(self, done: int, total: int) -> float | None:
        """Return the time that the rest of the work takes if it goes on as this run did so far."""
        assert self.first is not None
        new, elapsed = done - self.first, time.monotonic() - self.started
        if not new:
            return None
        share = self.share(new) if self.share else new / (total - self.first)
        return elapsed * (1 - share) / share

    def _print_line(self, done: int, total: int) -> None:
        assert self.first is not None
        self.printed = time.monotonic()
        elapsed = self.printed - self.started
        line = f"{done}/{total} trials ({100 * done / total:.0f} %)"
        left = self._seconds_left(done, total)
        if left is not None and elapsed > 0:
            line += f", {(done - self.first) / elapsed:.3g} trials/s, {in_words(left)} left"
        _process.say(line)
