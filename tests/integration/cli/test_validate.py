"""`gudang validate` on a project with one fault: it names the file and the line, and says what to do.

Most tests break a copy of a part of the province's project. The whole project takes ten times as long to read.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from pipelines.cli import main
from pipelines.cli.data.validate import validate
from pipelines.contracts.files import Fault
from pipelines.settings import PROJECT_ROOT, Settings
from tests.support.dbt_folder import expect
from tests.support.part_of_project import copy_part, copy_project

VISITS = "contracts/dinkes/kunjungan.odcs.yaml"
CENTRES = "contracts/dinkes/puskesmas.odcs.yaml"
SUITE = "expectations/dinkes/puskesmas.json"
MODEL = "dbt_like_sql/models/core/kesehatan/fct_kunjungan_puskesmas.sql"
WAREHOUSE = "postgresql+psycopg://gudang@db.example/gudang"
DATASETS = (
    "bps/penilaian_epss",
    "dinkes/kunjungan",
    "dinkes/puskesmas",
    "diskominfo/penilaian_spbe",
    "dlh/ispu",
)


@dataclass
class Copy:
    """A copy of the files that validate reads."""

    root: Path
    env: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def settings(self) -> Settings:
        return Settings(home=self.root / "home", project=self.root, warehouse_url=None)

    def change(self, file: str, old: str, new: str) -> None:
        """Replaces `old` by `new`. `old` must be in the file exactly once."""
        path = self.root / file
        text = path.read_text("utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
        path.write_text(text.replace(old, new), "utf-8")

    def line(self, file: str, text: str, after: str = "") -> int:
        """Returns the number of the line with the first `text` behind the first `after`."""
        content = (self.root / file).read_text("utf-8")
        place = content.index(text, content.index(after))
        return content.count("\n", 0, place) + 1

    def faults(self) -> list[Fault]:
        return validate(self.settings, self.env)

    def fault(self, file: str) -> Fault:
        """Returns the only fault in `file`. Other files may have faults that follow from it."""
        (found,) = [fault for fault in self.faults() if fault.path == self.root / file]
        assert found.hint
        return found


@pytest.fixture(scope="module")
def part(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A part of the project, which the tests copy."""
    root = tmp_path_factory.mktemp("bagian") / "proyek"
    copy_part(root, DATASETS)
    return root


@pytest.fixture
def copy(part: Path, tmp_path: Path) -> Copy:
    """A part of the project that the test may change."""
    root = tmp_path / "proyek"
    shutil.copytree(part, root)
    return Copy(root)


def test_the_project_itself_has_no_fault(tmp_path: Path) -> None:
    real = Settings(home=tmp_path / "home", project=PROJECT_ROOT, warehouse_url=None)
    assert validate(real, {}) == []


def test_a_copy_of_the_project_and_a_part_of_it_have_no_fault(copy: Copy, tmp_path: Path) -> None:
    copy_project(tmp_path / "seluruhnya")
    assert Copy(tmp_path / "seluruhnya").faults() == []
    assert copy.faults() == []


def test_an_unknown_key_of_a_contract(copy: Copy) -> None:
    copy.change(VISITS, "domain: kesehatan", "domain: kesehatan\nsumberdaya: satu")
    fault = copy.fault(VISITS)
    assert fault.line == copy.line(VISITS, "sumberdaya")
    assert fault.message == "kunci 'sumberdaya' tidak dikenal"


def test_an_unknown_key_of_a_column(copy: Copy) -> None:
    copy.change(VISITS, "businessName: Cara bayar", "businessName: Cara bayar\n        klasifikasi: terbuka")
    fault = copy.fault(VISITS)
    assert fault.line == copy.line(VISITS, "klasifikasi: terbuka")
    assert fault.message == "kunci 'klasifikasi' tidak dikenal"


def test_a_column_without_classification(copy: Copy) -> None:
    copy.change(
        VISITS,
        "required: true\n        classification: terbatas",
        "required: true",
    )
    fault = copy.fault(VISITS)
    assert fault.line == copy.line(VISITS, "- name: id_kunjungan")
    assert "id_kunjungan: classification" in fault.message
    assert "pribadi" in fault.hint


