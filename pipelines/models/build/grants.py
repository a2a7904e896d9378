"""The rights that a model declares, given and others taken.

What belongs here: dbt's `grants` config against the catalogue. Not here: rights that nobody declares; these survive an
exchange as they are (warehouse/swap.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psycopg import Connection, sql

from pipelines.warehouse.relation import Relation, compiled, identifier

_GRANTED = """
select lower(acl.privilege_type), case when acl.grantee = 0 then 'public' else pg_get_userbyid(acl.grantee)::text end
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
cross join aclexplode(c.relacl) as acl
where n.nspname = %s and c.relname = %s and acl.grantee <> c.relowner
"""


def apply_grants(conn: Connection[Any], relation: Relation, grants: Mapping[str, tuple[str, ...]]) -> None:
    """Makes the rights of others on the relation those that are declared, no more and no less; in a transaction."""
    wanted = {(privilege, role) for privilege, roles in grants.items() for role in roles}
    granted = {
        (str(privilege), str(role))
        for privilege, role in conn.execute(_GRANTED, (relation.schema, relation.identifier))
    }
    for words, rights in (
        ("revoke {} on {} from {}", granted - wanted),
        ("grant {} on {} to {}", wanted - granted),
    ):
        for privilege, role in sorted(rights):
            who = sql.SQL("public") if role == "public" else sql.Identifier(role)
            conn.execute(sql.SQL(words).format(compiled(privilege), identifier(relation), who))  # type: ignore[arg-type]
