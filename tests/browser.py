"""A headless Chromium for the tests of the page; skipped where there is none."""

import shutil
from pathlib import Path

import pytest

import grok_np

SCRIPTS = Path(grok_np.__file__).parent / "page" / "js"


def chromium():
    """A driver that keeps its console and the requests that it makes; the caller quits it."""
    webdriver = pytest.importorskip("selenium.webdriver", reason='no selenium: pip install -e ".[browser]"')
    program, chromedriver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (program and chromedriver):
        pytest.skip("no browser: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1280,900"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options, webdriver.ChromeService(chromedriver))


def with_script(driver, name):
    """An empty page in which one of the page's scripts has run, its one name made a property of window."""
    driver.get("about:blank")
    driver.execute_script((SCRIPTS / f"{name}.js").read_text(encoding="utf-8") + f"\nwindow.{name} = {name};")
    return driver.execute_script
