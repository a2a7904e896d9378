"""Reads the values that the report shows, with one query per section.

What belongs here: reading marts, check results and counts of quarantined rows, but never a value of a quarantined row
or the message of a check. A relation that does not exist yet gives an empty section. Not here: texts (report.py) and
pictures (charts.py).

Rows are dataclasses, not DataFrames: a template tells None from 0 and shows a Decimal as it is, and importing pandas
alone takes 0.9 s.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, LiteralString, TypeVar

from psycopg import Connection
from psycopg.rows import class_row

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DatasetStatus:
    """A line of the Daftar Data: the agreed dataset, its contract, and what was delivered.

    dataset, jenis_sumber, dijanjikan_tiap_hari: None if the agreed dataset has no contract. kode_daftar, jadwal,
    prioritas: None for a dataset that is in no agreed list. data_contoh: whether its rows are made up.
    """

    dataset: str | None
    judul: str
    produsen_data: str
    jenis_sumber: str | None
    jadwal: str | None
    dijanjikan_tiap_hari: Decimal | None
    terakhir_datang: datetime | None
    jumlah_baris: int | None
    baris_karantina: int | None
    status: str
    kode_daftar: str | None
    ada_kontrak: bool
    prioritas: bool | None
    data_contoh: bool | None


@dataclass(frozen=True, slots=True)
class QualityScore:
    """The score of a dataset in a dimension and month, 0 to 100; None where nothing could be measured.

    dimensi: "gabungan" for the weighted mean of all dimensions. perubahan: since the month before. hari_terlambat: days
    of the month on which the data were older than promised; None without a promise.
    """

    dataset: str
    judul: str
    opd: str
    produsen_data: str
    dimensi: str
    bobot: Decimal | None
    tahun: int
    bulan: int
    skor: Decimal | None
    perubahan: Decimal | None
    temuan_terbuka: int
    hari_perbaikan: Decimal | None
    sel_diperbaiki: int
    hari_terlambat: Decimal | None
    data_contoh: bool


@dataclass(frozen=True, slots=True)
class FailedCheck:
    """A check that fails now (ops.check_in_force)."""

    asset: str
    check_name: str
    severity: str
    unexpected: int | None
    total: int | None


@dataclass(frozen=True, slots=True)
class QuarantineReason:
    """How many rows in quarantine broke a rule, per dataset and column."""

    dataset: str
    kolom: str
    aturan: str
    jumlah: int


@dataclass(frozen=True, slots=True)
class Population:
    """The number of people of a kelurahan or village, or of a whole kecamatan, in a year.

    desa_kelurahan: None for the whole kecamatan, which has the people of hidden cells, too. jumlah: None if it is
    hidden (adr/018).
    """

    kabupaten_kota: str
    kecamatan: str
    desa_kelurahan: str | None
    tahun: int
    jumlah: int | None


@dataclass(frozen=True, slots=True)
class Visits:
    """Visits of one month and way of paying.

    jumlah: without the hidden cells; None if all are hidden. disembunyikan: how many cells are hidden.
    """

    kabupaten_kota: str
    tahun: int
    bulan: int
    cara_bayar: str
    jumlah: int | None
    disembunyikan: int


@dataclass(frozen=True, slots=True)
class Index:
    """An index of the province, or a domain or aspect of one.

    berlaku: whether the instrument is in force; else the index is history. jenis_penilaian: "resmi" if the official
    assessor assessed it, "mandiri" if the province did, None if nobody did. asal: "formulir" if we computed it from its
    indicators, "diumumkan" if it was announced; then keterangan names the source.
    """

    instrumen: str
    versi: str
    berlaku: bool
    tahun: int
    jenis: str
    kode: str
    nama: str
    jenis_penilaian: str | None
    asal: str
    bobot: float | None
    indeks: float | None
    target_indeks: float | None
    selisih: float | None
    predikat: str | None
    jumlah_indikator: int
    terisi: int | None
    keterangan: str | None


@dataclass(frozen=True, slots=True)
class ReportData:
    """All sections. An empty tuple means that there is no data yet."""

    daftar_data: tuple[DatasetStatus, ...]
    quality: tuple[QualityScore, ...]
    failed_checks: tuple[FailedCheck, ...]
    quarantine: tuple[QuarantineReason, ...]
    population: tuple[Population, ...]
    visits: tuple[Visits, ...]
    indices: tuple[Index, ...]


_DAFTAR_DATA = """
select dataset, judul, produsen_data, jenis_sumber, jadwal, dijanjikan_tiap_hari::numeric as dijanjikan_tiap_hari,
    terakhir_datang::timestamptz as terakhir_datang, jumlah_baris::bigint as jumlah_baris,
    baris_karantina::bigint as baris_karantina, status, kode_daftar, ada_kontrak, prioritas, data_contoh
