"""Wrong answers of servers, as OPD servers give them, tested against a real server on the loopback."""

from __future__ import annotations

import gzip
import ssl
import threading
from collections.abc import Iterator
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
import trustme

from tests.support.extracts import api_contract
from tests.support.http_server import (
    BEARER,
    EVERY_AUTH,
    NAME,
    QUERY_KEY,
    SECRET,
    Reply,
    Request,
    Server,
    fault,
    reply,
    rows,
)
from tests.support.watch import Watch

ID = api_contract("id")
GOOD = reply({"data": [{"id": 1}]})


def test_busy_or_failing_server_is_requested_again(server: Server) -> None:
    good = reply({"data": [{"id": 1}]})
    server.in_turn(
        Reply(status=429, headers={"Retry-After": "0"}), Reply(status=500), Reply(status=503), good
    )
    assert len(rows(server, ID)) == 1
    assert len(server.requests) == 4


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_server_that_keeps_failing_is_a_transient_error_after_six_requests(
    server: Server, status: int
) -> None:
    server.answer = lambda _: Reply(NAME.encode(), status)
    error = fault(server, api_contract("id", auth=QUERY_KEY))
    assert error.transient
    assert str(status) in error.message
    assert len(server.requests) == 6


BUSY = Reply(status=503)
DROP = Reply(drop=True)
CUT = Reply(b'{"data": [', length=1000)


@pytest.mark.parametrize(
    "before",
    [
        [DROP, DROP, CUT, CUT],
        [BUSY] * 5 + [CUT],
        [CUT, BUSY, BUSY, CUT, BUSY, BUSY],
        [CUT, DROP, DROP, BUSY, BUSY, BUSY, CUT, DROP, DROP],
        [Reply(status=413, headers={"Retry-After": "0"})] * 5,
        [Reply(status=413, headers={"Retry-After": "besok"})],
        [Reply(status=301, headers={"Location": "/v1/izin"})] + [BUSY] * 5,
        [BUSY] * 5 + [Reply(status=301, headers={"Location": "/v1/izin"})] + [BUSY] * 5,
    ],
)
def test_broken_answer_and_redirect_restart_the_count_of_retries(server: Server, before: list[Reply]) -> None:
    server.in_turn(*before, GOOD)
    assert len(rows(server, ID)) == 1
    assert len(server.requests) == len(before) + 1


@pytest.mark.parametrize(
    ("before", "count"),
    [
        ([DROP] * 3, 3),
        ([BUSY, DROP, DROP, BUSY, DROP], 5),
        ([DROP, DROP, BUSY, BUSY, BUSY, BUSY], 6),
        ([BUSY] * 5 + [DROP], 6),
        ([CUT] * 3, 3),
        ([CUT, CUT, BUSY, CUT], 4),
        ([CUT, DROP, DROP, DROP], 4),
    ],
)
def test_number_of_retries_is_limited(server: Server, before: list[Reply], count: int) -> None:
    server.in_turn(*before, GOOD)
    assert fault(server, ID).transient
    assert len(server.requests) == count


def test_broken_answer_is_requested_again_without_a_pause(server: Server) -> None:
    watch = Watch()
    server.in_turn(BUSY, BUSY, CUT, BUSY, BUSY, GOOD)
    assert len(rows(server, ID, clock=watch.clock(), limits={"backoff": 0.5})) == 1
    assert watch.slept == [0, 1, 0, 1]


@pytest.mark.parametrize("status", [400, 404, 410, 422, 204])
def test_other_error_statuses_are_not_retried(server: Server, status: int) -> None:
    server.answer = lambda _: Reply(b"" if status == 204 else NAME.encode(), status)
    error = fault(server, ID)
    assert not error.transient
    assert f"menjawab {status}" in error.message
    assert len(server.requests) == 1


def test_server_that_never_answers_times_out(server: Server) -> None:
    done = threading.Event()

    def wait(_: Request) -> Reply:
        done.wait(10)
        return Reply()

    server.answer = wait
    try:
        error = fault(server, api_contract("id", auth=QUERY_KEY), limits={"connect": 1, "read": 0.1})
    finally:
        done.set()
    assert error.transient
    assert "tidak menjawab dalam batas waktu (koneksi 1 detik, baca 0.1 detik)" in error.message
    assert len(server.requests) == 3


