"""One self-contained HTML file from one's own runs: the page that moves.

    python -m grok_np.page runs/NAME [...] [--out FILE]

Not here: what the page knows of a run, see `collect`; the page itself: page.html, style.css and the scripts beside it,
whose README.md says how they fit.
"""

import argparse
import json
from importlib import resources
from pathlib import Path

from grok_np.files import write_atomically
from grok_np.page.collect import collect

SCRIPTS = ("state", "maths", "network", "learner", "draw", "controls")


def page(data: dict, command: str = "python -m grok_np.page") -> str:
    """The HTML text: the frame with style, scripts and data put in. ``data`` as from `collect`."""
    files = resources.files("grok_np.page")
    sections = sorted(file.name for file in (files / "sections").iterdir() if file.name.endswith(".js"))
    names = [f"js/{name}.js" for name in SCRIPTS] + [f"sections/{name}" for name in sections]
    scripts = "\n".join(f'<script id="{Path(name).stem}">\n{(files / name).read_text(encoding="utf-8")}</script>'
                        for name in names)
    text = json.dumps(data | {"command": command}, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    html = (files / "page.html").read_text(encoding="utf-8")
    for place, part in (("{{style}}", (files / "style.css").read_text(encoding="utf-8")), ("{{scripts}}", scripts),
                        ("{{command}}", command), ("{{data}}", text.replace("</", "<\\/"))):
        before, after = html.split(place)  # </script> would end the page's data
        html = before + part + after
    return html


def write(paths: list, out: str | Path, command: str = "python -m grok_np.page") -> Path:
    """Write the page of these run folders, published checkpoints (.npz, ...) and tables of sweeps (.jsonl)."""
    html = page(collect([Path(path) for path in paths]), command)
    path = Path(out)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda file: file.write(html.encode()))
    return path


def main():
    parser = argparse.ArgumentParser(prog="python -m grok_np.page", description=__doc__.splitlines()[0])
    parser.add_argument("paths", type=Path, nargs="+", metavar="RUN",
                        help="folder of a run (runs/mlp_grokking), published checkpoint (.npz, ...), sweep (.jsonl)")
    parser.add_argument("--out", type=Path, help="HTML file to write (default: page.html in the first folder)")
    arguments = parser.parse_args()
    first = arguments.paths[0]
    out = arguments.out or (first if first.is_dir() else first.parent) / "page.html"
    try:
        path = write(arguments.paths, out, f"python -m grok_np.page {' '.join(map(str, arguments.paths[:3]))}"
                     + " ..." * (len(arguments.paths) > 3))
    except (ValueError, OSError) as error:
        raise SystemExit(f"{parser.prog}: {error}") from None
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB; open it in a browser")
