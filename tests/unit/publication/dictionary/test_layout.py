"""The layout of a graph: edges go from left to right, and nothing overlaps, whatever the graph."""

from __future__ import annotations

from graphlib import CycleError
from itertools import combinations, pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.publication.dictionary.layout import BEND_GAP, GAP, LAYER_GAP, Box, Layout, lay_out


@st.composite
def graphs(draw: st.DrawFn) -> tuple[dict[str, float], list[tuple[str, str]]]:
    names = [f"n{i}" for i in range(draw(st.integers(1, 14)))]
    widths = {name: float(draw(st.integers(20, 300))) for name in names}
    possible = list(combinations(names, 2))
    edges = draw(st.lists(st.sampled_from(possible), max_size=30)) if possible else []
    return widths, edges


def is_inside(layout: Layout) -> bool:
    points = [point for path in layout.edges.values() for point in path]
    points += [(b.x, b.y) for b in layout.boxes.values()]
    points += [(b.x + b.width, b.y + b.height) for b in layout.boxes.values()]
    return all(-0.01 <= x <= layout.width + 0.01 and -0.01 <= y <= layout.height + 0.01 for x, y in points)


def are_apart(a: Box, b: Box, gap: float) -> bool:
    beside = a.x + a.width + gap <= b.x + 0.01 or b.x + b.width + gap <= a.x + 0.01
    return beside or a.y + a.height + gap <= b.y + 0.01 or b.y + b.height + gap <= a.y + 0.01


@given(graphs())
def test_nodes_do_not_overlap_and_everything_is_inside_the_picture(
    graph: tuple[dict[str, float], list[tuple[str, str]]],
) -> None:
    layout = lay_out(*graph)
    assert layout.boxes.keys() == graph[0].keys()
    assert all(are_apart(a, b, GAP) for a, b in combinations(layout.boxes.values(), 2))
    assert is_inside(layout)


@given(graphs())
def test_edges_go_from_left_to_right_and_through_no_node(
    graph: tuple[dict[str, float], list[tuple[str, str]]],
) -> None:
    layout = lay_out(*graph)
    assert set(layout.edges) == set(graph[1])
    for (a, b), path in layout.edges.items():
        start, end = layout.boxes[a], layout.boxes[b]
        assert path[0] == pytest.approx((start.x + start.width, start.y + start.height / 2))
        assert path[-1] == pytest.approx((end.x, end.y + end.height / 2))
        assert start.x + start.width + LAYER_GAP <= end.x + 0.01
        for (x0, y0), (x1, y1) in pairwise(path):
            assert x0 < x1
            for name, box in layout.boxes.items():
                if box.x < x1 and x0 < box.x + box.width and name not in (a, b):
                    # Above or below a node an edge is horizontal, at some distance.
                    assert y0 == y1
                    assert not box.y - BEND_GAP + 0.01 < y0 < box.y + box.height + BEND_GAP - 0.01


@given(graphs(), st.randoms(use_true_random=False))
def test_layout_does_not_depend_on_the_order_of_nodes_and_edges(
    graph: tuple[dict[str, float], list[tuple[str, str]]], chance: Random
) -> None:
    widths, edges = graph
    shuffled, names = list(edges), list(widths)
    chance.shuffle(shuffled)
    chance.shuffle(names)
    assert lay_out({name: widths[name] for name in names}, shuffled) == lay_out(widths, edges)


def test_avoidable_crossings_are_avoided() -> None:
    widths = dict.fromkeys(("a", "b", "c", "x", "y", "z"), 50.0)
    boxes = lay_out(widths, [("a", "z"), ("b", "y"), ("c", "x")]).boxes
    for left, right in (("a", "z"), ("b", "y"), ("c", "x")):
        assert boxes[left].y == pytest.approx(boxes[right].y)


def test_node_is_placed_after_the_longest_path_to_it() -> None:
    boxes = lay_out(dict.fromkeys("abc", 50.0), [("a", "b"), ("b", "c"), ("a", "c")]).boxes
    assert boxes["a"].x < boxes["b"].x < boxes["c"].x


def test_edges_to_missing_nodes_are_left_out() -> None:
    layout = lay_out({"a": 50.0}, [("a", "b"), ("z", "a")])
    assert (layout.edges, layout.width) == ({}, 50.0)
    assert lay_out({}, []).boxes == {}


def test_circle_is_refused() -> None:
    with pytest.raises(CycleError):
        lay_out(dict.fromkeys("ab", 50.0), [("a", "b"), ("b", "a")])
