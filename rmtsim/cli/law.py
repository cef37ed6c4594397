"""``rmtsim law``: a limit law without a simulation: its support, moments and outliers, its density, draws."""

import argparse
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..table import pairs
from .simulate import positive

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MODELS = ("linear-mse", "linear-ce", "hidden-mse", "hidden-ce")
BLOCKS = ("ww_diag", "ww_off", "vv_diag", "vv_off")


def add_parsers(commands: Any) -> None:
    """Add ``law`` to the commands."""
    law = commands.add_parser("law", help="print, tabulate or draw from the limit law of a block")
    law.add_argument("model", choices=MODELS, metavar="MODEL", help=", ".join(MODELS))
    law.add_argument(
        "--block", choices=BLOCKS, required=True, help="vv_* of a linear model, ww_* of a hidden one"
    )
    law.add_argument("--aspect-ratio", type=float, required=True, metavar="GAMMA", help="d/N")
    law.add_argument(
        "--classes",
        type=_classes,
        metavar="C",
        help="number of classes of a ce model; inf for linear-ce alone: the law of hidden-ce is that of one "
        "finite V",
    )
    law.add_argument(
        "--hidden", type=positive, metavar="M", help="hidden width of a hidden model whose V is drawn"
    )
    law.add_argument(
        "--V",
        type=Path,
        metavar="FILE.npy",
        help="the V of a hidden model, shape (C, m), instead of one drawn with --classes and --hidden",
    )
    law.add_argument(
        "--seed", type=_seed, default=0, help="of the V drawn where none is given, and of --draw (default: 0)"
    )
    law.add_argument(
        "--activation", metavar="PHI", help="of a hidden model, as in experiments (default: relu)"
    )
    law.add_argument("--slope", type=float, metavar="T", help="of leaky_relu below zero")
    law.add_argument("--w-std", type=float, metavar="S", help="of W, in units of d^-1/2 (default: 1)")
    law.add_argument("--v-std", type=float, metavar="S", help="of V, in units of fan_in^-1/2 (default: 1)")
    law.add_argument("--eigenvalues", type=positive, metavar="N", help="size for which outliers are judged")
    instead = law.add_mutually_exclusive_group()
    instead.add_argument(
        "--table", type=Path, metavar="FILE", help="write x, density, cdf to FILE.csv or FILE.h5"
    )
    law.add_argument("--points", type=positive, default=1000, help="rows of the table (default: 1000)")
    instead.add_argument("--draw", type=positive, metavar="COUNT", help="print COUNT draws instead")
    law.set_defaults(handler=_law)


class _Request(NamedTuple):
    """Arguments of `rmtsim.laws.limit_law`: which law, and what it depends on."""

    architecture: str
    loss: str
    block: str
    options: dict[str, Any]


def _classes(text: str) -> float:
    value = math.inf if text == "inf" else int(text) if text.isdecimal() else 0
    if value < 2:
        raise argparse.ArgumentTypeError(f"expected an integer of at least 2 or inf, got {text!r}")
    return value


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected an integer of at least 0, got {text!r}")
    return int(text)


def _law(arguments: argparse.Namespace) -> int:
    import numpy as np

    from .. import laws

    request = _request(arguments)
    law = laws.limit_law(
        request.architecture, request.loss, request.block, arguments.aspect_ratio, **request.options
    )
    if arguments.draw is not None:
        np.savetxt(sys.stdout, law.rvs(arguments.draw, np.random.default_rng(arguments.seed)), fmt="%.17g")
    elif arguments.table is not None:
        _write_table(arguments, law)
    else:
        _print(arguments, request, law)
    return 0


def _request(arguments: argparse.Namespace) -> _Request:
    architecture, loss = arguments.model.split("-")
    names = ("activation", "slope", "w_std", "v_std")
    options = {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}
    if arguments.model.startswith("linear") and "activation" in options:
        raise ValueError(f"--activation: expected none of a linear model, got {arguments.activation}")
    if arguments.model == "linear-ce":
        if arguments.classes is None:
            raise ValueError("--classes: expected the number of classes of linear-ce, got none")
        options["n_classes"] = arguments.classes
    sizes = (arguments.V, arguments.classes, arguments.hidden)
    of_v = arguments.model == "hidden-mse" and "activation" in options and any(sizes)
    if arguments.model == "hidden-ce" or of_v:
        V = _read_v(arguments) if arguments.V is not None else _drawn_v(arguments)
        if arguments.block == "ww_off" and V.shape[1] < 2:
            raise ValueError(f"--block: expected ww_diag of {V.shape[1]} hidden unit, ww_off is of two")
        options["V"] = V
    return _Request(architecture, loss, arguments.block, options)


