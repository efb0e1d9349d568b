"""Every number on the pages is the one in docs/results.json, every verdict follows from it, and verdicts can be bad."""

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import _claims
import pytest
import reproduce
from _claims import CLAIMS, JOBS, TABLES, Claim, Job
from commands import run
from conftest import REFERENCE

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.fixture(scope="module")
def found():
    """What docs/results.json says."""
    return json.loads((ROOT / "docs/results.json").read_text(encoding="utf-8"))


# The pages


def test_every_verdict_follows_from_number_and_tolerance(found):
    for row in found["claims"]:
        assert row["verdict"] == reproduce.verdict_of(row), row["claim"]
        assert row["verdict"] in reproduce.VERDICTS
        assert (row["here"] is None) == (row["verdict"] in (reproduce.MISSING, reproduce.NEVER))
        assert row["reason"] or row["here"], "what was not found has a reason"


def test_the_results_are_those_of_the_claims_and_jobs_as_they_are_now(found):
    now = json.loads(json.dumps(reproduce.results({})))
    told = ("section", "claim", "source", "there", "unit", "tolerance", "spread", "seeds", "why", "job", "headline")
    for key, names in (("claims", told), ("tables", ("jobs",))):
        here, there = (list(one[key].values()) if key == "tables" else one[key] for one in (found, now))
        assert [[row[name] for name in names] for row in here] == [[row[name] for name in names] for row in there]
    assert {name: job["command"] for name, job in found["jobs"].items()} == {
        name: job["command"] for name, job in now["jobs"].items()}


def test_the_page_of_results_is_what_the_file_says(found):
    assert (ROOT / "docs/RESULTS.md").read_text(encoding="utf-8") == reproduce.report(found)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_of_a_page_is_what_the_file_says(found, page):
    text = page.read_text(encoding="utf-8")
    assert reproduce.fill(text, found) == text
    assert text.count("<!-- results: ") == len(reproduce.BLOCK.findall(text)), "a block without its end"


def test_nothing_of_a_machine_but_its_kind_is_told(found):
    assert not re.search(r"/(home|tmp|root|Users|work)/", json.dumps(found))


# The list


def test_the_list_is_whole():
    claims = [claim for section in CLAIMS.values() for claim in section]
    assert {claim.job for claim in claims} - {""} <= JOBS.keys()
    assert JOBS.keys() - {claim.job for claim in claims} <= {job for table in TABLES.values() for job in table.jobs}
    for claim in claims:
        below, above = claim.both_sides
        assert (claim.job and claim.read) or claim.why, claim.what
        assert min(below, above) >= 0 and math.isfinite(below + above)
        assert claim.why or not (below or above or claim.spread), f"{claim.what}: why is the tolerance that wide?"
        assert claim.spread is None or claim.spread[0] <= claim.there <= claim.spread[1], claim.what
    assert sum(job.minutes for job in JOBS.values() if job.quick) <= 15
    for job in JOBS.values():
        script = job.command.split()[0]
        assert script == "-m" or (ROOT / script).exists(), job.command


# The machinery can fail


@pytest.mark.parametrize(("here", "there", "tolerance", "options", "expected"), [
    ([1.0], 1.0, (0, 0), {}, "same"),
    ([1.1], 1.0, (0, 0.2), {}, "same"),
    ([0.9], 1.0, (0, 0.2), {}, "differs"),
    ([1.0, 1.3], 1.0, (0.2, 0.2), {}, "differs"),  # one of several is off
    ([1.0, 1.3], 1.0, (0.2, 0.2), {"seeds": True}, "within the spread of seeds"),
    ([1.3, 1.5], 1.0, (0.2, 0.2), {"seeds": True}, "differs"),
    ([3.0], 1.0, (0, 0), {"spread": (0.5, 4)}, "within the spread of seeds"),
    ([3.0, 5.0], 1.0, (0, 0), {"spread": (0.5, 4)}, "differs"),
    ([math.nan], 1.0, (0, 0), {"spread": (0.5, 4), "seeds": True}, "differs"),
    (["1, 2", "1, 2"], "1, 2", (0, 0), {}, "same"),
    (["1, 2", "1, 3"], "1, 2", (0, 0), {"seeds": True}, "differs")])
def test_verdicts(here, there, tolerance, options, expected):
    assert reproduce.verdict(here, there, tolerance, **options) == expected


SEVEN = Claim("seven", "here", 7, "print", r"^(\d+)$", 0.5, "because")


def records(printed="7\n", error=""):
    return {"print": {"printed": printed, "error": error}}


def test_a_planted_wrong_number_differs():
    assert reproduce.judge("", SEVEN, records())["verdict"] == "same"
    assert reproduce.judge("", SEVEN, records("8\n"))["verdict"] == "differs"
    assert reproduce.judge("", replace(SEVEN, there=8), records())["verdict"] == "differs"
    for where, wrong in (("claim", replace(SEVEN, there=8)), ("output", SEVEN)):
        found = {"claims": [reproduce.judge("planted", wrong, records("9\n" if where == "output" else "7\n"))],
                 "jobs": {}, "tables": {}}
        assert "0 same, 0 within the spread of seeds, 1 differs" in reproduce.report(found)


