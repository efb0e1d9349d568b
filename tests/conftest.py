"""Where the published reference data is, how hard hypothesis tries, and the browser that looks at the page.

    HYPOTHESIS_PROFILE=thorough pytest        1,000 examples per property instead of 25
    GROK_NP_REFERENCE=FOLDER pytest           published checkpoints and tables, which are not shipped
"""

import os
from pathlib import Path

import pytest
from browser import chromium
from hypothesis import settings

collect_ignore = ["elsewhere"]  # takes calls away from whoever imports it, see test_portable

settings.register_profile("quick", max_examples=25, deadline=None)
settings.register_profile("ci", max_examples=25, deadline=None, derandomize=True)
settings.register_profile("thorough", max_examples=1000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "quick"))

REFERENCE = Path(os.environ.get("GROK_NP_REFERENCE", Path(__file__).parents[2] / "shared" / "reference"))


@pytest.fixture(scope="session")
def reference():
    """``reference("pair/main_model.npz")``: the path of a published file; the test is skipped where it is absent."""
    def find(name):
        if not (REFERENCE / name).exists():
            pytest.skip(f"published file {name} not found under {REFERENCE}; set GROK_NP_REFERENCE")
        return REFERENCE / name

    return find


@pytest.fixture(scope="module")
def driver():
    """A browser; the test is skipped where there is none."""
    driver = chromium()
    yield driver
    driver.quit()