def _read_v(arguments: argparse.Namespace) -> "NDArray[Any]":
    """Return the V of the file --V, and refuse --classes and --hidden that differ from its shape."""
    import numpy as np

    if arguments.V.exists() and not arguments.V.is_file():
        raise ValueError(f"--V: expected a file written by numpy.save, got no regular file: {arguments.V}")
    try:
        V = np.load(arguments.V, allow_pickle=False)
    except (EOFError, ValueError):  # empty, or pickled data for all that NumPy can tell
        V = None
    if not isinstance(V, np.ndarray):
        raise ValueError(f"--V: expected a file written by numpy.save, got {arguments.V}")
    if V.ndim != 2 or V.dtype.kind not in "iuf":
        raise ValueError(f"--V: expected a matrix (C, m) of real numbers, got {V.dtype} of shape {V.shape}")
    for option, value, size in zip(
        ("classes", "hidden"), (arguments.classes, arguments.hidden), V.shape, strict=True
    ):
        if value not in (None, size):
            raise ValueError(f"--{option}: expected none beside --V, or its {size}, got {value}")
    return V


def _drawn_v(arguments: argparse.Namespace) -> "NDArray[np.float64]":
    """Return a V of entries N(0, 1/m): the one that cell 0 of an experiment with this seed draws."""
    import numpy as np

    from .. import kernels
    from ..experiment.streams import CELL_DRAW, Role, stream
    from ..sampling.draws import DrawnMatrix

    if arguments.classes == math.inf:
        raise ValueError(
            "--classes: expected a finite number for hidden-ce, whose law is that of one finite V; inf is "
            "for linear-ce, and for ratios of blocks (rmtsim.laws.scaled_block_ratio)"
        )
    if arguments.classes is None or arguments.hidden is None:
        raise ValueError(
            f"{arguments.model}: expected --classes and --hidden to draw V, or --V with a file of it"
        )
    shape = (arguments.classes, arguments.hidden)
    words = stream(arguments.seed, 0, CELL_DRAW, Role.V)
    deviation = (arguments.v_std or 1.0) * arguments.hidden**-0.5
    try:
        return DrawnMatrix(kernels.load("cpu"), words, shape, deviation, np.float64)[:]
    except MemoryError:
        size = 8 * arguments.classes * arguments.hidden / 2**30
        raise ValueError(
            f"--classes: expected a V that fits into memory, got one of {size:.3g} GiB"
        ) from None


def _print(arguments: argparse.Namespace, request: _Request, law: Any) -> None:
    from .. import laws
    from ..report.law import summary, unit

    joint = laws.joint_weights(request.architecture, request.loss, request.block, **request.options)
    outliers = laws.outliers(law, joint, arguments.eigenvalues)
    print(f"{arguments.model} {request.block}, aspect ratio d/N = {arguments.aspect_ratio:g}")
    if words := unit(request.architecture, request.loss, request.options.get("n_classes")):
        print(words)
    print("\n".join(pairs(summary(law, outliers, quantiles=request.loss == "ce"))))


def _write_table(arguments: argparse.Namespace, law: Any) -> None:
    import numpy as np

    from ..report.law import columns
    from ..results.hdf5 import write_table

    path = arguments.table
    _check_table(path)
    if not law.support():
        raise ValueError(
            f"--table: expected a law with a density, got the point mass at 0 of {arguments.block}"
        )
    values = columns(law, arguments.points)
    if path.suffix == ".h5":
        attributes = {"law": f"{arguments.model} {arguments.block}", "aspect_ratio": arguments.aspect_ratio}
        write_table(path, values, attributes | {"atom": law.atom})
    else:
        rows = np.column_stack(list(values.values()))
        np.savetxt(path, rows, "%.17g", ",", header=",".join(values), comments="")


def _check_table(path: Path) -> None:
    if path.suffix not in (".csv", ".h5"):
        raise ValueError(f"--table: expected a file ending in .csv or .h5, got {path}")
    if path.exists():
        raise ValueError(f"--table: expected a file that does not exist yet, got {path}")
    if not path.absolute().parent.is_dir():
        raise ValueError(f"--table: expected a directory that exists, got {path.absolute().parent}")
