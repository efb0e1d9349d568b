"""Examples as a user runs them: as a process of their own, in a folder of its own, warnings being errors."""

import os
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(tmp_path, name, *arguments, fails=False):
    """The example's standard output, or its last line of errors."""
    environment = os.environ | {"MPLBACKEND": "Agg", "MPLCONFIGDIR": str(tmp_path), "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run([sys.executable, "-W", "error", str(EXAMPLES / name), *arguments], cwd=tmp_path,
                          capture_output=True, encoding="utf-8", env=environment, timeout=600)
    assert (done.returncode != 0) == fails, done.stderr
    return done.stderr.splitlines()[-1] if fails else done.stdout
