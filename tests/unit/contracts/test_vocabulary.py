"""A part of a contract that the warehouse would not keep is a fault of `gudang validate`, at its own line."""

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
def test_option_that_is_not_checked_or_cannot_be_kept_is_a_fault(
    tmp_path: Path, of: dict[str, Any], message: str, line: str
) -> None:
    found, at = only(tmp_path, of)
    assert found.startswith(message)
    assert at.startswith(line)


def test_options_that_are_checked_are_accepted(tmp_path: Path) -> None:
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


def column_document(**more: Any) -> dict[str, Any]:
    return doc(ID, column("a", **more))


def top_document(**more: Any) -> dict[str, Any]:
    return {**doc(), **more}


def schema_document(**more: Any) -> dict[str, Any]:
    of = doc()
    of["schema"][0] |= more
    return of


def server_document(**more: Any) -> dict[str, Any]:
    of = doc()
    of["servers"][0] |= more
    return of


def sla_document(**more: Any) -> dict[str, Any]:
    return top_document(slaProperties=[{"property": "latency", "value": 1, "unit": "d", **more}])


WRONG = [{"property": "sinonim", "value": "x"}]
QUALITY = [{"type": "text", "description": "benar"}]
REFERENCE = {"type": "foreignKey", "to": "ref_opd.kode"}


@pytest.mark.parametrize(
    ("of", "message", "line"),
    [
        (column_document(quality=QUALITY), "a: quality menjanjikan hal yang tidak dijaga di sini", "quality:"),
        (column_document(partitioned=True), "a: partitioned menjanjikan", "partitioned:"),
        (column_document(partitionKeyPosition=1), "a: partitionKeyPosition menjanjikan", "partitionKeyPosition:"),
        (column_document(encryptedName="b"), "a: encryptedName menjanjikan", "encryptedName:"),
        (column_document(transformLogic="sum(a)"), "a: transformLogic menjanjikan", "transformLogic:"),
        (column_document(relationships=[REFERENCE, {**REFERENCE, "to": "ref_a.b"}]), "a: hanya satu rujukan", "- type: foreignKey"),
        (column_document(relationships=[{"to": "a.b.c"}]), "a: 'a.b.c' bukan kolom rujukan", "- to: a.b.c"),
        (column_document(primaryKeyPosition=1), "a: ada primaryKeyPosition, tetapi kolom ini bukan kunci", "primaryKeyPosition:"),
        (column_document(enum=[{"value": "x"}, {"value": "x", "label": "y"}]), "a: 'x' ganda di enum", "- value: x"),
        (column_document(enum=[{"value": "1", "customProperties": WRONG}]), "custom property 'sinonim' tidak dikenal", "- property: sinonim"),
        (doc(ID, column("a", "integer", enum=[{"value": "x"}])), "a: 'x' bukan bilangan bulat", "- value: x"),
        (doc(ID, column("a", "date", enum=[{"value": "x"}])), "a: enum untuk date tidak diperiksa", "enum:"),
        (schema_document(quality=QUALITY), "quality menjanjikan", "quality:"),
        (schema_document(relationships=[{"from": "uji.id", "to": "t.id"}]), "relationships menjanjikan", "relationships:"),
        (schema_document(physicalName="t"), "physicalName menjanjikan", "physicalName:"),
        (top_document(roles=[{"role": "pembaca"}]), "roles menjanjikan", "roles:"),
        (top_document(status="draft"), "status 'draft': dataset tetap akan dimuat", "status: draft"),
        (server_document(database="x"), "database pada servers tidak dibaca", "database: x"),
        (sla_document(schedule="0 1 * * *"), "schedule menjanjikan", "schedule:"),
        (sla_document(element="uji.id"), "element menjanjikan", "element:"),
        (sla_document(property="frequency", element="data.tiada"), "frequency: element 'data.tiada' bukan kolom periode", "element:"),
        (sla_document(property="frequency", element="a"), "frequency: element 'a' bukan kolom periode", "element:"),
        (sla_document(unit="hari"), "latency: unit 'hari' tidak dikenal", "unit: hari"),
        (sla_document(value="satu"), "latency 'satu' bukan angka", "value: satu"),
    ],
)  # fmt: skip
def test_promise_that_the_warehouse_does_not_keep_is_a_fault(
    tmp_path: Path, of: dict[str, Any], message: str, line: str
) -> None:
    found, at = only(tmp_path, of)
    assert found.startswith(message)
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
def test_custom_property_in_a_place_without_our_vocabulary_is_a_fault(
    tmp_path: Path, name: str, holder: Any
) -> None:
    place = holder[0] if isinstance(holder, list) else holder
    place["customProperties"] = [{"property": "publish", "value": True}]
    found, at = only(tmp_path, top_document(**{name: holder}))
    assert (found, at) == ("custom property 'publish' tidak dikenal", "- property: publish")


