"""Progress of a run: a bar with rate and time left on a terminal, plain lines elsewhere, nothing if quiet."""

import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
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
    """Says that kernels may be compiling, unless it is ended within `PATIENCE`."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.timer = threading.Timer(PATIENCE, say, [COMPILING])
        self.timer.daemon = True

    def __enter__(self) -> Self:
        self.timer.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.end()

    def end(self) -> None:
        """Say nothing any more."""
        self.timer.cancel()


class Progress:
    """Reporter on standard error, used as ``run(..., progress=reporter.update)``.

    Its ``share`` says which share of the work is done with so many new trials; without it all weigh the same.
    """

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self.share: Callable[[int], float] | None = None
        self.bar: Any = None
        self.started = self.printed = time.monotonic()
        self.first: int | None = None
        self.patience = Patience(self.say)

    def __enter__(self) -> Self:
        self.patience.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.patience.end()
        if self.bar is not None:
            with suppress(OSError):
                self.bar.close()

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
        if sys.stderr.isatty():
            with suppress(OSError):  # a terminal that is gone
                self._update_bar(done, total)
        elif done == total or time.monotonic() - self.printed >= LINE_INTERVAL:
            self._print_line(done, total)

    def _update_bar(self, done: int, total: int) -> None:
        if self.bar is None:
            from tqdm import tqdm

            form = "{l_bar}{bar}| {n_fmt}/{total_fmt} trials, {rate_fmt}{postfix}"
            self.bar = tqdm(
                total=total,
                initial=done,
                unit="trials",
                file=sys.stderr,
                dynamic_ncols=True,
                bar_format=form,
            )
        left = self._seconds_left(done, total)
        self.bar.set_postfix_str("" if left is None else f"{in_words(left)} left", refresh=False)
        self.bar.update(done - self.bar.n)

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
