"""Computes places for the nodes of a graph without cycles: a node that is read is to the left of its readers.

What belongs here: layers, order and coordinates; pure functions. Not here: what a node is (dictionary.py), SVG
(drawing.py).

The steps are those of Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical system structures"
(IEEE Transactions on Systems, Man, and Cybernetics 11/2, 1981): layers by the longest path, edges over several
layers with a bend in each, order within a layer by barycentres. Then each node is moved as near to the mean of its
neighbours as the distances in its layer allow (pool adjacent violators).

Of the libraries in requirements.lock none lays out a graph in layers (Vega, which altair uses, has trees and forces
only), and the pages are made where no Graphviz is installed; this project's whole lineage, 147 nodes and 245 edges,
takes 44 ms.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from itertools import pairwise

HEIGHT, GAP, BEND_GAP, LAYER_GAP = 26.0, 12.0, 10.0, 44.0
_SWEEPS, _PASSES = 12, 24
_Vertex = tuple[str, ...]
"""(node,), or (from, to, layer) where an edge bends."""


@dataclass(frozen=True, slots=True)
class Box:
    """The place of a node: its upper left corner."""

    x: float
    y: float
    width: float
    height: float = HEIGHT


@dataclass(frozen=True, slots=True)
class Layout:
    """Where all nodes and edges are.

    edges: per (from, to) the points of the line, from the right side of one node to the left side of the other.
    """

    boxes: Mapping[str, Box]
    edges: Mapping[tuple[str, str], tuple[tuple[float, float], ...]]
    width: float
    height: float


def lay_out(widths: Mapping[str, float], edges: Iterable[tuple[str, str]]) -> Layout:
    """The layout of the nodes in `widths`; edges to others are left out. Raises CycleError if it has a cycle.

    The same graph gives the same places, whatever the order of `edges`.
    """
    known = sorted({(a, b) for a, b in edges if a in widths and b in widths})
    layer_of = _layers(widths, known)
    vertices, links = _with_bends(layer_of, known)
    layers = _ordered(vertices, links)
    middles = _middles(layers, links)
    top = min((middles[v] - _size(v) / 2 for v in middles), default=0.0)
    lefts, right = _columns(layers, widths)
    boxes = {
        name: Box(lefts[layer_of[name]], middles[name,] - HEIGHT / 2 - top, widths[name])
        for name in sorted(widths)
    }
    paths = {edge: _path(edge, layer_of, lefts, layers, widths, middles, top) for edge in known}
    bottom = max((middles[v] + _size(v) / 2 for v in middles), default=0.0)
    return Layout(boxes, paths, right, bottom - top)


def _layers(nodes: Iterable[str], edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Gives the layer of each node: the number of steps of the longest path to it."""
    left_neighbours: dict[str, list[str]] = {name: [] for name in sorted(nodes)}
    for a, b in edges:
        left_neighbours[b].append(a)
    layers: dict[str, int] = {}
    for name in TopologicalSorter(left_neighbours).static_order():
        layers[name] = max((layers[a] + 1 for a in left_neighbours[name]), default=0)
    return layers


def _with_bends(
    layer_of: Mapping[str, int], edges: Sequence[tuple[str, str]]
) -> tuple[list[list[_Vertex]], list[tuple[_Vertex, _Vertex]]]:
    """Adds a vertex for each bend; gives the vertices by layer, and links that join neighbouring layers only."""
    layers: list[list[_Vertex]] = [[] for _ in range(max(layer_of.values(), default=-1) + 1)]
    for name in sorted(layer_of):
        layers[layer_of[name]].append((name,))
    links: list[tuple[_Vertex, _Vertex]] = []
    for a, b in edges:
        chain: list[_Vertex] = [(a,)]
        for layer in range(layer_of[a] + 1, layer_of[b]):
            chain.append((a, b, str(layer)))
            layers[layer].append(chain[-1])
        chain.append((b,))
        links += pairwise(chain)
    return layers, links


def _ordered(layers: list[list[_Vertex]], links: Sequence[tuple[_Vertex, _Vertex]]) -> list[list[_Vertex]]:
    """Sorts each layer by barycentres, in sweeps, and gives the order with the fewest crossings."""
    left_neighbours, right_neighbours = _neighbours(links)
    best, fewest = [list(layer) for layer in layers], _crossings(layers, right_neighbours)
    for sweep in range(_SWEEPS):
        if fewest == 0:
            break
        rightwards = sweep % 2 == 0
        neighbours = left_neighbours if rightwards else right_neighbours
        order = range(1, len(layers)) if rightwards else range(len(layers) - 2, -1, -1)
        for i in order:
            fixed = {v: place for place, v in enumerate(layers[i - 1 if rightwards else i + 1])}
            centres = {
                v: sum(fixed[n] for n in neighbours[v]) / len(neighbours[v])
                if neighbours[v]
                else float(place)
                for place, v in enumerate(layers[i])
            }
            layers[i] = sorted(layers[i], key=centres.__getitem__)
        crossings = _crossings(layers, right_neighbours)
        if crossings < fewest:
            best, fewest = [list(layer) for layer in layers], crossings
    return best


