"""``rmtsim bench``: how fast this machine is, as ratios."""

import argparse
import json
from pathlib import Path
from typing import Any

from ..table import Column, pairs, table
from .simulate import positive

CONTENDERS = """\
plain: the same work as one writes it in NumPy; floor: its BLAS and LAPACK calls alone; dense: our own dense
path; torch: automatic differentiation, where PyTorch is installed"""
SCALING_COLUMNS = (
    Column("", width=20), Column("batch", ">", 6), Column("takes", ">", 7), Column("Python", ">", 9),
    Column("share", ">", 7), Column("all cores", ">", 9), Column("model", ">", 7), Column("64 cores", ">", 8),
)  # fmt: skip
STAGE_COLUMNS = Column("", width=32), Column("", ">", 13), Column("", ">", 7)


def add_parsers(commands: Any) -> None:
    """Add ``bench`` to the commands."""
    bench = commands.add_parser(
        "bench", help="time rmtsim against plain NumPy, BLAS alone and other packages"
    )
    bench.add_argument(
        "names", metavar="NAME", nargs="*", help="comparisons to make (default: all but large ones)"
    )
    bench.add_argument("--list", action="store_true", help="print the names of all comparisons")
    bench.add_argument(
        "--large", action="store_true", help="also comparisons that take minutes and gigabytes"
    )
    bench.add_argument(
        "--rounds", metavar="K", type=positive, default=7, help="rounds of each comparison (default: 7)"
    )
    bench.add_argument(
        "--threads", metavar="K", type=positive, default=1, help="threads for BLAS (default: 1)"
    )
    bench.add_argument("--json", metavar="FILE", type=Path, help="write all timings to FILE")
    bench.add_argument("--profile", action="store_true", help="print where the time of a trial goes instead")
    bench.add_argument("--workers", action="store_true", help="print how runs scale with workers instead")
    bench.add_argument(
        "--device", choices=("cpu", "gpu"), default="cpu", help="gpu: its kernels against their floors"
    )
    bench.set_defaults(handler=_bench)


def _bench(arguments: argparse.Namespace) -> int:
    _check_options(arguments)
    if arguments.device == "gpu":
        from ..bench.gpu import bench

        print(bench().format())
        return 0
    if arguments.workers:
        return _workers(arguments)
    return _profile(arguments) if arguments.profile else _contests(arguments)


def _check_options(arguments: argparse.Namespace) -> None:
    alone = [option for option in ("profile", "workers", "list") if getattr(arguments, option)]
    if arguments.device == "gpu":
        alone.append("device gpu")
    if alone and (arguments.names or arguments.json):
        raise ValueError(f"--{alone[0]}: expected no NAME and no --json beside it")
    if arguments.json and not arguments.json.absolute().parent.is_dir():
        raise ValueError(f"--json: expected a file in a folder that exists, got {arguments.json}")
    if arguments.json and arguments.json.exists() and not arguments.json.is_file():
        raise ValueError(f"--json: expected a file, got no regular file: {arguments.json}")


def _contests(arguments: argparse.Namespace) -> int:
    from ..bench import CONTESTS, LARGE, run
    from ..bench.report import HEADER, format_outcome

    known = {**CONTESTS, **LARGE}
    if arguments.list:
        print("\n".join([*CONTESTS, *(f"{name}  (--large)" for name in LARGE)]))
        return 0
    if unknown := set(arguments.names) - set(known):
        raise ValueError(f"NAME: expected one of {', '.join(known)}; got {', '.join(sorted(unknown))}")
    chosen = arguments.names or (known if arguments.large else CONTESTS)
    print(f"{CONTENDERS}\n\n{HEADER}")
    report = run(
        {name: known[name] for name in chosen},
        arguments.rounds,
        arguments.threads,
        progress=lambda outcome: print(format_outcome(outcome), flush=True),
    )
    print("\n" + "\n".join(pairs(report.machine.items())))
    if arguments.json:
        arguments.json.write_text(json.dumps(report.to_mapping(), indent=1) + "\n")
    return 0


def _profile(arguments: argparse.Namespace) -> int:
    from threadpoolctl import threadpool_limits

    from ..bench.stages import profile

    for precision in ("float64", "float32"):
        for d in (50, 200, 500, 1000):
            with threadpool_limits(arguments.threads, user_api="blas"):
                *stages, whole = profile(d, precision, arguments.rounds)
            print(f"linear ce trial, d = {d}, {precision}: {whole.milliseconds:.3f} ms")
            rows = ((name, f"{ms:.3f} ms", f"{ms / whole.milliseconds:.1%}") for name, ms in stages)
            print("\n".join(table(STAGE_COLUMNS, rows, indent=2)[1:]))
    return 0


def _workers(arguments: argparse.Namespace) -> int:
    from ..bench.workers import describe, scalings

    print(describe())
    rows = (
        (
            each.name, f"{each.trials}", f"{1e3 * each.seconds:.0f} ms", f"{1e3 * each.serial:.2f} ms",
            f"{each.serial / each.seconds:.2%}", *(f"{ratio:.3g} x" for ratio in each[-3:]),
        )
        for each in scalings(arguments.rounds)
    )  # fmt: skip
    print("\n".join(table(SCALING_COLUMNS, rows)))
    return 0
