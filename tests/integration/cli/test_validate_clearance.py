"""`gudang validate` on a copy of this project with marts that publish personal data."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.cli.data.validate import validate
from pipelines.settings import PROJECT_ROOT, Settings

VISITS = "{{ ref('stg_dinkes__kunjungan') }}"
ATTACKS = (
    "select pseudonim_pasien as kode from @",
    "select md5(pseudonim_pasien) as kode from @",
    "select umur::text as kode from @",
    "select kode_icd10 as kode from @",
    "select umur::text || tanggal_kunjungan as kode, count(*) as n from @ group by umur, tanggal_kunjungan",
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("proyek")
    for folder in ("contracts", "expectations", "dbt_like_sql"):
        shutil.copytree(PROJECT_ROOT / folder, root / folder, ignore=shutil.ignore_patterns("target", "logs"))
    return root


def test_an_open_mart_of_personal_data_is_refused_with_its_lineage(project: Path) -> None:
    models = project / "dbt_like_sql/models/marts/satu_data"
    described, named = [], []
    for place, sql in enumerate(ATTACKS):
        name = f"bocor_{place}"
        (models / f"{name}.sql").write_text(sql.replace("@", VISITS))
        columns = [{"name": "kode", "description": "Kode."}, {"name": "n", "description": "Banyaknya."}]
        meta = {"publikasi": "terbuka"}
        described.append(
            {
                "name": name,
                "description": "Uji.",
                "config": {"meta": meta},
                "columns": columns[: 1 + ("as n" in sql)],
            }
        )
        named.append(f"ref('{name}')")
    exposure = {"name": "bocor", "type": "application", "owner": {"name": "x"}, "depends_on": named}
    exposure["config"] = {"meta": {"terbit": "berkas"}}
    (models / "bocor.yml").write_text(yaml.safe_dump({"models": described, "exposures": [exposure]}))

    faults = validate(Settings(home=project / "home", project=project, warehouse_url=None), {})

    for place, sql in enumerate(ATTACKS):
        of_mart = [f for f in faults if f.path == models / f"bocor_{place}.sql"]
        column = "n" if "as n" in sql else "kode"
        (fault,) = [f for f in of_mart if f.message.startswith(f"mart_satu_data.bocor_{place}.{column} <- ")]
        assert " <- staging.stg_dinkes__kunjungan" in fault.message
        assert " <- raw dinkes/kunjungan" in fault.message
        assert fault.hint
    assert {f.path.parent for f in faults} == {models}


def test_a_mart_of_a_report_is_checked_like_an_open_one(project: Path) -> None:
    models = project / "dbt_like_sql/models/marts/satu_data"
    (models / "untuk_laporan.sql").write_text("select pseudonim_pasien as kode from @".replace("@", VISITS))
    described = {
        "name": "untuk_laporan",
        "description": "Uji.",
        "columns": [{"name": "kode", "description": "Kode."}],
    }
    exposure: dict[str, Any] = {"name": "laporan_kedua", "type": "dashboard", "owner": {"name": "x"}}
    exposure |= {"depends_on": ["ref('untuk_laporan')"], "config": {"meta": {"terbit": "laporan"}}}
    (models / "untuk_laporan.yml").write_text(
        yaml.safe_dump({"models": [described], "exposures": [exposure]})
    )
    faults = validate(Settings(home=project / "home", project=project, warehouse_url=None), {})
    (fault, *_) = [f for f in faults if f.path == models / "untuk_laporan.sql"]
    assert " <- raw dinkes/kunjungan.nik (pribadi)" in fault.message