def _crossings(
    layers: Sequence[Sequence[_Vertex]], right_neighbours: Mapping[_Vertex, Sequence[_Vertex]]
) -> int:
    total = 0
    for left, right in pairwise(layers):
        place = {v: i for i, v in enumerate(right)}
        ends = [end for v in left for end in sorted(place[n] for n in right_neighbours[v])]
        total += sum(1 for i, end in enumerate(ends) for later in ends[i + 1 :] if later < end)
    return total


def _neighbours(
    links: Sequence[tuple[_Vertex, _Vertex]],
) -> tuple[defaultdict[_Vertex, list[_Vertex]], defaultdict[_Vertex, list[_Vertex]]]:
    left_neighbours: defaultdict[_Vertex, list[_Vertex]] = defaultdict(list)
    right_neighbours: defaultdict[_Vertex, list[_Vertex]] = defaultdict(list)
    for a, b in links:
        right_neighbours[a].append(b)
        left_neighbours[b].append(a)
    return left_neighbours, right_neighbours


def _middles(
    layers: Sequence[Sequence[_Vertex]], links: Sequence[tuple[_Vertex, _Vertex]]
) -> dict[_Vertex, float]:
    """The y coordinate of the middle of each vertex: near its neighbours, with at least the gap to the next one."""
    left_neighbours, right_neighbours = _neighbours(links)
    middles: dict[_Vertex, float] = {}
    for layer in layers:
        middles |= zip(layer, _apart(layer, [0.0] * len(layer)), strict=True)
    for round_ in range(_PASSES):
        for layer in layers if round_ % 2 == 0 else reversed(layers):
            wanted: list[float] = []
            for v in layer:
                around = [middles[n] for n in (*left_neighbours[v], *right_neighbours[v])]
                wanted.append(sum(around) / len(around) if around else middles[v])
            middles |= zip(layer, _apart(layer, wanted), strict=True)
    return middles


def _apart(layer: Sequence[_Vertex], wanted: Sequence[float]) -> list[float]:
    """The middles nearest to `wanted` (least squares) that keep the layer's order and distances."""
    offsets, offset = [0.0], 0.0
    for a, b in pairwise(layer):
        offset += (_size(a) + _size(b)) / 2 + (GAP if len(a) == len(b) == 1 else BEND_GAP)
        offsets.append(offset)
    blocks: list[tuple[float, int]] = []
    for want, off in zip(wanted, offsets, strict=False):
        mean, count = want - off, 1
        while blocks and blocks[-1][0] >= mean:
            before, many = blocks.pop()
            mean, count = (before * many + mean * count) / (many + count), many + count
        blocks.append((mean, count))
    flat = [mean for mean, count in blocks for _ in range(count)]
    return [mean + off for mean, off in zip(flat, offsets, strict=False)]


def _size(vertex: _Vertex) -> float:
    return HEIGHT if len(vertex) == 1 else 0.0


def _columns(layers: Sequence[Sequence[_Vertex]], widths: Mapping[str, float]) -> tuple[list[float], float]:
    """The x coordinates of the left side of each layer, and of the right side of the last."""
    lefts, x = [0.0], 0.0
    for layer in layers:
        x += _width(layer, widths) + LAYER_GAP
        lefts.append(x)
    return lefts, max(x - LAYER_GAP, 0.0)


def _width(layer: Sequence[_Vertex], widths: Mapping[str, float]) -> float:
    return max((widths[v[0]] for v in layer if len(v) == 1), default=0.0)


def _path(
    edge: tuple[str, str],
    layer_of: Mapping[str, int],
    lefts: Sequence[float],
    layers: Sequence[Sequence[_Vertex]],
    widths: Mapping[str, float],
    middles: Mapping[_Vertex, float],
    top: float,
) -> tuple[tuple[float, float], ...]:
    a, b = edge
    points = [(lefts[layer_of[a]] + widths[a], middles[a,] - top)]
    # The line is level up to the side of the layer. Otherwise the curve would cross a wider node above or below.
    points.append((lefts[layer_of[a]] + _width(layers[layer_of[a]], widths), middles[a,] - top))
    for layer in range(layer_of[a] + 1, layer_of[b]):
        y = middles[a, b, str(layer)] - top
        points += [(lefts[layer], y), (lefts[layer] + _width(layers[layer], widths), y)]
    points.append((lefts[layer_of[b]], middles[b,] - top))
    return tuple(point for i, point in enumerate(points) if i == 0 or point != points[i - 1])
