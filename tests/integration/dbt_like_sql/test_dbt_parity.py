"""dbt-core 1.11 builds dbt_like_sql/ into schemas of its own, with the same columns, types and rows as our builder.

dbt is not a dependency: `GUDANG_TEST_DBT` names its program, else `dbt` on the path is used.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from pipelines.models.project.nodes import Project
from tests.support.model_warehouse import ModelWarehouse
from tests.support.repository import MODELS
from tests.support.small_warehouse import SmallWarehouse

DBT = os.environ.get("GUDANG_TEST_DBT") or shutil.which("dbt")


def dbt_profile(url: str) -> dict[str, object]:
    parts = conninfo_to_dict(url)
    output = {
        "type": "postgres",
        "host": parts.get("host", "localhost"),
        "port": int(parts.get("port") or 5432),
        "user": parts.get("user", "postgres"),
        "password": parts.get("password") or "",
        "dbname": parts["dbname"],
        "schema": "uji",
        "threads": 2,
    }
    return {"gudang_kaltim": {"target": "uji", "outputs": {"uji": output}}}


needs_dbt = pytest.mark.skipif(
    DBT is None and os.environ.get("CI") != "true", reason="dbt-core is not installed (set GUDANG_TEST_DBT)"
)


class Dbt:
    """Runs dbt-core on a folder, into schemas of its own (uji_*). A warning of dbt is an error."""

    def __init__(self, url: str, folder: Path, place: Path) -> None:
        self.folder, self.place = folder, place
        (place / "profiles.yml").write_text(yaml.safe_dump(dbt_profile(url)))

    def build(self, *more: str) -> None:
        options = [
            "--profiles-dir",
            self.place,
            "--target-path",
            self.place / "target",
            "--log-path",
            self.place / "logs",
        ]
        # A failed data test of severity warn is not an error of the folder.
        strict = ["--warn-error-options", '{"error": "all", "warn": ["LogTestResult"]}']
        # The log of every statement and the JSON of the results take a fifth of dbt's time, and nobody reads them.
        strict += ["--log-level-file", "none", "--no-write-json"]
        done = subprocess.run(
            [str(DBT), *strict, "build", "--project-dir", self.folder, *options, *more],
            env={**os.environ, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-3000:]


def assert_same(connection: psycopg.Connection[Any], project: Project) -> None:
    """Each relation has the same columns, types and rows in both builds."""
    for node in project.nodes.values():
        own, of_dbt = sql.Identifier(node.schema, node.name), sql.Identifier(f"uji_{node.schema}", node.name)
        assert shape(connection, own) == shape(connection, of_dbt), node.name
        different = connection.execute(
            sql.SQL("(table {0} except all table {1}) union all (table {1} except all table {0})").format(
                own, of_dbt
            )
        )
        assert different.fetchall() == [], node.name


@pytest.mark.slow
@needs_dbt
def test_dbt_builds_the_same_relations(pg_url: str, tmp_path: Path) -> None:
    warehouse = ModelWarehouse(pg_url)
    warehouse.run("""
        insert into raw.samarinda__penduduk values
            (2024, 'SAMARINDA ULU', 'DADIMULYA', 'L', 30, 7),
            (2024, 'SAMARINDA ULU', 'DADI MULYA', 'L', 30, 3);
        insert into raw.dinsos__rekap_dtks (periode, kabupaten_kota, kecamatan, jumlah_keluarga, keluarga_desil_1,
            keluarga_desil_2, keluarga_desil_3, keluarga_desil_4)
        values ('2025 Smt 1', 'Kab. Berau', 'Kelay', 26, 3, 6, 8, 9), ('2025 Smt 1', 'Kab. Berau', 'Segah', 30, 5, 7, 9, 9);
        insert into raw.disnakertrans__pencari_kerja
            (bulan, kode_wilayah, jenis_kelamin, pendidikan, kelompok_umur, terdaftar, ditempatkan)
        select '2026-10', '6402', case n % 2 when 0 then 'L' else 'P' end, 'Didik ' || n % 3, n::text, n, 0
        from generate_series(1, 9) as n;
        insert into raw.dispar__kunjungan_wisata
            (tanggal, kode_destinasi, jenis_wisatawan, kabupaten_kota, jumlah_kunjungan)
        values ('2026-01-01', 'A', 'wisnus', 'Balik Papan', 9), ('2026-01-01', 'A', 'wisman', 'Balik Papan', 2),
            ('2026-01-01', 'B', 'wisman', 'Ibu Kota Nusantara', 8), ('2026-01-31', 'B', 'wisnus', 'Ibu Kota Nusantara', 7);
        insert into raw.diskominfo__aduan (id_aduan, tanggal, kategori, kode_opd)
        select n, date '2026-01-01' + n, 'Pokok ' || n % 3, case when n % 2 = 0 then 'dinkes' else 'dlh' end
        from generate_series(1, 120) as n;
        insert into raw.disbun__produksi_sawit
            (tahun, kabupaten_kota, kecamatan, status_pengusahaan, luas_tm, jumlah_luas, produksi)
        values (2025, 'Kutim', 'Kongbeng', 'rakyat', 7, 7, 100);
        insert into raw.esdm__produksi_batubara (kabupaten_kota, tahun, bulan, perusahaan, jenis_izin, nomor_izin, produksi)
        values ('Kab. Berau', 2026, 9, 'PT A', 'IUP', '1', 10.5);
        insert into raw.dinkes__puskesmas (kode_puskesmas, nama, kode_kecamatan, jenis, aktif, _loaded_at)
        values ('P64720101', 'Palaran', '64.72.01', 'rawat_inap', true, '2026-12-31T17:00:00Z');
        insert into raw.diskominfo__inventaris_aplikasi
            (id_aplikasi, nama, kode_opd, status, raa_level_1, raa_level_2, basis_aplikasi, diperbarui_pada)
        values ('A', 'A', 'dinkes', 'Operasional', '02', '02.01', 'web', '2026-01-01');
        insert into raw.diskominfo__penilaian_spbe (instrumen, versi, tahun, no_indikator, tingkat, target)
        select 'spbe', '59/2020', 2025, n, 1 + n % 5, 4 from generate_series(1, 40) as n
        union all select 'pemdi', '8/2026', 2026, n, 1 + n % 5, 4 from generate_series(8, 20) as n;
        insert into raw.dlh__ispu (stasiun, waktu, kode_bps) values ('A', '2026-09-30T23:30:00Z', '6402');
        insert into raw.dinsos__rekap_dtks (periode, kabupaten_kota, kecamatan, jumlah_keluarga, keluarga_desil_1,
            keluarga_desil_2, keluarga_desil_3, keluarga_desil_4)
        values ('2026 Smt 1', 'Kab. Pasir', 'Kec. Pasir Belengkong', 3, 0, 1, 1, 1);
        insert into raw.bpkad__realisasi_apbd
            (periode, kode_skpd, nama_skpd, kode_sub_kegiatan, kode_rekening, anggaran, realisasi)
        values ('2026-01-01', '1', 'Dinas Sosial', 'a', '5.1.01.01.01.0001', 9, 3);
        insert into raw.bkd__pegawai (nip, kode_opd, status_kepegawaian, golongan, valid_from, is_current)
        select 'A' || n, case when n % 3 = 0 then 'dinkes' else 'dinsos' end, 'PNS',
            case when n % 7 = 0 then 'IV/a' else 'III/a' end, '2026-01-01', true
        from generate_series(1, 40) as n;
        insert into raw.bapenda__pembayaran_pkb
            (id_pembayaran, nomor_polisi, tanggal_bayar, kode_kabupaten_kota, jenis_kendaraan, pkb)
        select n, 'K' || n, date '2026-01-20' + n, '64.7' || 1 + n % 2, 'R' || 2 + 2 * (n % 3), 100000
        from generate_series(1, 30) as n;
        insert into raw.dpmptsp__izin
            (nomor_izin, kode_kabupaten_kota, jenis_izin, skala_usaha, tanggal_terbit, status)
        select n, '64.7' || 1 + n % 2, 'Risiko ' || n % 3, 'Mikro', date '2026-01-20' + n, 'terbit'
        from generate_series(1, 30) as n;
        insert into raw.disdikbud__sekolah (npsn, nama, kode_wilayah, kecamatan, bentuk_pendidikan, status_sekolah)
        values ('1', 'SMA A', '169700', 'Kec. Balikpapan Utara', 'SMA', '1');
        insert into raw.disdikbud__sma (npsn, nama, jenjang) values ('1', 'SMA A', 'SMA'), ('2', 'SMA B', 'SMA');
        insert into raw.bps__indikator_strategis
            (kode_bps, kode_indikator, indikator, satuan, rincian, tahun, periode, nilai)
        values ('6402', '9001', 'Miskin', 'Persen', 'Tidak ada', 2025, 'Tahun', 9.25);
        insert into raw.bappeda__daftar_data (kode_daftar, judul, kode_opd, produsen_data, jadwal, dataset) values
            ('1', 'Data', 'dinkes', 'Dinas', 'harian', 'a/b'), ('2', 'Tiada', 'dishut', 'Dinas', 'tahunan', null);
        insert into ops.contract values ('a/b', 'Data', 'Dinas', 'x', 'api', 1, 6, 'terbuka', true, 3),
            ('c/d', 'Tanpa janji', 'Dinas', 'x', 'api', null, null, 'terbuka', true, 3);
        insert into ops.load_batch (dataset, state, rows_read, rows_in_raw, started_at, finished_at)
        select 'c/d', 'loaded', 9, 7, at, at from (select now() - interval '40 days' as at) as a;
        insert into ops.load_repair values (1, 'x', 'teks', 2);
        insert into ops.check_result (asset, check_name, severity, passed, unexpected, total, code, at)
        select 'raw/c/d', 'x', 'warn', false, 1, 3, 'GDK-T003', finished_at from ops.load_batch;
        insert into quarantine.row (dataset, first_batch_id, last_batch_id, row, reasons, row_hash)
        values ('c/d', 1, 1, '{}', '[{"kolom": "x", "aturan": "tipe"}]', 'a')
    """)
    assert {n: r.error for n, r in warehouse.build().items() if r.state != "ok"} == {}
    Dbt(pg_url, MODELS, tmp_path).build()
    assert_same(warehouse.connection, warehouse.project)
    warehouse.connection.close()


MARTS = """
models:
  - name: tambah
    description: Ditambah.
    columns: [{name: k, description: Kunci., data_tests: [not_null]}]
  - name: dipakai
    config: {grants: {select: [baca_setara]}, indexes: [{columns: [k], unique: true}]}
    data_tests:
      - sepasang: {arguments: {columns: [k, n]}}
    columns:
      - name: k
        data_tests:
          - unique
          - relationships: {arguments: {to: ref('kode'), field: k}, config: {severity: warn}}
          - accepted_values: {arguments: {values: [1, 2, 3], quote: false}, config: {where: k < 4}}