@pytest.mark.parametrize(("given", "reason"), [
    ({}, "not run yet"), (records("", "exit code 3: no"), "exit code 3: no"), (records("eight"), "does not say it")])
def test_what_is_missing_is_not_reproduced(given, reason):
    row = reproduce.judge("", SEVEN, given)
    assert row["verdict"] == "not reproduced" and reason in row["reason"] and row["here"] is None


def test_an_output_that_cannot_be_read_does_not_end_a_night():
    row = reproduce.judge("", replace(SEVEN, read=r"(\w+)"), records("eight"))
    assert row["verdict"] == "not reproduced" and "cannot be read" in row["reason"]


def test_a_claim_without_a_command_is_not_reproducible():
    row = reproduce.judge("", Claim("a picture", "there", "4, 5", why="no seed"), {})
    assert row["verdict"] == "not reproducible" and row["reason"] == "no seed"


def test_jobs_are_kept_run_once_and_again_if_they_failed(tmp_path, monkeypatch):
    count = tmp_path / "count"
    command = f"-c 'print(7, file=open(r\"{count}\", \"a\")); print(7); import sys; sys.exit({{}})'"
    for code, runs in ((0, 1), (3, 3)):  # what ended well is not done again
        count.write_text("", encoding="utf-8")
        monkeypatch.setattr(reproduce, "JOBS", {"print": Job(command.replace("{}", str(code)), 0)})
        for _ in range(3):
            reproduce.run_all(["print"], tmp_path / f"out_{code}")
        assert len(count.read_text(encoding="utf-8")) == 2 * runs
        kept = reproduce.kept(tmp_path / f"out_{code}")
        assert kept["print"]["exit"] == code and kept["print"]["printed"] == "7\n"
        row = reproduce.judge("", SEVEN, kept)
        assert (row["verdict"], row["reason"][:11]) == (("not reproduced", "exit code 3") if code else ("same", ""))
    reproduce.run_all(["print"], tmp_path / "out_0", again=True)
    assert len(count.read_text(encoding="utf-8")) == 2 * 4


def test_published_data_that_are_absent_are_said_to_be(tmp_path, monkeypatch):
    monkeypatch.delenv("GROK_NP_REFERENCE", raising=False)
    monkeypatch.setattr(reproduce, "JOBS", {"print": Job("-c 'print(7)' $GROK_NP_REFERENCE/x.npz", 0)})
    reproduce.run_all(["print"], tmp_path)
    assert reproduce.judge("", SEVEN, reproduce.kept(tmp_path))["reason"] == "needs GROK_NP_REFERENCE"


def test_results_of_jobs_that_were_not_run_here_stay(found):
    """But for their verdicts, which are those of the claims of today."""
    again = json.loads(json.dumps(reproduce.results({}, found)))
    assert again == found
    wrong = next(row for row in found["claims"] if row["verdict"] == "same" and not isinstance(row["there"], str))
    planted = json.loads(json.dumps(found))
    next(row for row in planted["claims"] if row["claim"] == wrong["claim"])["here"] = [wrong["there"] + 1e9]
    rows = reproduce.results({}, planted)["claims"]
    assert next(row for row in rows if row["claim"] == wrong["claim"])["verdict"] == "differs"


def test_blocks_are_filled_and_unknown_ones_refused():
    tables = {"one": {"jobs": [], "rows": [["a", "b|c"], [1, 2]]}, "two": {"jobs": ["print"], "rows": None}}
    found = {"tables": tables, "jobs": {"print": {"command": "python x.py"}}}
    page = "x\n<!-- results: one -->\nold\n<!-- end -->\ny\n<!-- results: two -->\n<!-- end -->\n"
    filled = reproduce.fill(page, found)
    assert "x\n<!-- results: one -->\n\n| a | b\\|c |\n| --- | --- |\n| 1 | 2 |\n\n<!-- end -->\ny\n" in filled
    assert "*Not run yet: `python x.py`.*" in filled and reproduce.fill(filled, found) == filled
    with pytest.raises(ValueError, match="no table has the name three; there are one, two"):
        reproduce.fill(page.replace("one", "three"), found)


# Readers of what examples print


def test_tables_are_read_cell_by_cell():
    printed = "a\n| \\|M\\| | b |\n| --- | --- |\n| 1 | -0.5 |\n| 2 | - |\n| 3 |  |\n\n| other | table |\n"
    assert _claims.lines_of(printed) == [["|M|", "b"], ["1", "-0.5"], ["2", "-"], ["3", ""]]
    assert _claims.cells(r"\d", 1)(printed) == ["-0.5"]
    assert _claims.joined(r"^\| (\d)")(printed) == ["1, 2, 3"] and _claims.joined("nothing")(printed) == []


