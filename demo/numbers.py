"""Arithmetic that the generators share."""

from __future__ import annotations

from collections.abc import Sequence


def apportion(total: int, weights: Sequence[float]) -> list[int]:
    """`total` divided into integers by `weights`, with the largest remainders: their sum is exactly `total`."""
    scale = total / sum(weights)
    exact = [w * scale for w in weights]
    parts = [int(x) for x in exact]
    by_remainder = sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], i))
    for i in by_remainder[: total - sum(parts)]:
        parts[i] += 1
    return parts


def age_weights(ages: int) -> list[float]:
    """A made-up age pyramid for single years from 0 to ages - 1: broad until 40, then narrower and narrower."""
    return [1.0 if age < 40 else max(0.002, (1 - (age - 40) / (ages - 38)) ** 1.6) for age in range(ages)]


def decimal_id(number: float, decimals: int) -> str:
    """1234.5 with two decimals as OPD write it: "1.234,50"."""
    return f"{number:,.{decimals}f}".translate(str.maketrans(",.", ".,"))