exposures:
  - name: laporan
    type: dashboard
    owner: {name: Diskominfo, email: walidata@contoh.example}
    depends_on: [ref('dipakai'), ref('jumlah')]
    config: {meta: {satu_transaksi: true}}
"""


@pytest.mark.slow
@needs_dbt
def test_dbt_builds_the_same_incremental_models(
    small_warehouse: SmallWarehouse, role: Any, tmp_path: Path
) -> None:
    """Every strategy and every `on_schema_change`, in three nights. The third is a full refresh."""
    role("baca_setara")
    folder = small_warehouse.folder
    folder.write("models/sources.yml", "sources: [{name: opd, schema: raw, tables: [{name: sumber}]}]")
    folder.write("models/marts/marts.yml", MARTS)
    folder.write(
        "macros/sepasang.sql",
        """
        {% test sepasang(model, columns) %}
        select {{ columns | join(', ') }} from {{ model }} group by {{ columns | join(', ') }} having count(*) > 1
        {% endtest %}
    """,
    )
    folder.write("seeds/kode.csv", "k,nama\n1,satu\n2,\n")
    folder.write(
        "seeds/seeds.yml", "seeds: [{name: kode, config: {column_types: {k: integer, nama: varchar(20)}}}]"
    )
    folder.write("models/marts/mati.sql", "{{ config(enabled=false) }} select * from {{ ref('tiada_lagi') }}")
    folder.write("models/staging/dilihat.sql", "select k, n from {{ source('opd', 'sumber') }}")
    folder.write("models/marts/dipakai.sql", "select k, max(n) as n from {{ ref('dilihat') }} group by k")
    folder.write("models/marts/jumlah.sql", "select count(*) as n from {{ ref('dilihat') }}")
    folder.write("tests/tidak_kosong.sql", "select 1 where not exists (select from {{ ref('dipakai') }})")
    new = "{% if is_incremental() %} where k > (select max(k) from {{ this }}) {% endif %}"
    all_rows = "select k, j, n from {{ source('opd', 'sumber') }}"
    for name, config, query in (
        ("tambah", "", f"{all_rows} {new}"),
        ("hapus_isi", "unique_key='k'", all_rows),
        ("hapus_isi_dua", "unique_key=['k', 'j'], incremental_strategy='delete+insert'", all_rows),
        ("gabung", "unique_key=['k', 'j'], incremental_strategy='merge'", all_rows),
    ):
        settings = ", ".join(filter(None, ("materialized='incremental'", config)))
        folder.write(f"models/marts/{name}.sql", f"{{{{ config({settings}) }}}}\n{query}")

    def shapes(columns: str) -> None:
        for change in ("ignore", "append_new_columns", "sync_all_columns"):
            config = f"materialized='incremental', unique_key='k', on_schema_change='{change}'"
            folder.write(
                f"models/marts/b_{change}.sql",
                f"{{{{ config({config}) }}}} select {columns} from raw.sumber",  # noqa: S608
            )

    dbt = Dbt(small_warehouse.url, folder.root, tmp_path)
    nights = (
        (
            "create table raw.sumber as select g as k, 1 as j, g * 10 as n from generate_series(1, 3) g",
            "k, n",
        ),
        (
            "update raw.sumber set n = n + 1 where k < 3; insert into raw.sumber values (4, 1, 40), (4, 2, 41)",
            "k, n, j",
        ),
        (
            "delete from raw.sumber where k = 4 and j = 2; insert into raw.sumber values (5, 1, 50)",
            "k, n, 'x'::text as teks",
        ),
    )
    folder.write(
        "dbt_project.yml", folder.root.joinpath("dbt_project.yml").read_text() + "profile: gudang_kaltim\n"
    )
    for number, (change, columns) in enumerate(nights):
        small_warehouse.run(change)
        shapes(columns)
        if number == 2:  # dbt fails here, as our builder does: a described column is missing
            folder.write(
                "models/marts/b_ignore.sql", folder.root.joinpath("models/marts/tambah.sql").read_text()
            )
        full = number == 2
        assert {
            r.name: r.error for r in small_warehouse.build(full_refresh=full).values() if r.state != "ok"
        } == {}
        dbt.build(*(["--full-refresh"] if full else []))
        assert_same(small_warehouse.connection, folder.project())
    granted = "select has_table_privilege('baca_setara', {}, 'select')"
    assert (
        small_warehouse.run(granted.format("'core.dipakai'"))
        == small_warehouse.run(granted.format("'uji_core.dipakai'"))
        == [(True,)]
    )
    unique = "select count(*) from pg_indexes where tablename = 'dipakai' and indexdef like 'CREATE UNIQUE%'"
    assert small_warehouse.run(unique) == [(2,)]


def shape(connection: psycopg.Connection[Any], relation: sql.Identifier) -> list[tuple[object, ...]]:
    """The relation's columns and their types."""
    return connection.execute(
        """
        select attname, format_type(atttypid, atttypmod) from pg_attribute
        where attrelid = %s::regclass and attnum > 0 and not attisdropped order by attnum
        """,
        [relation.as_string()],
    ).fetchall()
