"""The page in a headless Chromium, for its tests; skipped where there is none."""

import shutil
import time
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


class Page:
    """The page through what a reader sees and touches, at one of its sections."""

    def __init__(self, driver, file, state="learned"):
        self.driver, self.script, self.id = driver, driver.execute_script, state.split("&")[0]
        driver.get("about:blank")
        driver.get(f"{file.as_uri()}#{state}")
        self.settle()
        self.see(self.id)

    def until(self, condition, seconds=20):
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.02)

    def settle(self):
        self.driver.execute_async_script("const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame("
                                         "() => setTimeout(done)))")

    def see(self, name):
        """Scroll to a section. Its figures are made when it comes near, which may move it: so until it stays."""
        def there():
            self.script("document.getElementById(arguments[0]).scrollIntoView({behavior: 'instant'})", name)
            self.settle()
            return self.script("const one = page.sections.find(({id}) => id === arguments[0]);"
                               "return one.near && one.mounted &&"
                               "one.element.getBoundingClientRect().top < innerHeight",
                               name)

        self.until(lambda: there() and there())

    def set(self, **state):
        self.script("page.set(arguments[0])", state)
        self.until(lambda: not self.script("return Boolean(page.waiting)"))
        self.settle()

    def press(self, words):
        """The button of the section that has these words."""
        button, = (one for one in self.driver.find_elements("css selector", f"#{self.id} button") if words in one.text)
        self.script("arguments[0].click()", button)
        self.settle()

    def text(self, selector):
        return self.script("return document.querySelector(arguments[0]).textContent", selector)

    def says(self, figure):
        return self.text(f"#fig-{figure}-says")

    def state(self, key):
        return self.script("return page.state[arguments[0]]", key)

    def value(self, expression, *arguments):
        """Of a JavaScript expression; typed arrays as lists."""
        return self.script("const plain = x => ArrayBuffer.isView(x) || Array.isArray(x) ? Array.from(x, plain) : x;"
                           f"return plain({expression})", *arguments)
