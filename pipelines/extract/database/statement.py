"""Prepares SQL of a contract to be embedded in one of our statements.

What belongs here: what must be removed from a query or condition before it is put in brackets. Not here: the brackets
(postgresql.py, mysql.py, dialect.py).
"""

from __future__ import annotations

_DIALECTS = {
    "postgresql": "postgres",
    "mysql": "mysql",
    "sqlite": "sqlite",
    "mssql": "tsql",
    "oracle": "oracle",
}


def inner(text: str, dialect: str) -> str:
    """Returns the query or condition without the semicolons at its end, also if a comment follows them.

    dialect: SQLAlchemy's name. A text that can't be split into tokens is left to the server to reject.
    """
    text = text.rstrip()
    if ";" not in text:
        return text
    from sqlglot import tokenize
    from sqlglot.errors import TokenError

    try:
        tokens = tokenize(text, read=_DIALECTS.get(dialect))
    except TokenError:
        return text.rstrip(";")
    while tokens and tokens[-1].token_type.name == "SEMICOLON":
        end = tokens.pop()
        text = text[: end.start] + text[end.end + 1 :]
    return text