def test_body_that_stops_midway_times_out(server: Server) -> None:
    done = threading.Event()
    server.answer = lambda _: Reply(b'{"data": [', length=1000, hold=done)
    try:
        error = fault(server, ID, limits={"connect": 1, "read": 0.1})
    finally:
        done.set()
    assert error.transient
    assert "tidak menjawab dalam batas waktu" in error.message


def test_unreachable_server_is_a_transient_error(server: Server) -> None:
    server.stop()
    error = fault(server, api_contract("id", auth=QUERY_KEY))
    assert error.transient
    assert "tidak terjangkau" in error.message


def test_broken_body_is_requested_again_and_a_transient_error_in_the_end(server: Server) -> None:
    broken = Reply(b'{"data": [{"id": "' + NAME.encode(), length=1000)
    server.in_turn(broken, broken, GOOD)
    assert len(rows(server, ID)) == 1
    server.answer = lambda _: broken
    error = fault(server, ID)
    assert error.transient
    assert "terputus" in error.message
    assert len(server.requests) == 6


def test_body_with_broken_compression_is_refused(server: Server) -> None:
    server.answer = lambda _: Reply(NAME.encode(), headers={"Content-Encoding": "gzip"})
    assert "terputus" in fault(server, ID).message


def test_truncated_json_is_a_transient_error(server: Server) -> None:
    server.answer = lambda _: Reply(b'{"data": [{"id": "' + NAME.encode())
    error = fault(server, ID)
    assert error.transient
    assert "halaman 1: JSON terpotong" in error.message


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<html>Budi Santoso</html>", "bukan JSON; Content-Type text/html"),
        (b"", "jawaban kosong"),
        (b"{'id': 1}", "bukan JSON"),
        (b'{"data": [{"id": NaN}]}', "NaN bukan angka JSON"),
        (b'{"data": [{"id": -Infinity}]}', "-Infinity bukan angka JSON"),
        (b'{"data": [{"id": "\\ud83d", "x": NaN}]}', "NaN bukan angka JSON"),
        (b'{"data": [' + b"9" * 5000 + b"]}", "halaman 1 rekaman 1 bukan objek"),
        (b'{"data": [{"id": "\x00"}]}', "bukan JSON"),
        (b'{"data": [{"id": "Budi Santoso \xe9"}]}', "tidak dalam UTF-8"),
        (b"[" * 200_000, "bersarang terlalu dalam"),
        (b'{"error": "Budi Santoso"}', "records /data tidak ada dalam jawaban; kuncinya: error"),
        (b'["Budi Santoso"]', "records /data tidak ada dalam jawaban; jawabannya bukan objek"),
        (b"5", "tidak ada dalam jawaban; jawabannya bukan objek"),
        (b"1.50", "tidak ada dalam jawaban; jawabannya bukan objek"),
        (b"null", "tidak ada dalam jawaban; jawabannya bukan objek"),
        (b'"Budi Santoso"', "tidak ada dalam jawaban; jawabannya bukan objek"),
        (b'{"data": null}', "bukan daftar"),
        (b'{"data": {"Budi": 1}}', "bukan daftar"),
        (b'{"data": [{"id": 1}, "Budi Santoso"]}', "halaman 1 rekaman 2 bukan objek"),
    ],
)
def test_invalid_body_of_a_200_is_reported_and_not_retried(server: Server, body: bytes, message: str) -> None:
    server.answer = lambda _: Reply(body, headers={"Content-Type": "text/html"})
    error = fault(server, ID)
    assert message in error.message
    assert not error.transient


def test_redirect_on_the_same_host_is_followed_with_the_credential(server: Server) -> None:
    moved = Reply(status=301, headers={"Location": "/v2/izin"})
    server.answer = lambda request: moved if request.path == "/v1/izin" else reply({"data": [{"id": 1}]})
    assert len(rows(server, api_contract("id", auth=BEARER))) == 1
    assert server.requests[1].headers["Authorization"] == f"Bearer {SECRET}"


