"""``rmtsim law``: a limit law without a simulation: its support, moments and outliers, its density, draws."""

import argparse
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

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
    law.add_argument("--classes", type=_classes, metavar="C", help="number of classes, or inf (ce)")
    law.add_argument("--hidden", type=positive, metavar="M", help="hidden width (hidden-ce)")
    law.add_argument("--V", type=Path, metavar="FILE.npy", help="V, shape (C, m), that hidden-ce is given")
    law.add_argument("--seed", type=int, default=0, help="of the V drawn where none is given (default: 0)")
    law.add_argument("--eigenvalues", type=positive, metavar="N", help="size for which outliers are judged")
    law.add_argument(
        "--table", type=Path, metavar="FILE", help="write x, density, cdf to FILE.csv or FILE.h5"
    )
    law.add_argument("--points", type=positive, default=1000, help="rows of the table (default: 1000)")
    law.add_argument("--draw", type=positive, metavar="COUNT", help="print COUNT draws instead")
    law.set_defaults(handler=_law)


class _Request(NamedTuple):
    """What `rmtsim.laws` is asked for."""

    architecture: str
    loss: str
    block: str
    options: dict[str, Any]


def _classes(text: str) -> float:
    value = math.inf if text == "inf" else int(text) if text.isdecimal() else 0
    if value < 2:
        raise argparse.ArgumentTypeError(f"expected an integer of at least 2 or inf, got {text!r}")
    return value


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
    options: dict[str, Any] = {}
    if arguments.model == "linear-ce":
        if arguments.classes is None:
            raise ValueError("--classes: expected the number of classes of linear-ce, got none")
        options["n_classes"] = arguments.classes
    if arguments.model == "hidden-ce":
        options["V"] = _given_v(arguments)
    return _Request(architecture, loss, arguments.block, options)


def _given_v(arguments: argparse.Namespace) -> "NDArray[np.float64]":
    """Return the V of the file, or else N(0, 1/m) entries: those of cell 0 of an experiment."""
    import numpy as np

    from .. import kernels
    from ..draws import DrawnMatrix
    from ..streams import CELL_DRAW, Role, stream

    if arguments.V is not None:
        if arguments.V.exists() and not arguments.V.is_file():
            raise ValueError(
                f"--V: expected a file written by numpy.save, got no regular file: {arguments.V}"
            )
        try:
            return np.load(arguments.V, allow_pickle=False)
        except (EOFError, ValueError):  # empty, or pickled data for all that NumPy can tell
            raise ValueError(f"--V: expected a file written by numpy.save, got {arguments.V}") from None
    if arguments.classes is None or arguments.hidden is None or arguments.classes == math.inf:
        raise ValueError("--V: expected a file, or --classes (finite) and --hidden to draw V, got neither")
    words = stream(arguments.seed, 0, CELL_DRAW, Role.V)
    shape = (arguments.classes, arguments.hidden)
    return DrawnMatrix(kernels.load("cpu"), words, shape, arguments.hidden**-0.5, np.float64)[:]


def _print(arguments: argparse.Namespace, request: _Request, law: Any) -> None:
    from .. import laws

    print(f"{arguments.model} {request.block}, aspect ratio d/N = {arguments.aspect_ratio:g}")
    if request.loss == "mse" and request.architecture == "hidden":
        print("in units of S_ij = (V^T V)_ij")
    if arguments.classes == math.inf:
        print("of C H_cc (diagonal) or -C^2 H_ce (off-diagonal)")
    if request.loss == "ce":
        # The law of the weights is cut into atoms: in thin tails, supports are those of single atoms.
        low, middle, high = law.ppf([0.005, 0.5, 0.995])
        print(f"quantiles  0.5 % {low:.8g}  50 % {middle:.8g}  99.5 % {high:.8g}")
    else:
        print("support  " + " ".join(f"[{low:.8g}, {high:.8g}]" for low, high in law.support()))
    print(f"atom at 0  {law.atom:.8g}")
    print("moments  " + "  ".join(f"m_{k} {law.moment(k):.8g}" for k in range(1, 5)))
    joint = laws.joint_weights(request.architecture, request.loss, request.block, **request.options)
    found = laws.outliers(law, joint, arguments.eigenvalues)
    print("outliers  " + ("  ".join(f"{o.location:.8g} (x{o.multiplicity})" for o in found) or "none"))


def _write_table(arguments: argparse.Namespace, law: Any) -> None:
    import numpy as np

    from ..store import write_table

    path = arguments.table
    if path.suffix not in (".csv", ".h5"):
        raise ValueError(f"--table: expected a file ending in .csv or .h5, got {path}")
    if path.exists():
        raise ValueError(f"--table: expected a file that does not exist yet, got {path}")
    x = _abscissae(law, arguments.points)
    columns = {"x": x, "density": law.pdf(x), "cdf": law.cdf(x)}
    if path.suffix == ".h5":
        given = {"law": f"{arguments.model} {arguments.block}", "aspect_ratio": arguments.aspect_ratio}
        write_table(path, columns, given | {"atom": law.atom})
    else:
        np.savetxt(
            path, np.column_stack(list(columns.values())), "%.17g", ",", header=",".join(columns), comments=""
        )


def _abscissae(law: Any, points: int) -> "NDArray[np.float64]":
    """Return points inside the bulks, dense towards each edge, where the density bends most."""
    import numpy as np

    bulks = law.support()
    each = np.maximum(8, np.round(points * np.diff(bulks).ravel() / np.diff(bulks).sum())).astype(int)
    parts = [
        low + (high - low) * np.sin(np.pi / 2 * (np.arange(n) + 0.5) / n) ** 2
        for (low, high), n in zip(bulks, each, strict=True)
    ]
    return np.concatenate(parts) if parts else np.empty(0)