from mart_satu_data.daftar_data order by produsen_data, judul, dataset
"""

_QUALITY = """
select dataset, judul, opd, produsen_data, dimensi, bobot, tahun, bulan, skor, perubahan, temuan_terbuka,
    hari_perbaikan, sel_diperbaiki, hari_terlambat, data_contoh
from mart_satu_data.kualitas_data order by tahun, bulan, opd, judul, dataset
"""

# Results and refused rows of a dataset without a contract are not shown, because no OPD is responsible for it.
_FAILED_CHECKS = """
select r.asset, r.check_name, r.severity, r.unexpected, r.total
from ops.check_in_force as r
where not r.passed
    and (r.asset not like 'raw/%' or exists (select from ops.contract as c where r.asset = 'raw/' || c.dataset))
order by r.severity, r.asset, r.check_name
"""

_QUARANTINE = """
select q.dataset, coalesce(r.reason ->> 'kolom', '') as kolom, coalesce(r.reason ->> 'aturan', '') as aturan,
    count(*) as jumlah
from quarantine.row as q
cross join lateral jsonb_array_elements(
    case when jsonb_typeof(q.reasons) = 'array' then q.reasons else jsonb_build_array(q.reasons) end
) as r (reason)
where q.state = 'open' and exists (select from ops.contract as c where c.dataset = q.dataset)
group by 1, 2, 3 order by jumlah desc, 1, 2, 3
"""

# Totals are read and not added up: a sum of cells lacks those that are hidden.
_POPULATION = """
select coalesce(nama_kabupaten_kota, kode_kabupaten_kota, '-') as kabupaten_kota,
    coalesce(nama_kecamatan, kode_kecamatan, '-') as kecamatan,
    coalesce(nama_desa_kelurahan, kode_desa_kelurahan) as desa_kelurahan,
    tahun::int as tahun, jumlah::bigint as jumlah
from mart_satu_data.penduduk_jumlah
where jenis_kelamin = 'SEMUA'
order by kode_kabupaten_kota, kode_kecamatan, kode_desa_kelurahan nulls first, tahun
"""

_VISITS = """
select coalesce(nama_kabupaten_kota, kode_kabupaten_kota, '-') as kabupaten_kota, tahun::int as tahun,
    bulan::int as bulan, coalesce(cara_bayar, '-') as cara_bayar,
    sum(jumlah_kunjungan)::bigint as jumlah,
    count(*) filter (where jumlah_kunjungan is null) as disembunyikan
from mart_satu_data.layanan_kesehatan_bulanan group by 1, 2, 3, 4 order by 2, 3, 4, 1
"""

_INDICES = """
select instrumen, versi, instrumen_berlaku as berlaku, tahun::int as tahun, jenis, kode::text as kode, nama,
    jenis_penilaian, asal, bobot::float8 as bobot, indeks::float8 as indeks, target_indeks::float8 as target_indeks,
    selisih::float8 as selisih, predikat, coalesce(jumlah_indikator, 0)::int as jumlah_indikator, terisi::int as terisi,
    keterangan
from mart_spbe.indeks_instrumen
where lingkup = 'provinsi' and jenis <> 'indikator'
order by instrumen_berlaku desc, array_position(array['pemdi', 'epss', 'spbe'], instrumen), tahun, asal desc,
    jenis_penilaian desc, array_position(array['indeks', 'domain', 'aspek'], jenis),
    nullif(regexp_replace(kode::text, '[^0-9].*$', ''), '')::int nulls first, kode
"""


def read_report(connection: Connection[Any]) -> ReportData:
    """Reads everything that the report shows. Call it inside `snapshot`."""

    def section(relation: LiteralString, row: type[T], query: LiteralString) -> tuple[T, ...]:
        if not _exists(connection, relation):
            return ()
        with connection.cursor(row_factory=class_row(row)) as cursor:
            return tuple(cursor.execute(query).fetchall())

    return ReportData(
        daftar_data=section("mart_satu_data.daftar_data", DatasetStatus, _DAFTAR_DATA),
        quality=section("mart_satu_data.kualitas_data", QualityScore, _QUALITY),
        failed_checks=section("ops.check_in_force", FailedCheck, _FAILED_CHECKS),
        quarantine=section("quarantine.row", QuarantineReason, _QUARANTINE),
        population=section("mart_satu_data.penduduk_jumlah", Population, _POPULATION),
        visits=section("mart_satu_data.layanan_kesehatan_bulanan", Visits, _VISITS),
        indices=section("mart_spbe.indeks_instrumen", Index, _INDICES),
    )


def _exists(connection: Connection[Any], relation: LiteralString) -> bool:
    row = connection.execute("select to_regclass(%s) is not null", [relation]).fetchone()
    return bool(row and row[0])