def test_redirect_loop_is_refused(server: Server) -> None:
    server.answer = lambda _: Reply(status=302, headers={"Location": "/v1/izin"})
    assert "mengalihkan lebih dari 5 kali" in fault(server, api_contract("id", auth=QUERY_KEY)).message


@EVERY_AUTH
def test_redirect_to_another_host_gets_no_credential(server: Server, auth: dict[str, str]) -> None:
    other = f"http://localhost:{server.http.server_port}/v1/izin"
    server.answer = lambda _: Reply(status=302, headers={"Location": other})
    assert "mengalihkan ke host lain" in fault(server, api_contract("id", auth=auth)).message
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "target", ["http://[1", "http://127.0.0.1:x/", "ftp://127.0.0.1/", "//contoh.invalid/"]
)
def test_redirect_to_an_invalid_target_is_refused(server: Server, target: str) -> None:
    server.answer = lambda _: Reply(status=302, headers={"Location": target})
    assert "mengalihkan ke host lain" in fault(server, api_contract("id", auth=QUERY_KEY)).message


def test_body_above_the_size_limit_is_refused(server: Server) -> None:
    server.answer = lambda _: Reply(b" " * (3 << 20))
    assert "lebih besar dari 1 MiB" in fault(server, ID, limits={"max_body": 1 << 20}).message


# --- waiting as long as the server requires


def test_retry_after_in_seconds_is_waited(server: Server) -> None:
    watch = Watch()
    server.in_turn(Reply(status=429, headers={"Retry-After": "7"}), GOOD)
    assert len(rows(server, ID, clock=watch.clock())) == 1
    assert watch.slept == [7]


def test_retry_after_as_a_date_is_waited(server: Server) -> None:
    watch = Watch()
    date = format_datetime(watch.moment + timedelta(seconds=9), usegmt=True)
    server.in_turn(Reply(status=429, headers={"Retry-After": date}), GOOD)
    assert len(rows(server, ID, clock=watch.clock())) == 1
    assert watch.slept == [9]


@pytest.mark.parametrize("retry_after", ["86400", "9" * 400, "Fri, 31 Dec 2199 23:59:59 GMT"])
def test_very_long_retry_after_is_cut_to_two_minutes(server: Server, retry_after: str) -> None:
    watch = Watch()
    server.in_turn(Reply(status=429, headers={"Retry-After": retry_after}), GOOD)
    assert len(rows(server, ID, clock=watch.clock())) == 1
    assert watch.slept == [120]


@pytest.mark.parametrize(
    "retry_after", ["besok", "-1", "1.5", "Fri, 99 Dec 2199", "Thu, 01 Jan 1970 00:00:00 GMT"]
)
def test_invalid_retry_after_is_ignored(server: Server, retry_after: str) -> None:
    watch = Watch()
    server.in_turn(Reply(status=503, headers={"Retry-After": retry_after}), GOOD)
    assert len(rows(server, ID, clock=watch.clock())) == 1
    assert watch.slept == [0]


def test_pauses_double_with_each_retry_without_retry_after(server: Server) -> None:
    watch = Watch()
    server.answer = lambda _: Reply(status=502)
    fault(server, ID, clock=watch.clock(), limits={"backoff": 0.5})
    assert watch.slept == [0, 1, 2, 4, 8]


def test_413_is_retried_only_with_retry_after(server: Server) -> None:
    watch = Watch()
    server.in_turn(Reply(status=413, headers={"Retry-After": "3"}), GOOD)
    assert len(rows(server, ID, clock=watch.clock())) == 1
    assert watch.slept == [3]
    server.answer = lambda _: Reply(status=413)
    assert "menjawab 413" in fault(server, ID, clock=watch.clock()).message
    assert watch.slept == [3]


# --- total time of an answer


@pytest.mark.parametrize("in_headers", [True, False])
def test_very_slow_answer_is_stopped_at_the_total_time(server: Server, in_headers: bool) -> None:
    padding = {"X-Padding": "x" * 4000} if in_headers else {}
    server.answer = lambda _: Reply(b" " * 4000, drip=0.002, headers=padding)
    error = fault(server, api_contract("id", auth=QUERY_KEY), limits={"read": 1, "total": 0.5})
    assert error.message == "jawaban API tidak lengkap dalam 0.5 detik"
    assert error.transient
    assert len(server.requests) == 1


