"""The Dagster UI in a real browser: the asset graph with its groups by OPD and layer."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from pipelines.runtime.embedded import EmbeddedServer
from pipelines.settings import PROJECT_ROOT
from tests.support.servers import short_folder

pytestmark = [pytest.mark.browser, pytest.mark.slow]
GROUPS = (
    "dinkes",
    "bapenda",
    "samarinda",
    "referensi",
    "staging",
    "core",
    "mart_satu_data",
    "mart_spbe",
    "publikasi",
)
FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync --window-size=1800,1100"
)


@pytest.fixture
def ui() -> Iterator[str]:
    """The address of a UI that runs on an installation of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with short_folder() as folder, (folder / "ui.log").open("wb") as log:
        home = folder / "home"
        process = subprocess.Popen(
            [sys.executable, "-m", "pipelines.cli.main", "ui", "--port", str(port)],
            cwd=PROJECT_ROOT,
            env={**os.environ, "GUDANG_HOME": str(home)},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _wait_for(f"http://127.0.0.1:{port}/server_info", process, folder / "ui.log")
            yield f"http://127.0.0.1:{port}"
        finally:
            children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
            process.send_signal(signal.SIGTERM)
            process.wait(300)
            EmbeddedServer(home).stop()
            _, left = psutil.wait_procs(children, timeout=60)
        assert children and left == []


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError):
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310
            return
        time.sleep(0.5)
    pytest.fail(f"the UI did not start: {log.read_text()[-2000:]}")


def test_the_asset_graph_shows_groups_by_opd_and_layer(ui: str, tmp_path: Path) -> None:
    driver = shutil.which("chromedriver")
    if driver is None or shutil.which("chromium") is None:
        if os.environ.get("CI"):
            pytest.fail("in CI the browser test must run: chromium and chromium-driver are not installed")
        pytest.skip("chromium and chromium-driver are not installed")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    for flag in FLAGS.split():
        options.add_argument(flag)
    browser = webdriver.Chrome(options=options, service=Service(driver))
    try:
        browser.get(f"{ui}/asset-groups")
        deadline = time.monotonic() + 600
        missing = set(GROUPS)
        while missing and time.monotonic() < deadline:
            time.sleep(1)
            texts = set(browser.find_element("tag name", "body").text.split())
            missing = set(GROUPS) - texts
        browser.save_screenshot(str(tmp_path / "aset.png"))
        assert not missing, f"groups not on the page: {sorted(missing)}"
    finally:
        browser.quit()