def test_a_type_that_no_warehouse_has(copy: Copy) -> None:
    copy.change(VISITS, "physicalType: bigint", "physicalType: bilangan")
    fault = copy.fault(VISITS)
    assert fault.line == copy.line(VISITS, "physicalType: bilangan")
    assert "id_kunjungan: physicalType 'bilangan'" in fault.message


def test_a_type_that_does_not_fit_its_logical_type(copy: Copy) -> None:
    copy.change(VISITS, "physicalType: bigint", "physicalType: date")
    fault = copy.fault(VISITS)
    assert fault.line == copy.line(VISITS, "logicalType:", after="name: id_kunjungan")
    assert "tidak cocok dengan physicalType date" in fault.message


def test_an_unknown_custom_property(copy: Copy) -> None:
    copy.change(VISITS, "{property: publish, value: true}", "{property: terbitkan, value: true}")
    fault = copy.fault(VISITS)
    assert fault.line == copy.line(VISITS, "property: terbitkan")
    assert "'terbitkan'" in fault.message
    assert "publish" in fault.hint


def test_an_unknown_custom_property_of_a_column(copy: Copy) -> None:
    copy.change(VISITS, "{property: drop, value: true}", "{property: buang, value: true}")
    assert copy.fault(VISITS).line == copy.line(VISITS, "property: buang")


def test_a_variable_that_is_not_set(copy: Copy) -> None:
    settings = replace(copy.settings, warehouse_url=WAREHOUSE)
    missing = {fault.message: fault for fault in validate(settings, {}) if fault.path == copy.root / VISITS}
    url = missing["variabel lingkungan GUDANG_SUMBER_DINKES_URL belum diisi"]
    assert url.line == copy.line(VISITS, "${GUDANG_SUMBER_DINKES_URL}")
    assert url.hint == "isi GUDANG_SUMBER_DINKES_URL di .env"
    (key,) = [fault for message, fault in missing.items() if "GUDANG_PSEUDONYM_KEY" in message]
    assert key.line == copy.line(VISITS, "property: pseudonymise")
    assert "GUDANG_PSEUDONYM_KEY" in key.hint


def test_a_variable_that_is_not_set_is_named_where_the_demo_does_not_stand_for_its_source(copy: Copy) -> None:
    def missing(**env: str) -> set[str]:
        found = [f.message for f in validate(copy.settings, env)]
        assert all(m.startswith("variabel lingkungan GUDANG_SUMBER_") for m in found)
        return {m.split()[2].removeprefix("GUDANG_SUMBER_") for m in found}

    assert missing() == set()
    assert missing(GUDANG_SUMBER_DINKES_URL="postgresql://x/y") == set()
    assert missing(GUDANG_SUMBER_DLH_URL="https://dlh.example") == {"DLH_KEY"}
    everything = missing(GUDANG_DEMO="0")
    assert {"DLH_KEY", "DLH_URL", "DINKES_URL"} <= everything
    copy.change(VISITS, "${GUDANG_SUMBER_DINKES_URL}", "${GUDANG_SUMBER_DINAS_URL}")
    assert missing() == {"DINAS_URL"}


def test_variables_that_are_set_are_no_fault(copy: Copy) -> None:
    settings = replace(copy.settings, warehouse_url=WAREHOUSE)
    needed = {f.message.split()[2] for f in validate(settings, {}) if f.message.startswith("variabel")}
    env = dict.fromkeys([*needed, "GUDANG_PSEUDONYM_KEY"], "https://opd.example")
    assert validate(settings, env) == []


def test_an_expectation_of_a_column_that_is_not_there(copy: Copy) -> None:
    copy.change(
        SUITE,
        '"type": "expect_table_row_count_to_be_between"',
        '"type": "expect_column_distinct_values_to_be_in_set"',
    )
    copy.change(
        SUITE,
        '"min_value": 100,\n        "max_value": 400',
        '"column": "jenis_puskesmas",\n        "value_set": ["x"]',
    )
    fault = copy.fault(SUITE)
    assert fault.line == copy.line(SUITE, '"jumlah_puskesmas"')
    assert "tidak ada kolom jenis_puskesmas" in fault.message


