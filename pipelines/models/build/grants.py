"""Grants the rights that a model declares, and revokes all others.

What belongs here: dbt's `grants` config compared with PostgreSQL's catalogue. Not here: rights on a model without this
config; they survive an exchange as they are (warehouse/swap.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psycopg import Connection, sql

from pipelines.warehouse.relation import Relation, identifier, trusted_sql

_GRANTED = """
select lower(acl.privilege_type), case when acl.grantee = 0 then 'public' else pg_get_userbyid(acl.grantee)::text end
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
cross join aclexplode(c.relacl) as acl
where n.nspname = %s and c.relname = %s and acl.grantee <> c.relowner
"""


def apply_grants(conn: Connection[Any], relation: Relation, grants: Mapping[str, tuple[str, ...]]) -> None:
    """Gives the relation exactly the declared rights; the owner's rights stay. Must run in a transaction."""
    wanted = {(privilege, role) for privilege, roles in grants.items() for role in roles}
    granted = {
        (str(privilege), str(role))
        for privilege, role in conn.execute(_GRANTED, (relation.schema, relation.identifier))
    }
    for statement, rights in (
        ("revoke {} on {} from {}", granted - wanted),
        ("grant {} on {} to {}", wanted - granted),
    ):
        for privilege, role in sorted(rights):
            who = sql.SQL("public") if role == "public" else sql.Identifier(role)
            conn.execute(sql.SQL(statement).format(trusted_sql(privilege), identifier(relation), who))  # type: ignore[arg-type]
