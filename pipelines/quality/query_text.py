"""Reads the text of a written query: the name that stands for the checked relation, its outermost keywords.

Not here: what a query's columns are made of (own_columns.py).
"""

from __future__ import annotations

import sqlglot
from sqlglot.tokenizer_core import Token, TokenType

ROWS = "gudang_baris"
"""The name that stands for the checked relation in the query of a rule."""


def outermost(text: str, keyword: TokenType) -> Token | None:
    """The first such keyword that stands in no brackets. FROM in `is distinct from` is none. Raises SqlglotError."""
    depth, before = 0, None
    for token in sqlglot.tokenize(text, read="postgres"):
        if token.token_type in (TokenType.L_PAREN, TokenType.R_PAREN):
            depth += 1 if token.token_type is TokenType.L_PAREN else -1
        elif depth == 0 and token.token_type is keyword and before is not TokenType.DISTINCT:
            return token
        before = token.token_type
    return None
