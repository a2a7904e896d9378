"""A small project with open, restricted and personal columns and one open mart, for tests of the clearance."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import yaml

from pipelines.contracts.files import read_contract
from pipelines.contracts.model import Contract
from pipelines.models.project.sources import render_sources
from pipelines.publication.clearance import with_clearance
from pipelines.publication.mart import Clearance, open_marts
from tests.support.contracts import column, database, document, write
from tests.support.dbt_folder import PROJECT_FILE, DbtFolder

NEVER = "nilai pribadi tidak pernah terbit, dengan cara apa pun ia diturunkan"
"""The end of the refusal of a personal value."""

VISITS = document(
    "dinkes/kunjungan",
    [
        column("id_kunjungan", primaryKey=True, required=True, classification="terbatas"),
        column("nik", classification="pribadi", pseudonymise="pasien"),
        column("tanggal", "date"),
        column("puskesmas"),
        column("umur", "integer"),
        column("penyakit", classification="terbatas"),
    ],
    database("DINKES"),
    extract={"table": "kunjungan"},
    publish=True,
)
APPLICATIONS = document(
    "kominfo/aplikasi",
    [
        column("nama"),
        column("opd"),
        column("basis_data", classification="terbatas"),
        column("pengguna", "integer"),
    ],
    database("KOMINFO"),
    extract={"table": "aplikasi"},
    publish=True,
)
SALARIES = document(
    "bkd/gaji",
    [column("golongan"), column("gaji", "numeric(14,2)")],
    database("BKD"),
    extract={"table": "gaji"},
)
SCHOOLS = document(
    "disdik/sekolah",
    [column("npsn"), column("nama"), column("kecamatan")],
    database("DISDIK"),
    extract={"table": "sekolah"},
    publish=True,
)
SUPPRESSING_MACRO = """
{% macro sel_tersamar(relasi, tabel, baris, kolom, jumlah='jumlah', ambang=none) -%}
    with sel as (
        select {{ tabel | join(', ') }}, {{ baris }}, {{ kolom }}, sum({{ jumlah }}) as jumlah
        from {{ relasi }}
        group by {{ tabel | join(', ') }}, {{ baris }}, {{ kolom }}
    ),
    dinilai as (
        select sel.*, (jumlah > 0 and jumlah < {{ var('ambang_samar') if ambang is none else ambang }}) as primer from sel
    )
    select {{ tabel | join(', ') }}, {{ baris }}, {{ kolom }}, case when not primer then jumlah end as jumlah
    from dinilai
{%- endmacro %}
"""
"""Has the form of the real macro. What the real macro hides is tested in tests/integration/dbt_like_sql."""


class OpenDataProject:
    """Models over the contracts above. Only the mart `m` is open. In SQL `@kunjungan` stands for the source of that dataset."""

    def __init__(self, root: Path) -> None:
        self.contracts: list[Contract] = []
        for doc in (VISITS, APPLICATIONS, SALARIES, SCHOOLS):
            contract, faults = read_contract(write(root / "contracts", doc))
            assert contract is not None, faults
            self.contracts.append(contract)
        self.folder = DbtFolder(root / "dbt_like_sql")
        variables = "vars: {ambang_samar: 5, ambang_badan_usaha: 3}"
        self.folder.write("dbt_project.yml", PROJECT_FILE.replace("vars: {ambang: 5}", variables))
        self.folder.write("macros/sel_tersamar.sql", SUPPRESSING_MACRO)
        self.folder.write("sources.yml", render_sources(self.contracts))

    def without_models(self) -> OpenDataProject:
        """Deletes all models, for the next test."""
        shutil.rmtree(self.folder.root / "models", ignore_errors=True)
        self.folder.write("models/sources.yml", (self.folder.root / "sources.yml").read_text())
        return self

    def model(self, path: str, sql: str, *columns: str) -> None:
        for contract in self.contracts:
            source = f"{{{{ source('{contract.opd}', '{contract.dataset}') }}}}"
            sql = sql.replace(f"@{contract.dataset}", source)
        self.folder.write(f"models/{path}.sql", sql)
        if columns:
            described = {"name": path.split("/")[-1], "columns": [{"name": name} for name in columns]}
            self.folder.write(f"models/{path}.yml", yaml.safe_dump({"models": [described]}))

    def mart(
        self, sql: str, *columns: str, basis: Any = None, contracts: list[Contract] | None = None
    ) -> Clearance:
        """The clearance of the open mart `m` with this query and these described columns."""
        meta: dict[str, Any] = {"publikasi": "terbuka"}
        if basis is not None:
            meta["dasar_terbit"] = basis
        described = [{"name": name, "description": name} for name in columns]
        model = {"name": "m", "description": "Uji.", "config": {"meta": meta}, "columns": described}
        exposure = {
            "name": "portal",
            "type": "application",
            "owner": {"name": "x"},
            "depends_on": ["ref('m')"],
        }
        exposure["config"] = {"meta": {"terbit": "berkas"}}
        self.model("marts/m", sql)
        self.folder.write("models/marts/m.yml", yaml.safe_dump({"models": [model], "exposures": [exposure]}))
        project = self.folder.project()
        (mart,) = with_clearance(
            project, self.contracts if contracts is None else contracts, open_marts(project)
        )
        assert mart.clearance is not None
        return mart.clearance