def test_the_second_table_of_addition_is_told_from_the_first():
    printed = "train_fraction 0.2 0.8\ndecay 0   0%   33%\n\nshare\ninit_scale 0.5 4\ndecay 0   0%  100%\n"
    pattern = r"^decay 0 +(\S+)% +(\S+)%$"
    assert (_claims.by_fraction(pattern)(printed), _claims.by_scale(pattern)(printed)) == (["0", "33"], ["0", "100"])


def test_tables_of_speed_from_what_the_benchmarks_print():
    printed = """2 cores, NumPy 2.4.6, Python 3.11.7

the article's MLP: p = 67, 911 pairs, d_embed 500, 24 neurons
0.087 GFLOP in matrix products, 260 GFLOP/s alone; share of grok_np's step: 38%
                                    median       min       max    of grok_np
grok_np                            0.85 ms   0.80 ms   0.99 ms         1.0 x
JAX jit                            3.74 ms   3.50 ms   3.90 ms         4.4 x

64 sparse-parity networks: 1,000 strings of 30 bits and 64 neurons each
grok_np                           10.30 ms  10.10 ms  10.90 ms         1.0 x
JAX jit of vmap                   12.36 ms  12.10 ms  12.90 ms         1.2 x
"""
    assert TABLES["step_time_short"].build(printed) == [
        ["step", "grok_np", "of the limit", "JAX jit", "PyTorch eager"],
        ["the article's MLP", "0.85 ms", "38 %", "4.4 x", ""],
        ["64 sparse-parity networks", "10.3 ms", "", "1.2 x", ""]]
    assert _claims.speed("the article's MLP", "JAX jit")(printed) == ["4.4"]
    assert _claims.speed("the article's MLP", "PyTorch eager")(printed) == []
    printed = """
the article's MLP
grok_np             groks at step 6,900                    6.9 s     1.0 x
JAX jit, float64    not grokked after 30,000 steps        58.2 s     8.4 x
"""
    assert TABLES["end_to_end"].build(printed)[1] == [
        "the article's MLP", "6.9 s, 1.0 x, groks at step 6,900", "",
        "58.2 s, 8.4 x, not grokked after 30,000 steps", ""]


def test_counts_of_reliability_from_what_the_tests_print():
    rows = TABLES["reliability"].build("50 kills, 33 of them inside a write\n.", "100000 mutated files in 60 s",
                                       "MLP: 700 networks, worst 1e-8\n5000 networks in 80 s",
                                       "95 of 100 changes noticed, 5 not (of 900 in 8 modules)")
    assert [row[1] for row in rows[1:]] == ["50 kills, 33 of them inside a write", "100,000 mutated files",
                                            "5,000 drawn networks",
                                            "100 changed lines, drawn at random: 95 noticed"]


# The commands


def test_reproduce_runs_a_job_and_tells_what_came_of_it(tmp_path):
    for time in ("first", "second"):
        printed = run(tmp_path, "reproduce.py", "--only", "written_down", "--out", "out")
        assert ("python examples/measures.py written_down (about" in printed) == (time == "first")
        assert re.search(r"^same +largest odd modulus .*there 117, 21, 343, 55, here 117, 21, 343", printed, re.M)
        assert "differs    " not in printed
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"written_down.json", "results.json", "RESULTS.md"}
    assert (tmp_path / "out/RESULTS.md").read_text(encoding="utf-8") == reproduce.report(
        json.loads((tmp_path / "out/results.json").read_text(encoding="utf-8")))


def test_measures_of_published_weights(tmp_path, reference, monkeypatch):
    """Beside numbers that the authors' own code gave."""
    monkeypatch.setenv("GROK_NP_REFERENCE", str(REFERENCE))
    expected = json.loads(reference("yagent/expected.json").read_text(encoding="utf-8"))
    printed = run(tmp_path, "measures.py", "he")
    for name in ("p23_relu_full", "p23_quad_singlefreq", "p23_relu_grok_wd2"):
        numbers = re.search(rf"^{name}: accuracy (\S+), loss (\S+), IPR in (\S+), out (\S+),", printed, re.M).groups()
        keys = ("grid_accuracy", "grid_cross_entropy", "ipr_in", "ipr_out")
        assert [float(one) for one in numbers] == pytest.approx([expected[name][key] for key in keys], rel=2e-6)
    expected = json.loads(reference("pair/main_model_expected.json").read_text(encoding="utf-8"))
    printed = run(tmp_path, "measures.py", "article")
    assert float(re.search(r"training loss / p (\S+),", printed)[1]) == pytest.approx(expected["train_loss"], rel=1e-6)
    assert "frequencies 3: 134, 4: 88, 5: 3;" in printed


def test_measures_of_runs_want_a_folder(tmp_path):
    assert "main_run needs the FOLDER" in run(tmp_path, "measures.py", "main_run", code=2)