def test_a_suite_that_is_no_json(copy: Copy) -> None:
    copy.change(SUITE, '"max_value": 400\n', '"max_value": 400,,\n')
    fault = copy.fault(SUITE)
    assert fault.line == copy.line(SUITE, '"max_value"')


def test_a_suite_without_a_contract(copy: Copy) -> None:
    (copy.root / "expectations/dinkes/puskesma.json").write_text("{}")
    fault = copy.fault("expectations/dinkes/puskesma.json")
    assert fault.line == 1
    assert "tidak punya kontrak" in fault.message
    assert "maksudnya dinkes/puskesmas?" in fault.hint


def test_a_reference_to_a_table_or_column_that_is_not_there(copy: Copy) -> None:
    copy.change(CENTRES, "to: ref_wilayah.kode_kemendagri", "to: ref_wilaya.kode_kemendagri")
    fault = copy.fault(CENTRES)
    assert fault.message.endswith(": tidak ada tabel rujukan ref_wilaya")
    assert fault.hint.startswith("maksudnya ref_wilayah?")
    copy.change(CENTRES, "to: ref_wilaya.kode_kemendagri", "to: ref_wilayah.kode_kemendgri")
    fault = copy.fault(CENTRES)
    assert fault.message.endswith(": ref_wilayah tidak mempunyai kolom kode_kemendgri")
    assert fault.hint.startswith("maksudnya kode_kemendagri?")


MODEL_SUITE = "expectations/mart_spbe/indeks_spbe.json"


def test_a_models_suite_about_a_column_that_is_not_there(copy: Copy) -> None:
    copy.change(MODEL_SUITE, '"column_A": "terisi"', '"column_A": "dinilai"')
    fault = copy.fault(MODEL_SUITE)
    assert fault.line == copy.line(MODEL_SUITE, '"semua_indikator_dinilai"')
    assert "tidak ada kolom dinilai" in fault.message
    assert "mart_spbe.indeks_spbe" in fault.hint


def test_a_models_suite_with_an_expectation_that_nobody_knows(copy: Copy) -> None:
    copy.change(MODEL_SUITE, "expect_column_pair_values_to_be_equal", "expect_column_pair_values_to_agree")
    fault = copy.fault(MODEL_SUITE)
    assert fault.line == copy.line(MODEL_SUITE, '"semua_indikator_dinilai"')
    assert "expect_column_pair_values_to_agree" in fault.message


def test_a_models_suite_that_reads_what_is_no_model(copy: Copy) -> None:
    suite = "expectations/core/agg_kunjungan_bulanan.json"
    copy.change(suite, "from staging.stg_dinkes__kunjungan as k", "from core.fct_kunjungan as k")
    fault = copy.fault(suite)
    assert fault.line == copy.line(suite, '"sama_dengan_sumber"')
    assert "core.fct_kunjungan, yang bukan model" in fault.message


def test_a_models_suite_that_bears_the_name_of_a_test(copy: Copy) -> None:
    copy.change(MODEL_SUITE, '"semua_indikator_dinilai"', '"not_null_terisi"')
    fault = copy.fault(MODEL_SUITE)
    assert fault.line == copy.line(MODEL_SUITE, '"not_null_terisi"')
    assert "dua pemeriksaan indeks_spbe" in fault.message


def test_a_suite_without_a_model(copy: Copy) -> None:
    (copy.root / "expectations/core/fct_tiada.json").write_text("{}")
    fault = copy.fault("expectations/core/fct_tiada.json")
    assert (fault.line, fault.message) == (1, "suite ini tidak punya model")


