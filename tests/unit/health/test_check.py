"""Limits of `gudang health`, and the forms in which its checks are written."""

from __future__ import annotations

import json

import pytest

from pipelines.cli.server.health import UNKNOWN
from pipelines.errors import GudangError
from pipelines.health.check import Check, as_json, as_prometheus, as_text, worst
from pipelines.health.limits import CRITICAL, OK, WARNING, Limit, load_limits
from pipelines.settings import PROJECT_ROOT

CHECKS = [
    Check("disk", OK, "sisa 40%", "kosongkan", 40.0, "percent"),
    Check("daemon", CRITICAL, "berhenti", "jalankan", 7200.5, "seconds"),
    Check("cadangan", WARNING, "belum ada cadangan", "buat"),
]


def test_state_depends_on_the_direction_of_a_limit() -> None:
    assert [Limit(10, 20).state(v) for v in (9.9, 10, 19, 20, 99)] == [
        OK,
        WARNING,
        WARNING,
        CRITICAL,
        CRITICAL,
    ]
    assert [Limit(15, 5, falling=True).state(v) for v in (16, 15, 6, 5, 0)] == [
        OK,
        WARNING,
        WARNING,
        CRITICAL,
        CRITICAL,
    ]
    assert Limit(float("inf"), float("inf")).state(1e18) == OK


def test_limits_are_read_from_the_environment_and_checked() -> None:
    limits = load_limits({"GUDANG_HEALTH_DISK_PERCENT": "20, 10", "GUDANG_HEALTH_NIGHT_HOURS": ""})
    assert (limits.disk_percent, limits.night_hours) == (Limit(20, 10, falling=True), Limit(26, 50))
    with pytest.raises(GudangError, match="GUDANG_HEALTH_QUEUE_MINUTES: nilainya bukan dua angka"):
        load_limits({"GUDANG_HEALTH_QUEUE_MINUTES": "60"})
    for value in ("nan,nan", "-1,5"):
        with pytest.raises(GudangError, match="GUDANG_HEALTH_QUEUE_MINUTES: nilainya bukan dua angka dari 0"):
            load_limits({"GUDANG_HEALTH_QUEUE_MINUTES": value})
    for wrong in ({"GUDANG_HEALTH_DISK_PERCENT": "5,15"}, {"GUDANG_HEALTH_NIGHT_HOURS": "50,26"}):
        with pytest.raises(GudangError, match="batas kritis tidak lebih buruk daripada peringatan"):
            load_limits(wrong)


def test_checks_are_written_as_text_json_and_prometheus() -> None:
    assert worst(CHECKS) == CRITICAL and worst([]) == OK
    assert [line.split(maxsplit=1)[0] for line in as_text(CHECKS).splitlines()] == [
        "kritis", "->", "peringatan", "->", "baik",
    ]  # fmt: skip
    found = json.loads(as_json(CHECKS))
    assert (found["state"], found["exit_code"]) == ("kritis", 2)
    assert found["checks"][0] == {
        "name": "disk", "state": "baik", "seen": "sisa 40%", "todo": "", "value": 40.0, "unit": "percent",
    }  # fmt: skip
    lines = as_prometheus(CHECKS).splitlines()
    assert 'gudang_health_state{check="daemon"} 2' in lines
    assert 'gudang_health_value{check="daemon",unit="seconds"} 7200.5' in lines
    assert not any("cadangan" in line for line in lines if line.startswith("gudang_health_value"))


def test_the_timer_takes_a_warning_for_no_failure_and_what_could_not_be_looked_at_for_one() -> None:
    unit = PROJECT_ROOT / "deploy/systemd/root/etc/systemd/system/gudang-health.service"
    (line,) = [line for line in unit.read_text("utf-8").splitlines() if line.startswith("SuccessExitStatus=")]
    assert line.partition("=")[2].split() == [str(WARNING)]
    assert len({OK, WARNING, CRITICAL, UNKNOWN}) == 4
