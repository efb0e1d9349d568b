"""The house: which room may know which. Arrows run down only."""

import ast
import re
from graphlib import TopologicalSorter
from itertools import pairwise
from pathlib import Path

import pytest

import grok_np

PACKAGE = Path(grok_np.__file__).parent
GROUND = {"errors", "files", "streams", "tasks", "groups", "layers"}
MAY_IMPORT = {
    "networks": GROUND,
    "learning": GROUND | {"networks"},
    "analytic": GROUND | {"networks"},
    "reading": GROUND | {"networks", "analytic"},
    "figures": GROUND | {"networks", "analytic", "reading"},
    "page": GROUND | {"networks", "analytic", "reading", "figures", "learning"},
    "gradcheck": {"errors"},
}
RUNS = {"learning", "learning.runs", "learning.training"}  # where `page` finds a finished run
# One order of reading, which `__init__`, docs/reading.md and the "Read next" lines tell.
ORDER = [
    "tasks", "groups", "layers", "networks.mlp", "networks.factorings", "networks.initial", "networks.attention",
    "networks.transformer", "networks.deep", "networks.bits", "learning.adamw", "learning.training",
    "learning.ensemble", "learning.runs", "learning.sweep", "analytic.rings", "analytic.proofs", "analytic.margins",
    "analytic.clock_pizza", "analytic.parity", "analytic.groups", "analytic.best", "reading.every_pair",
    "reading.fourier", "reading.groups", "reading.rings", "reading.progress", "reading.clock_pizza",
    "reading.published", "figures", "page", "gradcheck"]
MODULES = {".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): path
           for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py"}


def room(module):
    """The folder, or the file on the ground floor."""
    return module.split(".")[0]


def imports(source):
    """Names of the package's modules that a source imports, anywhere in it, without "grok_np."."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports name the whole path"
            for name in node.names:
                path = f"{node.module}.{name.name}"
                if node.module == "grok_np" and path.removeprefix("grok_np.") not in MODULES:  # a short name: its home
                    path = getattr(getattr(grok_np, name.name), "__module__", "grok_np")
                found.add(path if path.removeprefix("grok_np.") in MODULES else node.module)
    return {name.removeprefix("grok_np.") for name in found if name.startswith("grok_np")}


ARROWS = {module: imports(path.read_text(encoding="utf-8")) - {"grok_np"} for module, path in MODULES.items()}


def test_every_room_is_known():
    assert {room(module) for module in MODULES} == GROUND | MAY_IMPORT.keys()


@pytest.mark.parametrize("module", MODULES)
def test_arrows_run_down(module):
    home = room(module)
    allowed = GROUND if home in GROUND else MAY_IMPORT[home] | {home}
    assert {room(other) for other in ARROWS[module]} <= allowed
    if home == "page":
        assert {other for other in ARROWS[module] if room(other) == "learning"} <= RUNS


def test_there_are_no_circles():
    """Neither between rooms nor between modules: `static_order` raises CycleError."""
    rooms = {}
    for module, others in ARROWS.items():
        rooms.setdefault(room(module), set()).update(room(other) for other in others if room(other) != room(module))
    assert len(list(TopologicalSorter(rooms).static_order())) == len(rooms)
    list(TopologicalSorter(ARROWS).static_order())


def test_imports_are_found_wherever_they_hide():
    assert imports("import numpy\ndef f():\n    from grok_np.learning import runs") == {"learning.runs"}
    assert imports("from grok_np import AdamW, analytic") == {"learning.adamw", "analytic"}
    assert imports("import grok_np.page.build") == {"page.build"}
    assert imports("from grok_np.layers import predict") == {"layers"}


@pytest.mark.parametrize(("module", "following"), list(pairwise(ORDER)))
def test_there_is_one_order_of_reading(module, following):
    """Each module names the next one; the last of a room the next room, whose head names its first module."""
    says = re.search(r"Read next:([^.]*)", ast.get_docstring(ast.parse(MODULES[module].read_text(encoding="utf-8"))))
    inside = room(module) == room(following)
    assert f"`{following.split('.')[-1] if inside else room(following)}`" in says[1]


def test_the_heads_tell_the_order():
    """`__init__` names the rooms in order, each room its modules, and the table of docs/reading.md all of them."""
    def in_order(text, names):
        places = [text.find(f"`{name}`") for name in names]
        return min(places) >= 0 and places == sorted(places)

    assert in_order(grok_np.__doc__, list(dict.fromkeys(map(room, ORDER))))
    for folder in ("networks", "learning", "analytic", "reading"):
        head = ast.get_docstring(ast.parse(MODULES[folder].read_text(encoding="utf-8")))
        assert in_order(head[head.index("Read in this order"):], [
            name.split(".")[1] for name in ORDER if room(name) == folder])
    guide = (PACKAGE.parent / "docs/reading.md").read_text(encoding="utf-8")
    cells = " ".join(re.findall(r"^\| (\[`.*?) \|", guide, re.M))  # the first of each row of the table of modules
    paths = re.findall(r"\(\.\./grok_np/([^)]+)\.py\)", cells)
    names = [path.replace("/__init__", "").replace("/", ".") for path in paths]
    places = [ORDER.index(name) for name in names if name in ORDER]
    assert len(places) > 20 and places == sorted(places)


def test_every_link_leads_somewhere():
    """Files and headings that the pages link to are there; the web is not asked."""
    def anchors(text):
        headings = re.findall(r"^#+ (.*)", text, re.M)
        return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}

    root = PACKAGE.parent
    pages = [root / "README.md", root / "examples/README.md", *sorted((root / "docs").glob("*.md"))]
    for page in pages:
        text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
        for link in re.findall(r"\]\(([^)\s]+)\)", text):
            if not link.startswith("https://"):
                path, _, anchor = link.partition("#")
                target = page.parent / path if path else page
                assert target.exists(), f"{page.name}: {link}"
                if anchor and target.suffix == ".md":
                    assert anchor in anchors(target.read_text(encoding="utf-8")), f"{page.name}: {link}"
