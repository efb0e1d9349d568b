"""Do the tests notice a wrong line? mutmut's changes of the layers, the optimizer, Fourier analysis, exact networks.

    pip install -e ".[test]" mutmut && python examples/benchmarks/mutants.py           # an hour; --draw 600: a part

mutmut (https://mutmut.readthedocs.io, not on Windows) changes one operator, number, name or argument at a time, in a
copy of the repository, and runs the tests that reach the changed function until one of them fails. Checks of arguments
are left as they are: `tests/test_bad_arguments.py` makes the wrong calls. Printed: how many changes were noticed, and
each of the others, which may be no mistake (`clip(x, 0, None)` is `clip(x, 0, inf)`).
"""

import argparse
import configparser
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
MODULES = ("layers", "learning/adamw", "networks/attention", "networks/mlp", "reading/fourier", "analytic/rings",
           "analytic/margins", "analytic/proofs")
TESTS = ("layers", "adamw", "attention", "mlp", "fourier", "analytic", "doors", "parity", "transformer", "networks",
         "rings", "clock_pizza", "numerics", "best")
MUTMUT = str(Path(sys.executable).with_name("mutmut"))


def copy_of_the_repository(folder):
    """Sources, tests and pages, with mutmut's settings in setup.cfg."""
    here = Path(folder) / "repository"
    shutil.copytree(ROOT, here, ignore=shutil.ignore_patterns("runs", ".git", "*.egg-info", "__pycache__"))
    settings = configparser.ConfigParser()
    settings["mutmut"] = {
        "source_paths": "grok_np", "only_mutate": "\n".join(f"grok_np/{name}.py" for name in MODULES),
        "do_not_mutate_patterns": "require", "also_copy": "README.md\ndocs\nexamples",
        "pytest_add_cli_args_test_selection": "\n".join(f"tests/test_{name}.py" for name in TESTS)}
    with open(here / "setup.cfg", "a", encoding="utf-8") as file:
        file.write("\n")
        settings.write(file)
    return here


def mutmut(here, *words):
    """Run it on the copy alone, hypothesis without chance; what it printed."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"CI": "true"}
    done = subprocess.run([MUTMUT, *words], cwd=here, capture_output=True, encoding="utf-8", env=environment)
    if done.returncode:
        sys.exit(f"mutmut {words[0]} ended with code {done.returncode}: {done.stdout[-2000:]} {done.stderr[-2000:]}")
    return done.stdout


def changes(here):
    """{name of the change: exit code of the tests, None before they ran}."""
    return {name: code for path in sorted((here / "mutants").rglob("*.meta"))
            for name, code in json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"].items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draw", type=int, help="try so many of them, drawn at random (seed 0)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        here = copy_of_the_repository(folder)
        mutmut(here, "run", "grok_np.layers.x_relu_b*")  # makes all, tries four, and sees which test reaches what
        every = list(changes(here))
        names = random.Random(0).sample(every, arguments.draw) if arguments.draw else every
        mutmut(here, "run", *names)
        found = changes(here)
        noticed = [name for name in names if found[name] not in (0, 5, 33, None)]  # 5 and 33: no test reaches it
        print(f"{len(noticed)} of {len(names)} changes noticed, {len(names) - len(noticed)} not "
              f"(of {len(every)} in {len(MODULES)} modules)", flush=True)
        missed = [name for name in names if name not in noticed]
        modules = Counter(name.rpartition(".")[0] for name in missed)
        print("not noticed, by module:", ", ".join(f"{name} {count}" for name, count in modules.items()))
        for name in missed:
            print("\n" + mutmut(here, "show", name))


if __name__ == "__main__":
    main()
