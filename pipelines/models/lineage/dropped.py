"""Finds names in a query that PostgreSQL reads, and that sqlglot's tree has lost or reads as another name.

What belongs here: comparing the words of the SQL text with the tree that was parsed from it, so that no column is
missing from the lineage (adr/024). Not here: where columns come from (flow.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlglot import Token, exp, tokenize
from sqlglot.tokenizer_core import TokenType

LONGEST_NAME = 63
"""PostgreSQL cuts names after this many bytes (NAMEDATALEN), so two long names may become one."""
_UNITS = frozenset({"year", "month", "day", "hour", "minute", "second"})
"""Units that may follow the text of an interval, as in `interval '1' day`."""
_GRAMMAR = frozenset(
    {
        "asymmetric", "at", "both", "current", "cycle", "depth", "exclude", "filter", "first", "following", "groups",
        "last", "lateral", "leading", "materialized", "next", "no", "normalized", "nothing", "nulls", "only",
        "ordinality", "others", "overlaps", "placing", "preceding", "recursive", "respect", "search", "sets",
        "similar", "sqlstate", "symmetric", "ties", "time", "to", "trailing", "uescape", "unbounded", "value",
        "varying", "within", "without", "zone",
    }
)  # fmt: skip
"""Words of SQL's grammar that are no names. They are ignored, unless the tree holds one as a bare word."""


def dropped_names(sql: str, tree: exp.Expr) -> Iterator[str]:
    """Gives a reason for each name in `sql` that `tree` has lost or misread; none if the tree has all names."""
    names = {node.meta.get("start") for node in tree.find_all(exp.Identifier)}
    bare = {node.name.casefold() for node in tree.find_all(exp.Var)}
    tokens = list(tokenize(sql, dialect="postgres"))
    texts = {
        TokenType.STRING, TokenType.NUMBER, TokenType.HEREDOC_STRING, TokenType.RAW_STRING, TokenType.NATIONAL_STRING,
        TokenType.UNICODE_STRING, TokenType.BYTE_STRING, TokenType.HEX_STRING, TokenType.BIT_STRING,
    }  # fmt: skip
    for place, token in enumerate(tokens):
        if token.token_type in texts:
            continue
        word = token.text.casefold()
        name = token.token_type in (TokenType.VAR, TokenType.IDENTIFIER)
        if name and len(token.text.encode()) > LONGEST_NAME:
            yield f"nama lebih dari {LONGEST_NAME} bita, yang dipotong PostgreSQL"
        elif token.start in names or _no_column(tokens, place) or not (name or word in bare):
            continue
        elif word in bare or not (word in _GRAMMAR or _called(tokens, place)):
            yield f"nama {token.text} tidak dibaca sqlglot sebagai kolom"


def _called(tokens: Sequence[Token], place: int) -> bool:
    return place + 1 < len(tokens) and tokens[place + 1].text == "("


def _no_column(tokens: Sequence[Token], place: int) -> bool:
    """Whether a word is a unit or an argument's name: `extract(year from x)`, `interval '1' year`, `f(days => 1)`."""
    before = [token.text.casefold() for token in tokens[max(place - 2, 0) : place]]
    after = tokens[place + 1].token_type if place + 1 < len(tokens) else None
    if after == TokenType.FARROW or (before == ["extract", "("] and after == TokenType.FROM):
        return True
    quoted = place > 1 and tokens[place - 1].token_type == TokenType.STRING
    return quoted and before[0] == "interval" and tokens[place].text.casefold() in _UNITS