@pytest.mark.timeout(120)
def test_total_time_also_ends_a_wait_between_two_bytes(server: Server) -> None:
    done = threading.Event()
    server.answer = lambda _: Reply(b'{"data": [', length=1000, hold=done)
    try:
        error = fault(server, ID, limits={"read": 600, "total": 0.3})
    finally:
        done.set()
    assert error.message == "jawaban API tidak lengkap dalam 0.3 detik"


def test_total_time_includes_the_retries(server: Server) -> None:
    server.answer = lambda _: Reply(b" " * 40, 500, drip=0.005)
    error = fault(server, ID, limits={"read": 1, "total": 0.5})
    assert error.message == "jawaban API tidak lengkap dalam 0.5 detik"
    assert len(server.requests) < 6


def test_total_time_counts_for_each_page_anew(server: Server) -> None:
    def slow(request: Request) -> Reply:
        server.stopping.wait(0.25)
        return reply({"data": [{"id": request.query["page"]}] if int(request.query["page"]) < 6 else []})

    server.answer = slow
    contract = api_contract("id", pagination={"type": "page", "param": "page", "last_page": "empty"})
    assert len(rows(server, contract, limits={"total": 1.2})) == 5


# --- size


def test_small_body_that_unpacks_above_the_size_limit_is_refused(server: Server) -> None:
    server.answer = lambda _: Reply(gzip.compress(b" " * (64 << 20)), headers={"Content-Encoding": "gzip"})
    assert "lebih besar dari 1 MiB" in fault(server, ID, limits={"max_body": 1 << 20}).message


def test_body_of_an_error_or_redirect_is_not_read(server: Server) -> None:
    """To read one of these bodies takes longer than the total time."""
    server.answer = lambda _: Reply(b" " * 40_000, 500, drip_body=0.002)
    error = fault(server, ID, limits={"total": 10})
    assert "menjawab 500" in error.message and len(server.requests) == 6
    moved = Reply(b" " * 40_000, 301, {"Location": "/v2/izin"}, drip_body=0.002)
    server.answer = lambda request: moved if request.path == "/v1/izin" else GOOD
    assert len(rows(server, ID, limits={"total": 10})) == 1


# --- TLS


@pytest.fixture
def issuer() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls_server(monkeypatch: pytest.MonkeyPatch, issuer: trustme.CA) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "*")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issuer.issue_cert("127.0.0.1").configure_cert(context)
    server = Server(context)
    server.answer = lambda _: GOOD
    yield server
    server.stop()


@pytest.mark.timeout(120)
def test_untrusted_certificate_is_refused_without_retry(tls_server: Server) -> None:
    error = fault(tls_server, api_contract("id", auth=QUERY_KEY), limits={"backoff": 600})
    assert error.message == "sertifikat API ditolak"
    assert not error.transient
    assert tls_server.requests == []


def test_certificate_of_another_name_is_refused(
    tls_server: Server, issuer: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuer.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    elsewhere = {"GUDANG_SUMBER_UJI_URL": tls_server.url.replace("127.0.0.1", "localhost")}
    assert fault(tls_server, ID, env=elsewhere).message == "sertifikat API ditolak"


def test_certificate_of_an_installed_issuer_is_trusted_and_total_time_holds(
    tls_server: Server, issuer: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuer.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    assert len(rows(tls_server, ID)) == 1
    tls_server.answer = lambda _: Reply(b" " * 4000, drip=0.002)
    assert "tidak lengkap dalam 0.4 detik" in fault(tls_server, ID, limits={"total": 0.4}).message


@pytest.mark.timeout(120)
def test_https_to_a_server_without_tls_is_refused_without_retry(server: Server) -> None:
    env = {"GUDANG_SUMBER_UJI_URL": server.url.replace("http:", "https:")}
    error = fault(server, ID, env=env, limits={"backoff": 600})
    assert error.message == "API tidak memakai TLS yang dikenal"
