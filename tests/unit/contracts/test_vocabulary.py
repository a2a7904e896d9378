"""What a contract promises and nobody would keep is a fault of `gudang validate`, at its own line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.contracts.files import Fault, read_contract
from tests.support.contracts import column, database, document, make, upload, write

ID = column("id", "bigint", primaryKey=True)


def doc(*columns: dict[str, Any], **custom: Any) -> dict[str, Any]:
    return document(
        "dinas/uji", list(columns) or [ID], database("UJI_URL"), **{"extract": {"table": "t"}, **custom}
    )


def faults(folder: Path, of: dict[str, Any]) -> list[Fault]:
    found = read_contract(write(folder, of))[1]
    assert all(fault.hint for fault in found)
    return found


def only(folder: Path, of: dict[str, Any]) -> tuple[str, str]:
    """The only fault, and the text of its line."""
    (fault,) = faults(folder, of)
    return fault.message, fault.path.read_text("utf-8").splitlines()[fault.line - 1].strip()


def options(kind: str, **given: Any) -> dict[str, Any]:
    return doc(ID, column("a", kind, logicalTypeOptions=given))


@pytest.mark.parametrize(
    ("of", "message", "line"),
    [
        (options("text", pattern=r"^\d+$"), "a: pattern '^\\\\d+$': \\d tidak berlaku", "pattern: "),
        (options("text", minLength=3, maxLength=2), "a: tidak ada teks dengan sedikitnya 3", "minLength: 3"),
        (options("text", minItems=2), "kunci 'minItems' tidak dikenal", "minItems: 2"),
        (options("text", multipleOf=2), "kunci 'multipleOf' tidak dikenal", "multipleOf: 2"),
        (options("boolean", minItems=2), "a: minItems untuk boolean tidak diperiksa", "minItems: 2"),
        (options("boolean", minimum=0), "a: minimum untuk boolean tidak diperiksa", "minimum: 0"),
        (options("integer", format="u8"), "a: format 'u8' hanya untuk string", "- name: a"),
        (options("integer", minimum=0.5), "a: minimum 0.5 bukan integer", "minimum: 0.5"),
        (options("smallint", maximum=40_000), "a: maximum 40000 bukan smallint", "maximum: 40000"),
        (options("numeric", maximum=float("inf")), "a: maximum inf bukan numeric", "maximum: .inf"),
        (options("date", minimum="kemarin"), "a: minimum 'kemarin' bukan date", "minimum: kemarin"),
        (options("date", minimum="2024-02-30"), "a: minimum '2024-02-30' bukan date", "minimum: "),
        (options("timestamp", minimum="2024-01-01T00:00:00Z"), "a: minimum '2024-01-01T00:00:00Z' bukan timestamp", "minimum: "),
        (options("integer", minimum=5, maximum=4), "a: tidak ada nilai di antara kedua batas", "minimum: 5"),
        (options("integer", exclusiveMinimum=5, maximum=5), "a: tidak ada nilai di antara", "exclusiveMinimum: 5"),
        (options("integer", minimum=1, exclusiveMinimum=0), "a: minimum dan exclusiveMinimum", "exclusiveMinimum: 0"),
        (options("timestamp", timezone=True), "a: timestamp tidak memuat zona waktu", "timezone: true"),
        (options("timestamptz", timezone=False), "a: timestamptz memuat zona waktu", "timezone: false"),
        (options("timestamptz", defaultTimezone="Etc/UTC"), "a: waktu tanpa zona dibaca sebagai Asia/Makassar", "defaultTimezone: "),
        (options("time", timezone=True), "a: timezone untuk time tidak diperiksa", "timezone: true"),
    ],
)  # fmt: skip
def test_an_option_that_is_not_checked_or_can_not_be_kept(
    tmp_path: Path, of: dict[str, Any], message: str, line: str
) -> None:
    told, at = only(tmp_path, of)
    assert told.startswith(message)
    assert at.startswith(line)


def test_options_that_are_kept(tmp_path: Path) -> None:
    made = make(
        tmp_path,
        doc(
            ID,
            column("a", "integer", logicalTypeOptions={"multipleOf": 5, "minimum": -10, "maximum": 10}),
            column("b", "numeric(6,4)", logicalTypeOptions={"exclusiveMinimum": 1e-7, "multipleOf": 0.5}),
            column("c", "timestamptz", logicalTypeOptions={"timezone": True, "defaultTimezone": "Asia/Makassar"}),
            column("d", "date", logicalTypeOptions={"minimum": "2024-01-01", "maximum": "2024-01-01"}),
            column("e", "time", logicalTypeOptions={"minimum": "07:30", "exclusiveMaximum": "16:00:00"}),
            column("f", "timestamp", logicalTypeOptions={"minimum": "2024-01-01"}),
        ),
    )  # fmt: skip
    assert (made.column("a").multiple_of, made.column("a").minimum) == ("5", "-10")
    assert (made.column("b").exclusive_minimum, made.column("b").multiple_of) == ("0.0000001", "0.5")


def promised(**more: Any) -> dict[str, Any]:
    return doc(ID, column("a", **more))


def at_top(**more: Any) -> dict[str, Any]:
    return {**doc(), **more}


def at_schema(**more: Any) -> dict[str, Any]:
    of = doc()
    of["schema"][0] |= more
    return of


def at_server(**more: Any) -> dict[str, Any]:
    of = doc()
    of["servers"][0] |= more
    return of


def sla(**more: Any) -> dict[str, Any]:
    return at_top(slaProperties=[{"property": "latency", "value": 1, "unit": "d", **more}])


WRONG = [{"property": "sinonim", "value": "x"}]
QUALITY = [{"type": "text", "description": "benar"}]
REFERENCE = {"type": "foreignKey", "to": "ref_opd.kode"}


@pytest.mark.parametrize(
    ("of", "message", "line"),
    [
        (promised(quality=QUALITY), "a: quality menjanjikan hal yang tidak dijaga di sini", "quality:"),
        (promised(partitioned=True), "a: partitioned menjanjikan", "partitioned:"),
        (promised(partitionKeyPosition=1), "a: partitionKeyPosition menjanjikan", "partitionKeyPosition:"),
        (promised(encryptedName="b"), "a: encryptedName menjanjikan", "encryptedName:"),
        (promised(transformLogic="sum(a)"), "a: transformLogic menjanjikan", "transformLogic:"),
        (promised(relationships=[REFERENCE, {**REFERENCE, "to": "ref_a.b"}]), "a: hanya satu rujukan", "- type: foreignKey"),
        (promised(relationships=[{"to": "a.b.c"}]), "a: 'a.b.c' bukan kolom rujukan", "- to: a.b.c"),
        (promised(primaryKeyPosition=1), "a: ada primaryKeyPosition, tetapi kolom ini bukan kunci", "primaryKeyPosition:"),
        (promised(enum=[{"value": "x"}, {"value": "x", "label": "y"}]), "a: 'x' ganda di enum", "- value: x"),
        (promised(enum=[{"value": "1", "customProperties": WRONG}]), "custom property 'sinonim' tidak dikenal", "- property: sinonim"),
        (doc(ID, column("a", "integer", enum=[{"value": "x"}])), "a: 'x' bukan bilangan bulat", "- value: x"),
        (doc(ID, column("a", "date", enum=[{"value": "x"}])), "a: enum untuk date tidak diperiksa", "enum:"),
        (at_schema(quality=QUALITY), "quality menjanjikan", "quality:"),
        (at_schema(relationships=[{"from": "uji.id", "to": "t.id"}]), "relationships menjanjikan", "relationships:"),
        (at_schema(physicalName="t"), "physicalName menjanjikan", "physicalName:"),
        (at_top(roles=[{"role": "pembaca"}]), "roles menjanjikan", "roles:"),
        (at_top(status="draft"), "status 'draft': dataset tetap akan dimuat", "status: draft"),
        (at_server(database="x"), "database pada servers tidak dibaca", "database: x"),
        (sla(schedule="0 1 * * *"), "schedule menjanjikan", "schedule:"),
        (sla(element="uji.id"), "element menjanjikan", "element:"),
        (sla(property="frequency", element="data.tiada"), "frequency: element 'data.tiada' bukan kolom periode", "element:"),
        (sla(property="frequency", element="a"), "frequency: element 'a' bukan kolom periode", "element:"),
        (sla(unit="hari"), "latency: unit 'hari' tidak dikenal", "unit: hari"),
        (sla(value="satu"), "latency 'satu' bukan angka", "value: satu"),
    ],
)  # fmt: skip
def test_a_promise_that_nobody_keeps(tmp_path: Path, of: dict[str, Any], message: str, line: str) -> None:
    told, at = only(tmp_path, of)
    assert told.startswith(message)
    assert at.startswith(line)


@pytest.mark.parametrize(
    ("name", "holder"),
    [
        ("support", [{"channel": "x"}]),
        ("team", {"name": "Dinas"}),
        ("slaProperties", [{"property": "latency", "value": 1, "unit": "d"}]),
        ("description", {"purpose": "x"}),
    ],
)
def test_a_custom_property_where_we_have_none(tmp_path: Path, name: str, holder: Any) -> None:
    place = holder[0] if isinstance(holder, list) else holder
    place["customProperties"] = [{"property": "publish", "value": True}]
    told, at = only(tmp_path, at_top(**{name: holder}))
    assert (told, at) == ("custom property 'publish' tidak dikenal", "- property: publish")


def test_a_custom_property_of_the_schema_of_a_relationship_and_one_that_stands_twice(tmp_path: Path) -> None:
    own = [{"property": "saring", "value": 1}]
    assert only(tmp_path, at_schema(customProperties=own))[1] == "- property: saring"
    related = promised(relationships=[{**REFERENCE, "customProperties": own}])
    assert only(tmp_path, related)[1] == "- property: saring"
    twice = doc()
    twice["customProperties"] += [{"property": "publish", "value": True}] * 2
    (fault,) = faults(tmp_path, twice)
    assert fault.message == "custom property 'publish' ganda"
    wrong = promised(
        relationships=[{**REFERENCE, "customProperties": [{"property": "where", "value": "level"}]}]
    )
    assert only(tmp_path, wrong)[0] == "a: where bukan pemetaan"


def test_only_one_source_and_one_table_are_read(tmp_path: Path) -> None:
    of = doc()
    of["servers"].append(database("LAIN_URL"))
    of["schema"].append({"name": "lain"})
    assert [f.message for f in faults(tmp_path, of)] == [
        "hanya servers yang pertama dibaca",
        "hanya schema yang pertama dibaca",
    ]


def test_an_uploads_server_says_what_extract_says(tmp_path: Path) -> None:
    extract = {"format": "csv", "pattern": "*"}
    of = document("dinas/uji", [ID], upload("dinas/lain", "csv"), extract=extract)
    assert only(tmp_path, of) == ("path adalah 'dinas/lain'", "path: dinas/lain")
    of = document("dinas/uji", [ID], upload("dinas/uji", "xlsx"), extract=extract)
    told = ("format pada servers adalah 'xlsx', pada extract 'csv'", "format: xlsx")
    assert only(tmp_path, of) == told


def test_a_keys_columns_stand_in_the_order_of_their_positions(tmp_path: Path) -> None:
    first, second = (column(n, primaryKey=True, primaryKeyPosition=p) for n, p in (("a", 2), ("b", 1)))
    told, at = only(tmp_path, doc(first, second))
    assert told == "b: kolom kunci harus berurutan seperti propertinya"
    assert at == "primaryKeyPosition: 1"
    assert make(tmp_path, doc(second, first)).primary_key == ("b", "a")


def test_unique_is_promised_only_where_a_load_sees_all_rows(tmp_path: Path) -> None:
    unique = column("a", unique=True)
    make(tmp_path, doc(ID, unique))
    make(tmp_path, doc({**ID, "unique": True}, write_disposition="merge"))
    for custom in ({"write_disposition": "merge"}, {"write_disposition": "append"}):
        told, at = only(tmp_path, doc(ID, unique, **custom))
        assert told.startswith("a: unique hanya diperiksa pada pemuatan yang mengganti seluruh tabel")
        assert at == "unique: true"
    told, _ = only(tmp_path, doc(ID, column("b", primaryKey=True, unique=True)))
    assert told == "b: hanya seluruh kunci yang unik"


def test_words_that_only_describe_are_free(tmp_path: Path) -> None:
    links = [{"url": "https://contoh.go.id", "type": "definisi"}]
    described = column(
        "a", tags=["x"], examples=["y"], authoritativeDefinitions=links, criticalDataElement=True,
        partitioned=False, transformDescription="dari formulir", semanticType="dimension", deprecated=False,
    )  # fmt: skip
    of = doc(ID, described)
    of |= {"tenant": "x", "tags": ["x"], "price": {"priceAmount": 0}, "context": "Tanya dinas."}
    of["schema"][0] |= {"dataGranularityDescription": "satu baris per id", "tags": ["x"]}
    of["servers"][0] |= {"environment": "prod", "description": "x"}
    make(tmp_path, of)


def test_a_document_of_another_form_is_told_by_the_standard_alone(tmp_path: Path) -> None:
    of = doc()
    of["customProperties"] = "extract"
    messages = [f.message for f in read_contract(write(tmp_path, of))[1]]
    assert messages == ["'extract' bukan daftar"]


@pytest.mark.parametrize("name", ["", "  "])
def test_a_physical_name_without_a_character_is_refused(tmp_path: Path, name: str) -> None:
    message, line = only(tmp_path, doc(ID, column("baris", physicalName=name)))
    assert message.startswith("baris: physicalName kosong") and line.startswith("physicalName:")


@pytest.mark.parametrize("name", ["ctid", "xmin", "tableoid"])
def test_a_column_that_every_table_of_postgresql_has(tmp_path: Path, name: str) -> None:
    message, line = only(tmp_path, doc(ID, column(name)))
    assert message == f"{name}: setiap tabel PostgreSQL sudah mempunyai kolom dengan nama itu"
    assert line == f"- name: {name}"
    assert faults(tmp_path, doc(ID, column("baris", physicalName=name))) == []
