"""The house: which room may know which. Arrows run down only."""

from pathlib import Path

import grok_np

PACKAGE = Path(grok_np.__file__).parent
GROUND = {"errors", "streams", "tasks", "layers"}
MAY_IMPORT = {
    "networks": GROUND,
    "learning": GROUND | {"networks"},
    "analytic": GROUND | {"networks"},
    "reading": GROUND | {"networks", "analytic"},
    "figures": GROUND | {"networks", "analytic", "reading"},
    "page": GROUND | {"networks", "analytic", "reading", "figures", "learning"},
    "gradcheck": {"errors", "networks", "layers", "tasks", "streams"},
}