def test_suites_that_read_each_others_models(copy: Copy) -> None:
    suite = "expectations/core/fct_kunjungan_puskesmas.json"
    copy.change(
        suite,
        "from {batch} where (dimuat_pada at time zone",
        "from {batch} where exists (select from core.agg_kunjungan_bulanan) and (dimuat_pada at time zone",
    )
    other = "expectations/core/agg_kunjungan_bulanan.json"
    copy.change(other, "from staging.stg_dinkes__kunjungan as k", "from core.fct_kunjungan_puskesmas as k")
    (fault,) = copy.faults()
    assert "lingkaran" in fault.message
    assert fault.path.parent == copy.root / "expectations/core"


def test_names_that_only_dagster_would_refuse(copy: Copy) -> None:
    """Dagster gives the check `riwayat` of the model `dim_wilayah` the same name as the model `dim_wilayah_riwayat`."""
    suite = copy.root / "expectations/core/dim_wilayah.json"
    own = expect("riwayat", "expect_table_row_count_to_be_between", min_value=0)
    suite.write_text(json.dumps({"name": "core.dim_wilayah", "expectations": [own]}), "utf-8")
    (fault,) = copy.faults()
    assert fault.path == copy.settings.contracts_dir and "dim_wilayah_riwayat" in fault.message


def test_an_opd_that_is_called_as_a_schema(copy: Copy) -> None:
    """The suites of this OPD would be in the same folder as the suites of the schema's models."""
    shutil.copytree(copy.root / "contracts/dlh", copy.root / "contracts/core")
    path = copy.root / "contracts/core/ispu.odcs.yaml"
    path.write_text(path.read_text("utf-8").replace("dlh/ispu", "core/ispu"), "utf-8")
    assert "core adalah nama schema gudang data" in [f.message for f in copy.faults() if f.path == path]


def test_a_model_that_refers_to_nothing(copy: Copy) -> None:
    copy.change(
        MODEL,
        "select * from {{ ref('stg_dinkes__kunjungan') }}",
        "select * from {{ ref('stg_dinkes__kunjungan_lama') }}",
    )
    fault = copy.fault(MODEL)
    assert fault.line == copy.line(MODEL, "stg_dinkes__kunjungan_lama")
    assert "stg_dinkes__kunjungan_lama" in fault.message


def test_a_contract_that_the_models_do_not_know_of_yet(copy: Copy) -> None:
    copy.change(VISITS, "Nomor urut kunjungan di aplikasi puskesmas.", "Nomor urut kunjungan.")
    fault = copy.fault("dbt_like_sql/models/sources.yml")
    assert "validate --fix" in fault.hint


def gudang_validate(copy: Copy, *options: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.cli.main", "validate", *options], cwd=PROJECT_ROOT, capture_output=True,
        env={**os.environ, "GUDANG_PROJECT": str(copy.root)}, text=True, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout


def test_the_command_prints_file_and_line_and_fails(copy: Copy) -> None:
    copy.change(VISITS, "physicalType: bigint", "physicalType: bilangan")
    copy.change(SUITE, '"max_value": 400\n', '"max_value": 400,,\n')
    code, output = gudang_validate(copy)
    assert code == 1
    line = copy.line(VISITS, "physicalType: bilangan")
    assert f"{copy.root / VISITS}:{line}: id_kunjungan: physicalType 'bilangan' tidak dikenal (" in output
    assert f"{copy.root / SUITE}:{copy.line(SUITE, 'max_value')}: " in output


def test_the_command_says_that_all_is_well_and_fixes_what_follows_from_contracts(
    copy: Copy, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def in_this_process(*options: str) -> tuple[int, str]:
        """Runs the command without a process of its own, which would import for seconds."""
        monkeypatch.setattr(sys, "argv", ["gudang", "validate", *options])
        with pytest.raises(SystemExit) as ended:
            main.main()
        return int(ended.value.code or 0), capsys.readouterr().out

    monkeypatch.setenv("GUDANG_PROJECT", str(copy.root))
    monkeypatch.setenv("GUDANG_HOME", str(copy.root / "home"))
    assert in_this_process() == (0, "Tidak ada kesalahan.\n")
    copy.change(VISITS, "Nomor urut kunjungan di aplikasi puskesmas.", "Nomor urut kunjungan.")
    assert in_this_process()[0] == 1
    assert in_this_process("--fix") == (0, "Tidak ada kesalahan.\n")
