# %%
"""Every claim of README, docs and examples again, from scratch, held against what is written.

    python examples/reproduce.py --quick            # what takes 15 minutes on two cores
    python examples/reproduce.py                    # all of it: a night; what is done already is not done again
    python examples/reproduce.py --only five_neurons mlp_seeds          # these jobs; --again, although they are done
    python examples/reproduce.py --only --write     # no job; results of those done into docs/, tables into their blocks

`_claims.py` lists the *claims* (what is claimed, where, the number there, the tolerance and why it is that wide) and
the *jobs* that answer them, each one command. What a job prints is kept, with its exit code, seconds, commit and
machine, in runs/reproduce/NAME.json, whole or not at all. A claim reads its number from there. Its verdict is

    same                            the number here is the number there, up to the tolerance
    within the spread of seeds      a number that chaos moves is where seeds put it
    differs                         neither
    not reproduced                  the job was not run yet, failed, lacked something, or did not print the number
    not reproducible                no command can give it; the reason says why

Results go to runs/reproduce, with --write to docs/results.json and docs/RESULTS.md, where those of jobs that were not
run here stay as they are. With --write every block

    <!-- results: NAME -->
    <!-- end -->

of README.md and docs/*.md is filled with the table NAME of `_claims.py`. Published data are looked for under the folder
GROK_NP_REFERENCE. Ctrl-C stops; a job that was cut off goes on from its run folder.
"""

import argparse
import datetime
import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections import Counter
from importlib.metadata import version
from pathlib import Path

from _claims import CLAIMS, JOBS, TABLES
from threadpoolctl import threadpool_info

from grok_np.files import write_atomically
from grok_np.learning.machine import cores

ROOT = Path(__file__).parents[1]
REFERENCE = "GROK_NP_REFERENCE"
SAME, SPREAD, DIFFERS, MISSING, NEVER = VERDICTS = (
    "same", "within the spread of seeds", "differs", "not reproduced", "not reproducible")


# %% Jobs: run once, kept whole


def stamp():
    """Where and with what a job runs."""
    def git(*words):
        there = shutil.which("git")
        return subprocess.run([there, *words], cwd=ROOT, capture_output=True, text=True).stdout.strip() if there else ""

    cpu = Path("/proc/cpuinfo")
    name = re.search(r"model name\s*: (.*)", cpu.read_text(encoding="utf-8")) if cpu.exists() else None
    kernels = {f"{one['internal_api']} {one['version']} ({one['architecture']})" for one in threadpool_info()
               if one["user_api"] == "blas"}
    changed = git("status", "--porcelain", "--untracked-files=no", "grok_np", "examples")
    return {"date": datetime.date.today().isoformat(),
            "commit": git("rev-parse", "--short", "HEAD") + (" with changes" if changed else ""),
            "machine": f"{name[1] if name else platform.processor() or platform.machine()}, {cores()} cores, "
                       f"{', '.join(sorted(kernels))}, {platform.system()}",
            "software": f"Python {platform.python_version()}, NumPy {version('numpy')}, SciPy {version('scipy')}"}


def words_of(name, job, folder):
    """What stands behind `python`, with folders and the environment's $NAMES put in."""
    return [os.path.expandvars(word).format(out=folder / name, runs=folder) for word in shlex.split(job.command)]


