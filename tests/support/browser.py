"""Drives Dagster's UI in a real Chromium: clicks what a person sees, and waits for what the page says.

What belongs here: the browser, its waits, its screenshots. Not here: what a page should say (tests/e2e).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest
from selenium import webdriver
from selenium.common.exceptions import (
    ElementClickInterceptedException,
    StaleElementReferenceException,
    TimeoutException,
)
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

Found = TypeVar("Found")
FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
)
SIZE = {"width": 1400, "height": 900}
"""The inner size of the window, in pixels: that of a small laptop."""
_SEEN = """
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
    const node = walker.currentNode, at = node.data.indexOf(arguments[0]);
    if (at < 0) continue;
    const range = document.createRange();
    range.setStart(node, at);
    range.setEnd(node, at + arguments[0].length);
    const inside = [...range.getClientRects()].every(({left, top, right, bottom}) => {
        const onTop = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
        return left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight
            && onTop !== null && (onTop.contains(node) || node.parentElement.contains(onTop));
    });
    if (inside) return true;
}
return false;
"""

_WIDER = """
return [...document.querySelectorAll('*')].filter(part => part.clientWidth > 300
    && part.scrollWidth > part.clientWidth + 1 && /auto|scroll/.test(getComputedStyle(part).overflowX)).length > 0;
"""


class Browser:
    """A window of Chromium on one site. Each wait fails with what the page shows instead."""

    def __init__(self, driver: webdriver.Chrome, site: str) -> None:
        self.driver = driver
        self.site = site

    def open(self, path: str) -> None:
        """Opens a page of the site."""
        self.driver.get(f"{self.site}{path}")

    @property
    def text(self) -> str:
        """All texts of the page that are displayed.

        The browser's own answer. That of WebDriver is a script that asks for the style of every element, and in the
        waits for a text it took most of the processor's time.
        """
        return str(self.driver.execute_script("return document.body.innerText"))

    def wait(self, what: str, condition: Callable[[], Found], seconds: float = 240) -> Found:
        """Waits until the condition gives something true, and returns that. what: names the condition."""
        wait = WebDriverWait(
            self.driver,
            seconds,
            poll_frequency=0.2,
            ignored_exceptions=[StaleElementReferenceException, ElementClickInterceptedException],
        )
        try:
            return wait.until(lambda _: condition())  # type: ignore[return-value]
        except TimeoutException:
            pytest.fail(f"not seen: {what}. {self.driver.current_url} shows:\n{self.text[:3000]}")

    def wait_for(self, *texts: str, seconds: float = 240) -> None:
        """Waits until the page has all these texts."""
        self.wait(", ".join(texts), lambda: all(text in self.text for text in texts), seconds)

    def find(self, xpath: str, *, hidden: bool = False) -> WebElement:
        """The last element of an XPath, as soon as there is one. A dialog is after the page in the DOM.

        hidden: also one that is not displayed, for example the input of a switch.
        """

        def found() -> list[WebElement]:
            return [e for e in self.driver.find_elements(By.XPATH, xpath) if hidden or e.is_displayed()]

        return self.wait(xpath, found)[-1]

    def click(self, text: str, tag: str = "*") -> None:
        """Clicks the innermost element with this text."""
        self.click_at(f"//{tag}[normalize-space(.)='{text}'][not(.//{tag}[normalize-space(.)='{text}'])]")

    def click_at(self, xpath: str) -> None:
        """Clicks the last element of an XPath, as soon as nothing covers it. The page may draw it anew meanwhile."""

        def clicked() -> bool:
            self.find(xpath).click()
            return True

        self.wait(f"{xpath}, to click", clicked)

    def launch(self, button: str) -> str:
        """Clicks a button that launches a run, opens the page of that run, and returns its id.

        button: how its text begins.
        """
        self.click_at(f"//button[starts-with(normalize-space(.), '{button}')][not(@disabled)]")
        self.wait("a launched run", lambda: self._launched() or "/runs/" in self.driver.current_url)
        if "/runs/" not in self.driver.current_url:
            self.driver.get(self._launched())
        return self.driver.current_url.split("/runs/")[1].split("?")[0]

    def _launched(self) -> str:
        """The link of the notice that Dagster has launched a run; "" while there is none."""
        notice = "//*[contains(., 'Launched run')]/following::a[normalize-space(.)='View']"
        links = self.driver.find_elements(By.XPATH, notice)
        return (links[-1].get_attribute("href") or "") if links else ""

    def type(self, place: WebElement, text: str) -> None:
        """Writes a text in the place of what stands there."""
        place.send_keys(Keys.CONTROL, "a")
        place.send_keys(text)

    def sees(self, text: str) -> bool:
        """Whether a person sees the whole text now: in the window, without scrolling, covered by nothing."""
        return bool(self.driver.execute_script(_SEEN, text))

    def scrolls_sideways(self) -> bool:
        """Whether something on the page is so wide that a person must scroll to the right to read it."""
        return bool(self.driver.execute_script(_WIDER))

    def shot(self, name: str) -> None:
        """Saves what the window shows as <name>.png in the folder GUDANG_TEST_SCREENSHOTS, if that is set."""
        if folder := os.environ.get("GUDANG_TEST_SCREENSHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.driver.save_screenshot(str(Path(folder) / f"{name}.png"))


def require_chromium() -> str:
    """The path of chromedriver. Skips the test where it or Chromium is missing; in CI fails instead."""
    driver = shutil.which("chromedriver")
    if driver is None or shutil.which("chromium") is None:
        if os.environ.get("CI"):
            pytest.fail("in CI the browser test must run: chromium and chromium-driver are not installed")
        pytest.skip("chromium and chromium-driver are not installed (on Debian: apt install chromium-driver)")
    return driver


@contextmanager
def chromium(site: str) -> Iterator[Browser]:
    """Runs a window of Chromium while the context lasts. Its clock is that of Kalimantan Timur."""
    options = webdriver.ChromeOptions()
    for flag in FLAGS.split():
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=Service(require_chromium()))
    try:
        driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": "Asia/Makassar"})
        size = SIZE | {"deviceScaleFactor": 1, "mobile": False}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        yield Browser(driver, site)
    finally:
        driver.quit()
