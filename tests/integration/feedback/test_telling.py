"""When an OPD is told, of what, and when that is over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import jsonschema
import openpyxl
import pytest

from pipelines.datasets import Datasets
from pipelines.errors import LoadError
from pipelines.feedback.pack.summary import schema
from pipelines.feedback.prune import prune_feedback
from pipelines.feedback.send import send_pending
from pipelines.health.checks import failed_feedback
from pipelines.settings import MailServer
from tests.support.contracts import column, database
from tests.support.feedback import ToldOpd, findings_in, summary_in
from tests.support.smtp_server import SmtpServer

COLUMNS = (column("kode", required=True, primaryKey=True), column("jumlah", "integer"))
PERSONAL = (
    column("kode", required=True),
    column("nama", classification="pribadi", pseudonymise="orang", logicalTypeOptions={"maxLength": 12}),
    column("jumlah", "integer"),
)


@pytest.fixture
def opd(warehouse_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ToldOpd]:
    monkeypatch.setenv("GUDANG_PSEUDONYM_KEY", "kunci-uji-yang-panjangnya-cukup-32")
    made = ToldOpd(warehouse_url, tmp_path)
    yield made
    made.loads.connection.close()


def write(folder: Path, text: str, name: str = "data.csv") -> Path:
    file = folder / name
    file.write_text(text)
    return file


def test_corrections_end_what_was_told(opd: ToldOpd, tmp_path: Path) -> None:
    contract = opd.dataset("uji/data", "csv", *COLUMNS)
    assert opd.send(contract, write(tmp_path, "kode,jumlah\nA,1\nB,x\nC,y\n")) == "loaded"
    assert opd.tell().written == 1
    assert opd.tell().judged == 0  # told once
    assert opd.send(contract, write(tmp_path, "kode,jumlah\nA,1\nB,2\nC,y\n")) == "loaded"
    opd.tell()
    first, second = opd.folders()
    assert opd.states() == ["resolved", "open"]
    assert (first / "SELESAI.txt").exists()
    assert [(f["baris"], f["status"]) for f in findings_in(second)] == [("3", "selesai"), ("4", "terbuka")]
    assert summary_in(second)["temuan_selesai"] == 1
    assert opd.send(contract, write(tmp_path, "kode,jumlah\nA,1\nB,2\nC,3\n")) == "loaded"
    assert opd.tell().written == 0
    assert opd.states() == ["resolved", "resolved", "clean"]
    assert (second / "SELESAI.txt").exists()


@pytest.mark.parametrize(
    ("text", "state", "code"),
    [
        ("kode;banyak\nA;1\n", "failed", "GDK-F012"),
        ("kode,jumlah\nA,x\nB,y\nC,1\n", "rejected", "GDK-T013"),
    ],
)
def test_rejection_says_why(text: str, state: str, code: str, opd: ToldOpd, tmp_path: Path) -> None:
    contract = opd.dataset("uji/data", "csv", *COLUMNS, max_quarantine_share=0.1)
    assert opd.send(contract, write(tmp_path, text)) == state
    opd.tell()
    (folder,) = opd.folders()
    found = summary_in(folder)
    jsonschema.validate(found, schema())
    assert found["jenis"] == "ditolak"
    assert code in {group["kode"] for group in found["menurut_kode"]}
    assert "data.csv" in folder.joinpath("index.html").read_text("utf-8")
    assert opd.send(contract, write(tmp_path, "kode,jumlah\nA,1\nB,2\nC,3\n")) == "loaded"
    opd.tell()
    assert opd.states() == ["resolved", "clean"]


HUNDRED = "kode,jumlah\n" + "".join(f"{n},1\n" for n in range(100))
OTHERS = "kode,jumlah\n" + "".join(f"{n},1\n" for n in range(100, 200))


@pytest.mark.parametrize(
    ("custom", "code", "says"),
    [
        ({"write_disposition": "append"}, "GDK-M007", "kuncinya juga dipakai"),
        ({"max_shrink_share": 0.2}, "GDK-M005", "memberi 1 baris"),
    ],
)
def test_a_file_whose_rows_do_not_fit_those_of_raw_is_told_of(
    custom: dict[str, object], code: str, says: str, opd: ToldOpd, tmp_path: Path
) -> None:
    contract = opd.dataset("uji/data", "csv", *COLUMNS, **custom)
    assert opd.send(contract, write(tmp_path, HUNDRED, "a.csv")) == "loaded"
    opd.tell()
    assert opd.send(contract, write(tmp_path, "kode,jumlah\n3,2\n", "b.csv")) == "failed"
    opd.tell()
    (folder,) = opd.folders()
    assert any("ditolak seluruhnya" in note for note in summary_in(folder)["catatan"])
    (found,) = findings_in(folder)
    assert (found["kode"], says in found["pesan"]) == (code, True)
    # What an operator may do about it is not for the OPD.
    assert found["perbaikan"] and "gudang reload" not in found["perbaikan"]
    assert opd.send(contract, write(tmp_path, OTHERS, "b.csv")) == "loaded"
    opd.tell()
    assert opd.states() == ["clean", "resolved", "clean"]


def test_a_table_that_loses_its_rows_is_told_of_once(opd: ToldOpd) -> None:
    contract = opd.loads.contract(*COLUMNS, key="uji/tabel", server=database("UJI_URL"), max_shrink_share=0.2)
    opd.contracts[contract.key] = contract
    opd.loads.load(contract, lambda _, __: [(str(n), "1") for n in range(100)])
    opd.tell()
    for _ in range(2):
        with pytest.raises(LoadError):
            opd.loads.load(contract, lambda _, __: [("1", "1")])
        opd.tell()
    (folder,) = opd.folders()
    assert [f["kode"] for f in findings_in(folder)] == ["GDK-M005"]
    assert opd.states() == ["clean", "open", "same"]


def test_rows_of_a_database_come_by_key_and_only_if_they_changed(opd: ToldOpd) -> None:
    contract = opd.loads.contract(
        *COLUMNS, key="uji/tabel", server=database("UJI_URL"), max_quarantine_share=1
    )
    opd.contracts[contract.key] = contract
    for rows in ([("A", "1"), ("B", "x")], [("A", "3"), ("B", "x")], [("A", "3"), ("B", "x"), ("C", "y")]):
        opd.loads.load(contract, lambda _, __, found=rows: found)
        opd.tell()
    assert opd.states() == ["resolved", "same", "open"]
    folder = opd.folders()[-1]
    book = openpyxl.load_workbook(next(folder.glob("*.xlsx")))
    sheet = book["Baris yang ditahan"]
    assert [[c.value for c in row][:2] for row in sheet.iter_rows()] == [
        ["kode", "jumlah"],
        ["B", "x"],
        ["C", "y"],
    ]
    assert [f["kunci"] for f in findings_in(folder)] == ["B", "C"]


def test_personal_values_are_only_in_the_file_of_the_opd(opd: ToldOpd, tmp_path: Path) -> None:
    contract = opd.dataset("uji/data", "csv", *PERSONAL)
    name = "Rahasia Sekali Panjang"
    opd.send(contract, write(tmp_path, f"kode,nama,jumlah\nA,{name},1\nB,Ani,6402014105900001x\n"))
    opd.tell()
    (folder,) = opd.folders()
    for file in ("temuan.csv", "ringkas.json", "index.html"):
        text = (folder / file).read_text("utf-8-sig")
        assert "Rahasia" not in text and "6402014105900001" not in text
    assert name in (folder / "data.csv").read_text()


def test_file_that_is_gone_is_said_and_its_rows_are_those_of_quarantine(opd: ToldOpd, tmp_path: Path) -> None:
    contract = opd.dataset("uji/data", "csv", *COLUMNS)
    opd.send(contract, write(tmp_path, "kode,jumlah\nA,1\nB,x\n"))
    (Path(str(opd.zone)) / "uji/data/data.csv").write_text("kode,jumlah\nZ,1\n")
    opd.tell()
    (folder,) = opd.folders()
    assert "sudah diganti" in " ".join(summary_in(folder)["catatan"])
    assert openpyxl.load_workbook(folder / "baris-ditahan.xlsx")["Baris yang ditahan"]["A2"].value == "B"


def test_files_that_nobody_takes_are_told_once_and_until_they_are_gone(opd: ToldOpd) -> None:
    opd.dataset("uji/data", "csv", *COLUMNS, extract={"pattern": "data*.csv"})
    zone = Path(str(opd.zone))
    for place in (
        "uji/data/lain.csv",
        "uji/salah/x.csv",
        "tiada/data/x.csv",
        "uji/data/_diam.csv",
        "lepas.csv",
    ):
        (zone / place).parent.mkdir(parents=True, exist_ok=True)
        (zone / place).write_text("x")
    assert len(opd.tell().lines) == 2
    assert opd.tell().lines == []
    own = zone / "uji/_umpan_balik/berkas-tidak-diambil"
    assert [f["berkas"] for f in findings_in(own)] == [
        "uji/data/_diam.csv",
        "uji/data/lain.csv",
        "uji/salah/x.csv",
    ]
    jsonschema.validate(summary_in(own), schema())
    others = zone / "_umpan_balik/berkas-tidak-diambil"
    assert [f["berkas"] for f in findings_in(others)] == ["lepas.csv", "tiada/data/x.csv"]
    for place in ("uji/data/lain.csv", "uji/salah/x.csv", "uji/data/_diam.csv"):
        (zone / place).unlink()
    opd.tell()
    assert not own.exists() and others.exists()


def test_broken_outbox_of_an_opd_silences_no_other(opd: ToldOpd) -> None:
    zone = Path(str(opd.zone))
    for name in ("aman", "rusak", "sehat"):
        opd.dataset(f"{name}/data", "csv", *COLUMNS, extract={"pattern": "data*.csv"})
        (zone / name / "data").mkdir(parents=True)
        (zone / name / "data" / "lain.csv").write_text("x")
    (zone / "rusak" / "_umpan_balik").write_text("bukan folder")
    (zone / "aman" / "data" / "lain.csv").unlink()
    (zone / "aman" / "data").rmdir()
    (zone / "aman" / "data").symlink_to(zone.parent)
    datasets = Datasets(tuple(opd.contracts.values()))
    sent = send_pending(opd.loads.connection, opd.settings, datasets, opd.alerts)
    (failure,) = sent.failures
    assert failure.startswith("rusak, berkas yang tidak diambil: ")
    places = {
        name: [f["berkas"] for f in findings_in(zone / name / "_umpan_balik/berkas-tidak-diambil")]
        for name in ("aman", "sehat")
    }
    assert places == {"aman": ["aman/data"], "sehat": ["sehat/data/lain.csv"]}


def test_link_of_the_opd_leads_nothing_out_of_the_zone(opd: ToldOpd, tmp_path: Path) -> None:
    contract = opd.dataset("uji/data", "csv", *COLUMNS)
    opd.send(contract, write(tmp_path, "kode,jumlah\nA,1\nB,x\n"))
    outside = tmp_path / "luar"
    outside.mkdir()
    (Path(str(opd.zone)) / "uji/_umpan_balik").symlink_to(outside)
    with pytest.raises(AssertionError):
        opd.tell()
    assert opd.states() == ["failed"] and not [*outside.iterdir()]


def test_number_of_a_person_in_a_file_name_is_only_in_the_name_of_the_copy(
    opd: ToldOpd, tmp_path: Path
) -> None:
    contract = opd.dataset("uji/data", "csv", *COLUMNS)
    opd.send(contract, write(tmp_path, "kode,jumlah\nA,1\nB,x\n", "6402014105900001.csv"))
    lines = opd.tell().lines
    (folder,) = opd.folders()
    texts = [(folder / name).read_text("utf-8-sig") for name in ("temuan.csv", "ringkas.json", "index.html")]
    told = opd.loads.run("select folder from ops.feedback")
    assert not [text for text in (*texts, str(folder), str(lines), str(told)) if "6402014105900001" in text]
    assert (folder / "6402014105900001.csv").exists()
    assert "***.csv" in summary_in(folder)["isi_folder"]


def test_mail_reaches_each_address_once_and_holds_no_personal_value(opd: ToldOpd, tmp_path: Path) -> None:
    server = SmtpServer()
    try:
        mail = MailServer("127.0.0.1", server.port, "tanpa", "gudang@uji.example")
        opd.alerts = replace(opd.alerts, mail=mail, feedback="on_change")
        contract = opd.dataset("uji/data", "csv", *PERSONAL, mail=("satu@uji.example", "dua@uji.example"))
        server.behaviour.answer_to_data = "451 later"
        opd.send(contract, write(tmp_path, "kode,nama,jumlah\nA,Rahasia,x\nB,Rahasia,2\n"))
        opd.tell(failures=2)
        assert server.mails == []
        server.behaviour.answer_to_data = "250 taken"
        opd.tell()
        opd.tell()
        assert sorted(m.recipients[0] for m in server.mails) == ["dua@uji.example", "satu@uji.example"]
        message = server.mails[0].message
        assert message["Subject"] == "1 temuan: Data data, data.csv"
        assert "GDK-B002" in server.mails[0].text
        attached = {part.get_filename(): part.get_content() for part in message.iter_attachments()}
        assert sorted(attached) == ["index.html", "temuan.csv"]
        assert "Rahasia" not in server.mails[0].text + str(attached)
        opd.send(contract, write(tmp_path, "kode,nama,jumlah\nA,Rahasia,1\nB,Rahasia,2\n"))
        opd.tell()
        assert [m.message["Subject"] for m in server.mails[2:]] == [
            "Kiriman diterima tanpa temuan: Data data"
        ] * 2
    finally:
        server.stop()


def test_mailbox_that_is_refused_for_the_present_holds_no_other_mail_up(opd: ToldOpd, tmp_path: Path) -> None:
    server = SmtpServer()
    try:
        mail = MailServer("127.0.0.1", server.port, "tanpa", "gudang@uji.example")
        opd.alerts = replace(opd.alerts, mail=mail, feedback="on_change")
        for opd_name, address in (("uji", "penuh@uji.example"), ("lain", "lain@uji.example")):
            contract = opd.dataset(f"{opd_name}/data", "csv", *COLUMNS, mail=(address,))
            opd.send(contract, write(tmp_path, "kode,jumlah\nA,1\nB,x\n"))
        server.behaviour.later = {"penuh@uji.example"}
        sent = opd.tell(failures=1)
        assert sent.failures[0].startswith("surel ke penuh@uji.example tidak terkirim: ")
        assert sent.headline.endswith(", 1 gagal.")
        assert [m.recipients for m in server.mails] == [("lain@uji.example",)]
        assert [bool(e) for (e,) in opd.loads.run("select mail_error from ops.feedback order by 1")] == [
            True,
            False,
        ]
        server.behaviour.later = set()
        opd.tell()
        assert [m.recipients[0] for m in server.mails] == ["lain@uji.example", "penuh@uji.example"]
    finally:
        server.stop()


@pytest.mark.parametrize("custom", [{}, {"write_disposition": "append"}])
def test_feedback_that_failed_is_over_when_a_newer_load_is_told_of(
    custom: dict[str, object], opd: ToldOpd, tmp_path: Path
) -> None:
    """Nobody tries it again, so `gudang health` would warn of it for ever."""
    contract = opd.dataset("uji/data", "csv", *COLUMNS, **custom)
    opd.send(contract, write(tmp_path, "kode,jumlah\nA,1\nB,x\n"))
    in_the_way = Path(str(opd.zone)) / "uji" / "_umpan_balik"
    in_the_way.write_text("")
    sent = send_pending(opd.loads.connection, opd.settings, Datasets((contract,)), opd.alerts)
    assert len(sent.failures) == 1 and opd.states() == ["failed"]
    assert len(failed_feedback(opd.loads.connection)) == 1
    in_the_way.unlink()
    opd.send(contract, write(tmp_path, "kode,jumlah\nA,1\nB,y\n"))
    opd.tell()
    assert opd.states() == ["resolved", "open"]
    assert failed_feedback(opd.loads.connection) == []


def test_kill_loses_neither_a_mail_nor_the_word_that_all_is_over(opd: ToldOpd, tmp_path: Path) -> None:
    server = SmtpServer()
    connection = opd.loads.connection
    opd.loads.run(
        "create function stop() returns trigger language plpgsql as"
        " $$ begin perform pg_terminate_backend(pg_backend_pid()); return new; end $$"
    )
    opd.loads.run(
        "create trigger stop before update of letter on ops.feedback for each row execute function stop()"
    )
    try:
        mail = MailServer("127.0.0.1", server.port, "tanpa", "gudang@uji.example")
        opd.alerts = replace(opd.alerts, mail=mail, feedback="on_change")
        contract = opd.dataset("uji/data", "csv", *COLUMNS, mail=("a@uji.example",))
        opd.send(contract, write(tmp_path, "kode,jumlah\nA,1\nB,x\n"))
        opd.tell()
        opd.tell()
        assert len(server.mails) == 1 and not connection.closed
        # The disk is full, or the process ends, before the file is there.
        (folder,) = opd.folders()
        (folder / "SELESAI.txt").mkdir()
        opd.send(contract, write(tmp_path, "kode,jumlah\nA,1\nB,2\n"))
        sent = send_pending(connection, opd.settings, Datasets((contract,)), opd.alerts)
        assert len(sent.failures) == 1 and opd.states() == ["open", "clean"]
        (folder / "SELESAI.txt").rmdir()
        opd.tell()
        assert (folder / "SELESAI.txt").is_file() and opd.states() == ["resolved", "clean"]
    finally:
        server.stop()


def test_folder_that_can_not_be_deleted_keeps_no_other(opd: ToldOpd, tmp_path: Path) -> None:
    zone = Path(str(opd.zone))
    for name in ("buntu", "uji"):
        contract = opd.dataset(f"{name}/data", "csv", *COLUMNS)
        opd.send(contract, write(tmp_path, "kode,jumlah\nA,1\nB,x\n"))
        opd.tell()
        opd.send(contract, write(tmp_path, "kode,jumlah\nA,1\nB,2\n"))
        opd.tell()
    opd.loads.run("update ops.feedback set made_at = made_at - interval '9 days'")
    (blocked,), (other,) = opd.folders("buntu"), opd.folders()
    (zone / "buntu/_umpan_balik").rename(tmp_path / "luar")
    (zone / "buntu/_umpan_balik").symlink_to(tmp_path / "luar")
    done = prune_feedback(opd.loads.connection, opd.zone, 7, dry_run=False)
    assert blocked.exists() and not other.exists()
    assert done.count == 1 and done.failed and "tautan" in done.note


def test_what_a_killed_build_left_goes_with_the_next_feedback(opd: ToldOpd, tmp_path: Path) -> None:
    contract = opd.dataset("uji/data", "csv", *COLUMNS)
    outbox = Path(str(opd.zone)) / "uji/_umpan_balik/data"
    left = outbox / ".0123456789abcdef.part"
    left.mkdir(parents=True)
    (left / "data.csv").write_text("x")
    opd.send(contract, write(tmp_path, "kode,jumlah\nA,1\nB,x\n"))
    opd.tell()
    assert [path.name for path in outbox.iterdir()] == [opd.folders()[0].name]
