"""How fast is the page? First paint and one step of a drag, in headless Chromium, also with a processor slowed 4 times.

    python examples/benchmarks/page_speed.py docs/index.html

Needs selenium, chromium and chromedriver. A step: from the change of the state to the end of the frame in which all
that is on screen has been drawn again. On a machine that does other things, too, read the last column: the mean
processor time of the page's main thread for a step, whoever else was running.
"""

import argparse
import json
import shutil
import statistics
import time
from pathlib import Path

from selenium import webdriver

STEP = """
const done = arguments[arguments.length - 1], [values, key] = arguments, times = [];
const drawn = () => new Promise(resolve => requestAnimationFrame(() => {
  const channel = new MessageChannel();
  channel.port1.onmessage = resolve;
  channel.port2.postMessage(null);
}));
(async () => {
  for (const value of values) {
    const start = performance.now();
    page.set({[key]: value});
    await drawn();
    times.push(performance.now() - start);
    await new Promise(resolve => setTimeout(resolve, 5));
  }
  done(times);
})();
"""
PLACES = {"learned": ("step", range(60)), "star": ("a", range(60)), "five": ("fstep", range(60)),
          "lopsided": ("lean", [i / 40 for i in range(38)]), "lopsided&mod=67&neurons=9&wave=learned": (
              "lean", [i / 40 for i in range(38)]), "written": ("modulus", range(60, 90)),
          "parity": ("bstep", range(20)), "transformer": ("ta", range(59))}


def browser():
    """Headless Chromium that keeps its console and its requests."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1280,900"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))


def cpu(driver):
    """Processor time that the page's main thread has taken for tasks, ms."""
    metrics = driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    return 1000 * next(one["value"] for one in metrics if one["name"] == "TaskDuration")


def measure(driver, url, slowed):
    """First paint, and for each section the median and the largest time of a step, ms."""
    driver.execute_cdp_cmd("Emulation.setCPUThrottlingRate", {"rate": slowed})
    paints = []
    for _ in range(5):
        driver.get("about:blank")
        driver.get(url)
        time.sleep(1)
        paints.append(driver.execute_script(
            "return performance.getEntriesByName('first-contentful-paint')[0].startTime"))
    rows = {"first paint": (statistics.median(paints), max(paints))}
    for name, (key, values) in PLACES.items():
        driver.get("about:blank")
        driver.get(f"{url}#{name}")
        time.sleep(2)
        before = cpu(driver)
        times = driver.execute_async_script(STEP, [*values, *reversed(values)], key)
        rows[name] = (statistics.median(times), max(times), (cpu(driver) - before) / len(times))
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("page", type=Path)
    path = parser.parse_args().page.resolve()
    driver = browser()
    driver.set_script_timeout(120)
    driver.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
    try:
        print(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB")
        for slowed in (1, 4):
            print(f"\nprocessor slowed {slowed} times (ms)")
            for name, times in measure(driver, path.as_uri(), slowed).items():
                words = ("median", "largest") if len(times) == 2 else ("median", "largest", "processor time")
                cells = [f"{word} {value:.1f}" for word, value in zip(words, times, strict=True)]
                print(f"{name:42s}{', '.join(cells)}")
        asked = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
        urls = {one["params"]["request"]["url"] for one in asked if one["method"] == "Network.requestWillBeSent"}
        away = sorted(url for url in urls if not url.startswith(("file:", "about:", "data:", "blob:")))
        print("\nrequests besides the file:", away)
        print("console:", driver.get_log("browser"))
    finally:
        driver.quit()


if __name__ == "__main__":
    main()
