"""Bulks of a law whose weights have a density: components of the weights, and the gaps between them."""

import math
from dataclasses import dataclass

import numpy as np
import scipy  # its parts are loaded where they are first used

from .chart import EPS
from .dense_map import DenseMap
from .measure import Floats
from .roots import increasing_roots

_SMALLEST = 1e-200
_NEAR = 1e-11  # of a panel: an edge nearer to the end of the weights is put there


@dataclass(frozen=True)
class Edge:
    """An end of a bulk.

    Attributes
    ----------
    origin : float
        w there.
    image : float
        z(w), the end of the bulk.
    level : float
        Distribution function there, without an atom at zero that lies above.
    root : bool
        Whether z' vanishes there, so that the density ends like a square root. Otherwise the density of the
        weights falls to zero at ``origin`` so fast that the law's density follows it.
    """

    origin: float
    image: float
    level: float
    root: bool


def components(law: DenseMap) -> Floats:
    """Intervals that carry weights, shape (k, 2), ascending: runs of touching panels, and atoms off them."""
    left, right = law.panels.left, law.panels.right
    starts = np.flatnonzero(np.append(True, left[1:] > right[:-1]))
    runs = np.stack([left[starts], right[np.append(starts[1:] - 1, left.size - 1)]], axis=1)
    inside = np.any((law.weights[:, None] >= runs[:, 0]) & (law.weights[:, None] <= runs[:, 1]), axis=1)
    lone = np.repeat(law.weights[~inside], 2).reshape(-1, 2)
    parts = np.concatenate([runs, lone])
    return parts[np.argsort(parts[:, 0])]


def find_edges(law: DenseMap) -> list[tuple[Edge, Edge]]:
    """Both edges of every bulk, from left to right, theory.md (3.3).

    In a gap of the weights 1 - z'/gamma is convex, so that z' > 0 on one interval, in which there is no
    spectrum, or nowhere.
    """
    parts = components(law)
    reach = math.sqrt(law.second / law.aspect_ratio) + np.ptp(parts)
    edges = [_edge(law, parts[0, 0], -1, reach)]
    for left, right in zip(parts[:-1, 1], parts[1:, 0], strict=True):
        middle = _weakest(law, left, right)
        if middle is not None:
            edges += [_edge(law, left, 1, middle - left), _edge(law, right, -1, right - middle)]
    edges.append(_edge(law, parts[-1, 1], 1, reach))
    return list(zip(edges[::2], edges[1::2], strict=True))


def _weakest(law: DenseMap, left: float, right: float) -> float | None:
    """Where the pull of the weights is least in a gap; None if it is nowhere below the aspect ratio."""
    best = scipy.optimize.minimize_scalar(
        lambda u: float(np.log(law.pull(np.array([u]))[0])),
        bounds=(left, right),
        method="bounded",
        options={"xatol": 1e-12 * (right - left)},
    )
    return float(best.x) if best.fun < math.log(law.aspect_ratio) - 16 * EPS else None


def _edge(law: DenseMap, end: float, side: int, reach: float) -> Edge:
    """Edge beyond an end of the weights, at most ``reach`` away, where z' = 0; the end itself if nowhere."""
    closest = _closest(law, end)

    def missing(y: Floats, _: np.ndarray) -> tuple[Floats, Floats]:
        u = end + side * np.exp(y)
        step = 1e-4
        pull, further = np.log(law.pull(u)), np.log(law.pull(end + side * np.exp(y + step)))
        return math.log(law.aspect_ratio) - pull, (pull - further) / step

    log_closest = np.array([math.log(closest)])
    root = bool(missing(log_closest, np.zeros(1, dtype=np.intp))[0][0] < 0)
    origin = end
    if root:
        far = np.array([math.log(reach)])
        origin = end + side * math.exp(
            increasing_roots(missing, log_closest, far, 0.5 * (log_closest + far))[0]
        )
    if law.excess == 0 and abs(origin) <= 64 * EPS * max(abs(end), law.typical):
        origin = 0.0
    # Where the weights' own end is the edge, z is taken next to it.
    place = origin if root else origin + side * closest
    image = 0.0 if origin == 0 else float(law.evaluate(np.array([complex(place)]))[0][0].real)
    return Edge(origin, image, level(law, origin), root)


def _closest(law: DenseMap, end: float) -> float:
    """Distance from an end of the weights down to which their pull is computed."""
    ends = np.append(law.panels.left, law.panels.right)
    width = np.tile(law.panels.right - law.panels.left, 2)[ends == end]
    floor = max(64 * EPS * abs(end), _SMALLEST)
    return max(floor, _NEAR * float(width[0])) if width.size else floor


def level(law: DenseMap, u: float) -> float:
    """Distribution function in the gap of the weights that holds u."""
    above = float(law.masses[law.nodes > u].sum())
    return 1 - (above + (law.excess if u < 0 else 0.0)) / law.aspect_ratio