def test_unknown_custom_property_of_a_schema_or_relationship_is_a_fault(tmp_path: Path) -> None:
    own = [{"property": "saring", "value": 1}]
    assert only(tmp_path, schema_document(customProperties=own))[1] == "- property: saring"
    related = column_document(relationships=[{**REFERENCE, "customProperties": own}])
    assert only(tmp_path, related)[1] == "- property: saring"


def test_repeated_custom_property_is_a_fault(tmp_path: Path) -> None:
    twice = doc()
    twice["customProperties"] += [{"property": "publish", "value": True}] * 2
    (fault,) = faults(tmp_path, twice)
    assert fault.message == "custom property 'publish' ganda"


def test_where_of_a_relationship_must_be_a_mapping(tmp_path: Path) -> None:
    wrong = column_document(
        relationships=[{**REFERENCE, "customProperties": [{"property": "where", "value": "level"}]}]
    )
    assert only(tmp_path, wrong)[0] == "a: where bukan pemetaan, melainkan teks"


def test_second_server_and_second_schema_are_faults(tmp_path: Path) -> None:
    of = doc()
    of["servers"].append(database("LAIN_URL"))
    of["schema"].append({"name": "lain"})
    assert [f.message for f in faults(tmp_path, of)] == [
        "hanya servers yang pertama dibaca",
        "hanya schema yang pertama dibaca",
    ]


def test_server_of_an_upload_must_agree_with_extract(tmp_path: Path) -> None:
    extract = {"format": "csv", "pattern": "*"}
    of = document("dinas/uji", [ID], upload("dinas/lain", "csv"), extract=extract)
    assert only(tmp_path, of) == ("path adalah 'dinas/lain'", "path: dinas/lain")
    of = document("dinas/uji", [ID], upload("dinas/uji", "xlsx"), extract=extract)
    expected = ("format pada servers adalah 'xlsx', pada extract 'csv'", "format: xlsx")
    assert only(tmp_path, of) == expected


def test_columns_of_a_key_must_stand_in_the_order_of_their_positions(tmp_path: Path) -> None:
    first, second = (column(n, primaryKey=True, primaryKeyPosition=p) for n, p in (("a", 2), ("b", 1)))
    found, at = only(tmp_path, doc(first, second))
    assert found == "b: kolom kunci harus berurutan seperti propertinya"
    assert at == "primaryKeyPosition: 1"
    assert make(tmp_path, doc(second, first)).primary_key == ("b", "a")


def test_unique_is_accepted_only_if_a_load_replaces_all_rows(tmp_path: Path) -> None:
    unique = column("a", unique=True)
    make(tmp_path, doc(ID, unique))
    make(tmp_path, doc({**ID, "unique": True}, write_disposition="merge"))
    for custom in ({"write_disposition": "merge"}, {"write_disposition": "append"}):
        found, at = only(tmp_path, doc(ID, unique, **custom))
        assert found.startswith("a: unique hanya diperiksa pada pemuatan yang mengganti seluruh tabel")
        assert at == "unique: true"
    found, _ = only(tmp_path, doc(ID, column("b", primaryKey=True, unique=True)))
    assert found == "b: hanya seluruh kunci yang unik"


def test_properties_that_only_describe_are_accepted(tmp_path: Path) -> None:
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


def test_invalid_odcs_is_reported_by_the_schema_only(tmp_path: Path) -> None:
    of = doc()
    of["customProperties"] = "extract"
    messages = [f.message for f in read_contract(write(tmp_path, of))[1]]
    assert messages == ["'extract' bukan daftar"]


@pytest.mark.parametrize("name", ["", "  "])
def test_blank_physical_name_is_a_fault(tmp_path: Path, name: str) -> None:
    message, line = only(tmp_path, doc(ID, column("baris", physicalName=name)))
    assert message.startswith("baris: physicalName kosong") and line.startswith("physicalName:")


@pytest.mark.parametrize("name", ["ctid", "xmin", "tableoid"])
def test_name_of_a_system_column_is_a_fault_unless_it_is_renamed(tmp_path: Path, name: str) -> None:
    message, line = only(tmp_path, doc(ID, column(name)))
    assert message == f"{name}: setiap tabel PostgreSQL sudah mempunyai kolom dengan nama itu"
    assert line == f"- name: {name}"
    assert faults(tmp_path, doc(ID, column("baris", physicalName=name))) == []
