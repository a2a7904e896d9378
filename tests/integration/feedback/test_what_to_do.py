"""An OPD is told to do what is in its power, and not what operators do with contract, warehouse or logs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.errors import ShapeError
from pipelines.findings.catalogue import entry
from tests.support.contracts import column, database
from tests.support.feedback import ToldOpd, findings_in, summary_in

COLUMNS = (column("kode", required=True, primaryKey=True), column("jumlah", "integer"))


@pytest.fixture
def opd(warehouse_url: str, tmp_path: Path) -> Iterator[ToldOpd]:
    made = ToldOpd(warehouse_url, tmp_path, mail_when="on_change")
    yield made
    made.loads.connection.close()


@pytest.mark.parametrize(
    ("text", "hint", "fix"),
    [
        ("kode,jumlh\nA,1\n", "berkas harus memuat: ", "berkas harus memuat: "),
        ("kode,jumlah\nA,Kel\xe9\n", "encoding: cp1252", "Di Excel pilih "),
    ],
    ids=["about the file", "about the contract"],
)
def test_hint_of_an_error_is_told_if_it_is_about_the_file(
    text: str, hint: str, fix: str, opd: ToldOpd, tmp_path: Path
) -> None:
    contract = opd.dataset("uji/data", "csv", *COLUMNS, extract={"encoding": "utf-8"})
    file = tmp_path / "data.csv"
    file.write_bytes(text.encode("cp1252"))
    assert opd.send(contract, file) == "failed"
    opd.tell()
    assert hint in opd.loads.run("select failure ->> 'hint' from ops.load_batch")[0][0]
    (found,) = findings_in(opd.folders()[0])
    assert found["perbaikan"].startswith(fix)


def test_opd_is_told_what_it_can_do_itself(opd: ToldOpd) -> None:
    contract = opd.loads.contract(*COLUMNS, key="uji/tabel", server=database("UJI_URL"))
    opd.contracts[contract.key] = contract

    def lacks_a_column(*_: object) -> list[tuple[str, str]]:
        hint = "ubah physicalName di kontrak"
        raise ShapeError(contract.key, "kolom jumlah tidak ada", hint=hint, code="GDK-S005")

    with pytest.raises(ShapeError):
        opd.loads.load(contract, lacks_a_column)
    opd.tell()
    batch = opd.loads.load(contract, lambda _, __: [("A", "1")])
    opd.loads.run(
        "insert into ops.check_result (run_id, batch_id, asset, check_name, severity, passed, expectation)"  # noqa: S608
        f" values ('uji', {batch.batch_id}, 'raw/uji/tabel', 'cocok', 'warn', false, 'unexpected_rows_expectation')"
    )
    opd.tell()
    letters = opd.loads.run("select letter ->> 'text' from ops.feedback order by feedback_id")
    for folder, (text,), code in zip(opd.folders(), letters, ("GDK-S005", "GDK-T010"), strict=True):
        fix = entry(code).fix_for_opd
        assert [(f["kode"], f["perbaikan"]) for f in findings_in(folder)] == [(code, fix)]
        assert summary_in(folder)["menurut_kode"][0]["perbaikan"] == fix
        for told in (text, (folder / "index.html").read_text("utf-8")):
            assert fix in told
            assert "physicalName" not in told and "kueri" not in told
