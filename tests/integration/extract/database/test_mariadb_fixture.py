"""The MariaDB that source tests read from is a real one, empty for each test."""

from __future__ import annotations

import pytest
import sqlalchemy


@pytest.mark.mariadb
@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_has_an_empty_database_that_keeps_utf8(mariadb_url: str, turn: int) -> None:
    engine = sqlalchemy.create_engine(mariadb_url)
    with engine.begin() as connection:
        assert sqlalchemy.inspect(connection).get_table_names() == []
        connection.execute(sqlalchemy.text("create table t (nama varchar(20))"))
        connection.execute(sqlalchemy.text("insert into t values ('Ca\u00f1a \U0001f41f')"))
        assert (
            connection.execute(sqlalchemy.text("select nama from t")).scalar_one() == "Ca\u00f1a \U0001f41f"
        )
    engine.dispose()