def run(name, job, folder):
    """Run one job and keep what came of it in ``folder``/``name``.json."""
    words, where = words_of(name, job, folder), stamp()
    if any(f"${REFERENCE}" in word for word in words):  # is not set, or it would be gone
        return keep({"exit": None, "error": f"needs {REFERENCE}", "printed": ""} | where, folder / f"{name}.json")
    begin, environment = time.perf_counter(), os.environ | job.environment
    environment |= {"MPLBACKEND": "Agg", "PYTHONIOENCODING": "utf-8",
                    "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))}
    process = subprocess.Popen([sys.executable, *words], cwd=ROOT, env=environment, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, encoding="utf-8", errors="replace")
    try:
        printed, errors = process.communicate()
    except KeyboardInterrupt:  # which the job has got, too, and saves what it has
        process.communicate()
        raise
    last = (errors.replace("\r", "\n").replace(f"{ROOT}{os.sep}", "").strip().splitlines() or [""])[-1]
    error = f"exit code {process.returncode}: {last}"[:200] if process.returncode else ""
    return keep({"exit": process.returncode, "seconds": round(time.perf_counter() - begin, 1), "error": error,
                 "printed": printed} | where, folder / f"{name}.json")


def keep(record, path):
    """Write it, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda file: file.write(json.dumps(record, indent=1, ensure_ascii=False).encode()))
    return record


def kept(folder):
    """Records of the jobs that were run, by name."""
    paths = {name: folder / f"{name}.json" for name in JOBS}
    return {name: json.loads(path.read_text(encoding="utf-8")) for name, path in paths.items() if path.exists()}


def run_all(names, folder, again=False):
    """Run those of the jobs that have not ended well before; with ``again`` all of them, from nothing."""
    for name in names:
        job, record = JOBS[name], kept(folder).get(name)
        if record and not record["error"] and not again:
            continue
        if again:
            shutil.rmtree(folder / name, ignore_errors=True)
        print(f"{name}: {shown(job)} (about {job.minutes:g} minutes)", flush=True)
        record = run(name, job, folder)
        print("   ", record["error"] or f"{record['seconds']:.0f} seconds", flush=True)


# %% Verdicts


def values(found, there):
    """The groups of a regular expression: words where the value there is one, else numbers."""
    words = [word for one in found for word in (one if isinstance(one, tuple) else (one,))]
    return words if isinstance(there, str) else [float(word.replace(",", "")) for word in words]


def read(claim, records):
    """What was found, a list of numbers or words, or None and the reason."""
    record = records.get(claim.job)
    if record is None:
        return None, "not run yet"
    if record["error"]:
        return None, record["error"]
    find = claim.read if callable(claim.read) else re.compile(claim.read, re.M).findall
    try:
        found = values(find(record["printed"]), claim.there)
    except (ValueError, LookupError, TypeError) as error:  # an output that says something else must not end a night
        return None, f"the output cannot be read: {error!r}"
    return (found, "") if found else (None, "the output does not say it")


def verdict(here, there, tolerance, spread=None, seeds=False):
    """How the values here and the one there stand to each other.

    ``tolerance`` is (below, above): all from ``there`` - below to ``there`` + above are the same. Else they are within
    the spread if all are in ``spread``, which is (lowest, highest), or if they are of ``seeds`` and ``there`` is among
    them.
    """
    if isinstance(there, str):
        return SAME if all(word == there for word in here) else DIFFERS
    low, high = there - tolerance[0], there + tolerance[1]
    if all(low <= x <= high for x in here):
        return SAME
    known = spread is not None and all(spread[0] <= x <= spread[1] for x in here)
    return SPREAD if known or (seeds and min(here) <= high and low <= max(here)) else DIFFERS


def judge(section, claim, records):
    """One row of the results."""
    row = {"section": section, "claim": claim.what, "source": claim.source, "there": claim.there, "unit": claim.unit,
           "tolerance": claim.both_sides, "spread": claim.spread, "seeds": claim.seeds, "why": claim.why,
           "job": claim.job, "headline": claim.headline, "here": None, "reason": ""}
    if not claim.job:
        return row | {"reason": claim.why, "verdict": NEVER}
    row["here"], row["reason"] = read(claim, records)
    return row | {"verdict": verdict_of(row)}


def verdict_of(row):
    """The verdict that follows from a row."""
    if not row["job"]:
        return NEVER
    return MISSING if row["here"] is None else verdict(
        row["here"], row["there"], row["tolerance"], row["spread"], row["seeds"])


def results(records, earlier=None):
    """Everything that the pages are made of; of jobs without a record what the ``earlier`` results say."""
    earlier = earlier or {"claims": [], "jobs": {}, "tables": {}}
    rows = [judge(section, claim, records) for section, claims in CLAIMS.items() for claim in claims]
    known = {(row["section"], row["claim"], row["job"]): row for row in earlier["claims"]}
    for row in rows:
        if row["job"] and row["job"] not in records:
            old = known.get((row["section"], row["claim"], row["job"]), row)
            row |= {"here": old["here"], "reason": old["reason"]}
            row["verdict"] = verdict_of(row)
    jobs = {name: {"command": shown(job), "minutes": job.minutes, "quick": job.quick} for name, job in JOBS.items()}
    for name, job in jobs.items():
        record = records.get(name) or earlier["jobs"].get(name, {})
        job |= {key: value for key, value in record.items() if key not in {"printed", *job}}
    printed = {name: record["printed"] for name, record in records.items() if not record["error"]}
    tables = {name: {"jobs": table.jobs, "rows": earlier["tables"].get(name, {}).get("rows")}
              for name, table in TABLES.items()}
    for name, table in TABLES.items():
        if all(job in printed for job in table.jobs):
            tables[name]["rows"] = table.build(*map(printed.get, table.jobs))
    lines = [[row["section"], row["claim"], there(row), here(row), row["verdict"]] for row in rows if row["headline"]]
    tables["headlines"] = {"jobs": [], "rows": [["work", "claim", "there", "here", "verdict"], *lines]}
    return {"claims": rows, "jobs": jobs, "tables": tables}


# %% Pages


def shown(job):
    """The command as a reader types it, who leaves the folders to the examples."""
    settings = "".join(f"{name}={value} " for name, value in job.environment.items())
    return settings + "python " + job.command.replace(" --out {out}", "").replace("{runs}", "runs")


def number(x):
    """Up to seven digits, thousands apart."""
    if isinstance(x, str):
        return x
    return f"{x:,.0f}" if x == round(x) and abs(x) < 1e9 else f"{x:.7g}"


def there(row):
    """The number there."""
    return number(row["there"]) + f" {row['unit']}" * bool(row["unit"])


def here(row):
    """The number here; of several the range, and how many."""
    if row["here"] is None:
        return ""
    if isinstance(row["here"][0], str) or len(row["here"]) == 1:
        return "; ".join(map(number, dict.fromkeys(row["here"])))
    low, high = min(row["here"]), max(row["here"])
    return number(low) + f" to {number(high)}" * (low < high) + f" ({len(row['here'])} values)"


def tolerance(row):
    """How far off is the same, and why."""
    if row["verdict"] == NEVER:
        return ""
    below, above = row["tolerance"]
    text = "exact" if not below + above else f"±{number(above)}" if below == above else (
        f"-{number(below)}, +{number(above)}")
    text += f", or {number(row['spread'][0])} to {number(row['spread'][1])}" if row["spread"] else ""
    return text + ", or among seeds" * row["seeds"] + f": {row['why']}" * bool(row["why"])


def markdown(table, jobs=None):
    """A table as a page has it, or what to run for it."""
    if table["rows"] is None:
        return "*Not run yet: " + ", ".join(f"`{jobs[job]['command']}`" for job in table["jobs"]) + ".*\n"
    header, *rows = [[str(cell).replace("|", r"\|") for cell in row] for row in table["rows"]]
    return "".join(f"| {' | '.join(row)} |\n" for row in (header, ["---"] * len(header), *rows))


HEAD = """# Results

Every claim of README, docs and examples beside the number that was measured last. `python examples/reproduce.py
--write` writes this page from what the commands at its end printed; [results.json](results.json) has it for programs.
A number that chaos moves (a step of grokking, the size of a ring) is held against a range over seeds. "The same bits on
one machine": on another machine another number of that range is to be expected.

{count}

Verdicts: *same*, up to the tolerance; *within the spread of seeds*: the values here are in the given range, or the
number there is among those of seeds here; *differs*; *not reproduced*: the job was not run yet, failed,
or lacks published data (the folder `GROK_NP_REFERENCE`); *not reproducible*: no command gives the number.

Measured on:

{machines}
"""


def report(found):
    """RESULTS.md."""
    rows, jobs = found["claims"], found["jobs"]
    machines = sorted({f"- {job['machine']}; {job['software']}" for job in jobs.values() if "exit" in job})
    parts = [HEAD.format(count=summary(rows), machines="\n".join(machines) or "- nothing yet")]
    parts.append("## What differs\n\n" + ("".join(
        f"- {row['claim']} ({row['source']}): there {there(row)}, here {here(row)} ({row['why']})\n" for row in rows
        if row["verdict"] == DIFFERS) or "Nothing of what was measured.\n"))
    for section in dict.fromkeys(row["section"] for row in rows):
        table = [["claim", "source", "there", "here", "tolerance, and why", "verdict", "job"]]
        table += [[row["claim"], row["source"], there(row), here(row), tolerance(row),
                   row["verdict"] + f": {row['reason']}" * bool(row["reason"]), row["job"]]
                  for row in rows if row["section"] == section]
        parts.append(f"## {section}\n\n" + markdown({"rows": table}))
    table = [["job", "command", "seconds", "date, commit", "outcome"]]
    for name, job in jobs.items():
        seconds = f"{job['seconds']:,.0f}" if job.get("seconds") else f"about {60 * job['minutes']:,.0f}"
        when, outcome = (f"{job['date']}, {job['commit']}", job["error"] or "done") if "exit" in job else (
            "", "not run yet")
        table.append([name + " *" * job["quick"], f"`{job['command']}`", seconds, when, outcome])
    parts.append("## Jobs\n\nThose of `--quick` have a star. Seconds are of a machine that ran other programs too, or "
                 "of a job that went on from what it had.\n\n" + markdown({"rows": table}))
    return "\n".join(parts)


def summary(rows):
    """How many claims have which verdict."""
    count = Counter(row["verdict"] for row in rows)
    return f"{len(rows)} claims: " + ", ".join(f"{count[one]} {one}" for one in VERDICTS) + "."


BLOCK = re.compile(r"(<!-- results: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def fill(text, found):
    """A page with its marked blocks filled."""
    unknown = {name for _, name, _ in BLOCK.findall(text)} - found["tables"].keys()
    if unknown:
        raise ValueError(f"no table has the name {', '.join(sorted(unknown))}; there are {', '.join(found['tables'])}")

    def block(match):
        return f"{match[1]}\n{markdown(found['tables'][match[2]], found['jobs'])}\n{match[3]}"

    return BLOCK.sub(block, text)


def write(found, folder, pages=()):
    """results.json and RESULTS.md into the folder, and the blocks of the pages."""
    texts = {folder / "results.json": json.dumps(found, indent=1, ensure_ascii=False) + "\n",
             folder / "RESULTS.md": report(found)}
    texts |= {page: fill(page.read_text(encoding="utf-8"), found) for page in pages if page not in texts}
    for path, text in texts.items():
        write_atomically(path, lambda file, text=text: file.write(text.encode()))


# %%
def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="the jobs of 15 minutes")
    parser.add_argument("--only", nargs="*", metavar="JOB", choices=[*JOBS, []], help="these jobs, or none")
    parser.add_argument("--again", action="store_true", help="although they are done, and from nothing")
    parser.add_argument("--write", action="store_true", help="to docs/ and the blocks of README and docs")
    parser.add_argument("--out", type=Path, default=ROOT / "runs/reproduce")
    arguments = parser.parse_args()
    names = arguments.only if arguments.only is not None else [
        name for name, job in JOBS.items() if job.quick or not arguments.quick]
    folder = arguments.out.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        run_all(names, folder, arguments.again)
    except KeyboardInterrupt:
        print("\nstopped: the same command goes on from there", file=sys.stderr)
        sys.exit(130)
    docs = ROOT / "docs"
    if arguments.write:
        file = docs / "results.json"
        found = results(kept(folder), json.loads(file.read_text(encoding="utf-8")) if file.exists() else None)
        write(found, docs, [ROOT / "README.md", *sorted(docs.glob("*.md"))])
    else:
        found = results(kept(folder))
        write(found, folder)
    for row in found["claims"]:
        if row["job"] in names:
            print(f"{row['verdict']:28s}{row['claim']}: there {there(row)}, here {here(row) or row['reason']}")
    print(summary(found["claims"]), "See", (docs if arguments.write else folder) / "RESULTS.md")


if __name__ == "__main__":
    main()
