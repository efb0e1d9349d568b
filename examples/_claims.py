"""What `reproduce.py` reproduces: jobs, claims, tables. A list to be read, and to be added to.

A *job* is a command. {out} is a folder of its own, {runs} the folder of all of them; $GROK_NP_REFERENCE that of the
published data. A *claim* finds its number in what its job printed, by a regular expression (every group of every match)
or a function. Several values, those of seeds, make a range. A *table* is made from what jobs printed; README and docs
have it between marks.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Job:
    """A command, how long it takes on two cores, and whether it belongs to --quick."""

    command: str
    minutes: float
    quick: bool = False
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Claim:
    """A number or word that is written somewhere, the job whose output has it here, and when both count as the same."""

    what: str
    source: str
    there: float | str
    job: str = ""  # no job: the claim is not reproducible, and ``why`` says why
    read: str | Callable = ""
    tolerance: float | tuple = 0  # one number, or how far (below, above)
    why: str = ""  # it is that wide
    spread: tuple | None = None  # lowest and highest value that seeds give there
    unit: str = ""
    seeds: bool = False  # the values here are those of seeds, and the number there has to be among them
    headline: bool = False

    @property
    def both_sides(self):
        """The tolerance as (below, above)."""
        return self.tolerance if isinstance(self.tolerance, tuple) else (self.tolerance, self.tolerance)


@dataclass(frozen=True)
class Table:
    """Rows, the header first, made from what some jobs printed."""

    jobs: tuple
    build: Callable


JOBS = {
    "mlp_grokking": Job("examples/mlp_grokking.py --out {out}", 0.7, quick=True),
    "main_run": Job("examples/measures.py main_run {runs}/mlp_grokking", 0.2, quick=True),
    "article_weights": Job("examples/measures.py article", 0.1, quick=True),
    "nanda_weights": Job("examples/your_checkpoint.py $GROK_NP_REFERENCE/nanda/wd_0.1.npz --out {out}", 0.4,
                         quick=True),
    "pizza_weights": Job("examples/measures.py clock_pizza", 0.5, quick=True),
    "pizza_circles": Job("examples/clock_and_pizza.py --published $GROK_NP_REFERENCE/pizza --out {out}", 0.6,
                         quick=True),
    "he_weights": Job("examples/measures.py he", 0.2, quick=True),
    "gromov": Job("examples/measures.py gromov", 1.5, quick=True),
    "written_down": Job("examples/measures.py written_down", 0.1, quick=True),
    "best_network": Job("examples/best_network.py --run {runs}/mlp_grokking", 0.5, quick=True),
    "best_published": Job("examples/best_network.py --published $GROK_NP_REFERENCE/pair/main_model.npz", 0.5,
                          quick=True),
    "which_modes": Job("examples/which_modes.py", 6),
    "certified_margin": Job("examples/certified_margin.py --published $GROK_NP_REFERENCE/pair/main_model.npz "
                            "$GROK_NP_REFERENCE/pizza/p99zdpze5l.npz --run {runs}/mlp_grokking", 1, quick=True),
    "ring_ablations": Job("examples/ring_ablations.py --out {out}", 0.5, quick=True),
    "sparse_parity": Job("examples/sparse_parity.py --out {out}", 0.6, quick=True),
    "follow_published": Job("examples/follow_published.py --published $GROK_NP_REFERENCE/pair --out {out}", 4,
                            quick=True),
    "five_neurons": Job("examples/five_neurons.py --out {out}", 2, quick=True),
    "strange_runs": Job("examples/strange_runs.py --out {out}", 2),
    "mlp_seeds": Job("examples/mlp_seeds.py --out {out}", 12),
    "stay": Job("examples/best_network.py --stay 20000 --run {runs}/mlp_seeds/seed_05 {runs}/mlp_seeds/seed_11 "
                "{runs}/mlp_seeds/seed_14 {runs}/mlp_seeds/seed_15 {runs}/mlp_seeds/seed_19", 10),
    "rings_of_six": Job("examples/measures.py rings_of_six {runs}/mlp_seeds", 0.1),
    "transformer_grokking": Job("examples/transformer_grokking.py --out {out}", 9),
    "transformer_parts": Job("examples/your_checkpoint.py {runs}/transformer_grokking --out {out}", 0.4),
    "transformer_seeds": Job("examples/transformer_seeds.py --seeds 3 --out {out}", 27),
    "clock_and_pizza": Job("examples/clock_and_pizza.py --out {out}", 30),
    "clock_pizza_runs": Job("examples/measures.py clock_pizza {runs}/clock_and_pizza", 0.7),
    "clock_pizza_long": Job("examples/clock_and_pizza.py --rates 0 1 --steps 20000 --out {out}", 12),
    "sparse_parity_sweep": Job("examples/sparse_parity_sweep.py --out {out}", 25),
    "sparse_parity_exact": Job("examples/sparse_parity_sweep.py --exact-seeds 3 --out {runs}/sparse_parity_sweep", 15),
    "factorings": Job("examples/factorings.py --out {out}", 10),
    "addition_sweep": Job("examples/addition_sweep.py --out {out}", 15),
    "moment_law": Job("examples/moment_law.py --activations relu --out {out}", 4),
    "selection_law": Job("examples/selection_law.py --out {out}", 8),
    "selection_others": Job("examples/benchmarks/selection_law.py docs/selection_networks.npz", 3),
    "lottery": Job("examples/lottery.py --out {out}", 2),
    "one_neuron": Job("examples/one_neuron.py --out {out}", 1.5),
    "frequency_count": Job("examples/frequency_count.py --out {out}", 25),
    "ring_law": Job("examples/ring_law.py --out {out} --long 500000", 120),
    "ring_law_60": Job("examples/ring_law.py --fraction 0.6 --members 16 --steps 20000 --out {runs}/ring_law", 10),
    "ring_law_square": Job("examples/ring_law.py --activation square --fraction 0.8 --members 8 --steps 20000 "
                           "--out {runs}/ring_law", 4),
    "law_of_six": Job("examples/law_of_six.py --written {runs}/ring_law/written.jsonl --out {out}", 8),
    "before_grokking": Job("examples/before_grokking.py --runs {runs}/mlp_seeds --out {out}", 10),
    "how_many_frequencies": Job("examples/how_many_frequencies.py --out {out}", 15),
    "eps": Job("examples/measures.py eps", 8),
    "follow_pytorch": Job("examples/benchmarks/follow_pytorch.py", 10),
    "gradient_checkers": Job("examples/benchmarks/gradient_checkers.py", 5),
    "step_time": Job("examples/benchmarks/step_time.py", 5),
    "parts_of_a_step": Job("examples/benchmarks/parts_of_a_step.py", 0.5),
    "end_to_end": Job("examples/benchmarks/end_to_end.py --only MLP", 5),
    "end_to_end_transformer": Job("examples/benchmarks/end_to_end.py --only transformer", 20),
    "scaling": Job("examples/benchmarks/scaling.py", 1),
    "kills": Job("-m pytest -q -s tests/test_kill.py", 5, environment={"GROK_NP_KILLS": "50"}),
    "broken_files": Job("-m pytest -q -s tests/test_broken_files.py -k mutated", 10,
                        environment={"GROK_NP_BROKEN": "100000"}),
    "mutants": Job("examples/benchmarks/mutants.py --draw 600", 20),
    "wrong_calls": Job("-m pytest -q -s tests/test_bad_arguments.py", 0.5, quick=True),
    "drawn_networks": Job("-m pytest -q -s tests/test_numerics.py -k drawn", 25,
                          environment={"GROK_NP_ARCHITECTURES": "5000"}),
}


# %% Readers: what finds the numbers in what was printed, where a pattern alone does not


def words(pattern, printed):
    """Every group of every match of a pattern."""
    found = re.findall(pattern, printed, re.M)
    return [word for one in found for word in (one if isinstance(one, tuple) else (one,))]


def cells(row, column):
    """What is not empty in a column (from 0) of a markdown table, in lines whose first cells match ``row``."""
    def read(printed):
        lines = [line.strip("| ").split(" | ") for line in printed.splitlines() if re.match(rf"\| {row} \|", line)]
        found = [line[column].strip(" %") for line in lines if column < len(line)]
        return [cell for cell in found if cell not in ("", "-")]

    return read


def certified(network, column, table=0):
    """A number of one of the two tables of `certified_margin.py`."""
    return lambda printed: cells(network, column)(printed.split("\n\n")[table])


def nth_table(n):
    """The n-th markdown table (from 0) in what was printed, without its rule."""
    def build(printed):
        table = re.findall(r"(?:^\|.*\n?)+", printed, re.M)[n].splitlines()
        rows = [[cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table]
        return [rows[0], *rows[2:]]

    return build


def from_table(n, name, column):
    """A cell of the n-th table, in the line that begins with ``name``."""
    return lambda printed: [row[column].strip(" %") for row in nth_table(n)(printed) if row[0] == name]


def nth(pattern, n):
    """Only what the n-th match (from 0) finds."""
    return lambda printed: words(pattern, printed)[n : n + 1]


def parts(row, column, separator):
    """How many parts each of these cells has."""
    return lambda printed: [str(cell.count(separator) + 1) for cell in cells(row, column)(printed)]


def ring_sizes(printed):
    """Neurons of each ring in the table of `mlp_seeds.py`."""
    return [n for cell in cells(r"\d+", 4)(printed) for n in re.findall(r" x (\d+)", cell)]


def mean_of(read):
    """The mean of what a reader finds."""
    def mean(printed):
        found = [float(word) for word in read(printed)]
        return [f"{sum(found) / len(found):.2f}"] if found else []

    return mean


def score(name, column):
    """Train loss, test loss, train or test accuracy (0 to 3) of a network in the table "learned against exact"."""
    return lambda printed: words(rf"^{name} +(\S+) +(\S+) +(\S+) +(\S+)$", printed)[column : column + 1]


def joined(pattern):
    """All that it finds as one list."""
    return lambda printed: [", ".join(words(pattern, printed))] if words(pattern, printed) else []


def largest(pattern):
    """The largest number that it finds."""
    return lambda printed: sorted(words(pattern, printed), key=float)[-1:]


def fall(pattern):
    """The first of its two numbers less the second."""
    return lambda printed: [f"{float(high) - float(low):.2f}" for high, low in re.findall(pattern, printed, re.M)]


def ratio(over, under):
    """What the first pattern finds over what the second finds."""
    def read(printed):
        above, below = (words(pattern, printed)[:1] for pattern in (over, under))
        return [f"{float(x) / float(y):.4f}" for x, y in zip(above, below, strict=True)]

    return read


def ratios(over, under):
    """`ratio` of each match of the one pattern and the match of the other in its place."""
    def read(printed):
        return [f"{float(x) / float(y):.4f}" for x, y in zip(words(over, printed), words(under, printed), strict=True)]

    return read


def in_order(pattern, n, falling=False):
    """Whether its n numbers grow, or fall."""
    def read(printed):
        found = [float(word.replace(",", "")) for word in words(pattern, printed)]
        return ["yes" if found == sorted(found, reverse=falling) else "no"] if len(found) == n else []

    return read


def generalising(factoring):
    """How many networks of a factoring generalise, over all weight decays, in the table of `factorings.py`."""
    def read(printed):
        rows = "".join(re.findall(rf"^\| (?:{factoring}) \|.*\n", printed, re.M))
        return [str(sum(int(n) for n in re.findall(r"(\d+) of \d+, step", rows)))] if rows else []

    return read


def by_fraction(pattern):
    """What it finds in the first of the two tables of `addition_sweep.py`."""
    return lambda printed: words(pattern, printed.split("\ninit_scale")[0])


def by_scale(pattern):
    """What it finds in the second."""
    return lambda printed: words(pattern, printed.split("\ninit_scale")[1])


def key_set(G, sigma, m, decay, column):
    """A share in the table of `selection_law.py`."""
    return rf"^\| {G} \| {sigma} \| {m} \| {decay} \|(?:[^|]*\|){{{column - 4}}} (\S+) \["


def ablation(network, what):
    """Loss after a break of 0.5, the last column of `ring_ablations.py`, over the whole network's, the first."""
    def read(printed):
        part = printed.split(f"{network}: loss")[-1].split("free (")[0]
        losses = re.findall(rf"^{what} .*$", part, re.M)
        found = [float(loss) for loss in re.findall(r"(\S+) \(", losses[0])] if losses else []
        return [f"{found[-1] / found[0]:.3f}"] if found else []

    return read


def races(printed):
    """{contest: {contestant: (ms, ratio)}} of `step_time.py`; under "limit" the share of the matrix products in %."""
    found, contest = {}, None
    for line in printed.splitlines():
        if title := re.fullmatch(r"(the \S.*?|Clock and Pizza's transformer|\d+ \D.*?): .*", line):
            contest = found.setdefault(title[1], {})
        elif share := re.search(r"share of grok_np's step: (\d+)%", line):
            contest["limit"] = (0, float(share[1]))
        elif row := re.fullmatch(r"(\S.*?) +([\d.]+) ms.* ([\d.]+) x", line):
            contest[row[1]] = (float(row[2]), float(row[3]))
    return found


def speed(contest, name):
    """A contestant's ratio to our step."""
    return lambda printed: [str(races(printed)[contest][name][1])] if name in races(printed).get(contest, {}) else []


def gain_of_an_ensemble(contest):
    """How many times as long, on one core, its members take one after the other."""
    def read(printed):
        times = races(printed)[contest]
        return [f"{times['grok_np, one after the other'][0] / times['grok_np, on one core'][0]:.2f}"]

    return read


def end_to_end(printed):
    """{race: {contestant: (when, seconds, ratio)}} of `end_to_end.py`."""
    found, race = {}, None
    for line in printed.splitlines():
        if row := re.fullmatch(r"(\S.*?)  +((?:groks|not).*?) +([\d.]+) s +([\d.]+) x", line):
            race[row[1]] = row.groups()[1:]
        elif line.strip():
            race = found.setdefault(line.strip(), {})
    return found


def until_grokked(race, name):
    """A contestant's ratio to our time there."""
    return lambda printed: [end_to_end(printed)[race][name][2]]


# %% Why tolerances are as wide as they are

PRINTED = "half of the last digit printed"
FLOAT32 = "weights are float32; sums in another order"
MACHINE = "the same bits on one machine; elsewhere rounding leads elsewhere"
FIVE = "the same bits on one machine; the range is that of five seeds, rounded outwards"
GROK = "the same bits on one machine; the range is that of the six seeds that grok"
OTHERS = "another machine trains others"
CHAOS = "chaos: seeds, and rounding, give any value of the range"
BY_EYE = "read from a figure"
BINOMIAL = "the same bits on one machine; the range is two standard deviations of a binomial count"
DRAWS = "the same bits on one machine; the range is that of a binomial count and of another draw, 12, 9, 5, 2"
SEEDS = "the papers show one seed; ours are others"
SPEED = "a ratio of times, which moves with machine and load"
BELOW = "a bound: anything smaller is as good"

PEARCE, NANDA, ZHONG = "Pearce et al. 2023", "Nanda et al. 2023", "Zhong et al. 2023"
GROMOV, HE_DATA = "Gromov 2023", "He et al. 2026, published weights"
PEARCE_DATA, NANDA_DATA, ZHONG_DATA = (f"{paper}, published data" for paper in (PEARCE, NANDA, ZHONG))
README, EXPERIMENTS, THEORY = "ours, README", "ours, docs/experiments.md", "ours, docs/theory.md"
SELECTION, GRADIENTS = "ours, docs/selection.md", "ours, docs/gradients.md"
MAIN_JOB = "ours, examples/mlp_grokking.py"
REPAIRS = "repairs are tried for two seconds, which a slow machine notices"
LOTTERY = "the same bits on one machine; the range is the 95 % interval that counts networks"
WILSON = "the same bits on one machine; the range is Wilson's 95 % of {}"


def at_most(bound):
    """The tolerance of a bound on something that is never negative."""
    return bound, 0


CLAIMS = {
    "The main network (Pearce et al. 2023)": [
        Claim("held-out pairs right at the end of the main job, seed 11", PEARCE, 1.0, "mlp_grokking",
              score("learned weights", 3), headline=True),
        Claim("step by which the training pairs are known", README, 355, "main_run",
              r"training pairs all right at step ([\d,]+)", 0,
              "the same bits on one machine; the range is that of 20 seeds", (355, 1_200)),
        Claim("step from which all held-out pairs are right", README, 12_600, "mlp_grokking",
              r"all held-out data are right from step ([\d,]+) on", 0, GROK, (12_600, 43_200)),
        Claim("training loss at the end", README, 1.16e-5, "mlp_grokking", score("learned weights", 0), 5e-8, GROK,
              (1.1e-5, 1.4e-5), "nats"),
        Claim("test loss at the end", README, 5.07e-5, "mlp_grokking", score("learned weights", 1), 5e-8, GROK,
              (3.8e-5, 2e-4), "nats"),
        Claim("test loss with the waves' second harmonic and constant kept, all else left out", README, 3.20e-5,
              "mlp_grokking", score("second harmonic and constant", 1), 5e-8, GROK, (2.8e-5, 1.6e-4), "nats"),
        Claim("test loss with pure cosines", README, 2.94e-2, "mlp_grokking", score("pure cosines", 1), 5e-5, GROK,
              (8e-3, 6e-2), "nats"),
        Claim("test loss with pure cosines on regular rings", README, 2.96e-2, "mlp_grokking",
              score("pure cosines, regular rings", 1), 5e-5, GROK, (8e-3, 6e-2), "nats"),
        Claim("test accuracy with square waves", README, 0.6262, "mlp_grokking", score("square waves", 3), 5e-5, GROK,
              (0.42, 0.63)),
        Claim("variance of the logits along cos(w_k (a + b - c)), about each pair's mean", MAIN_JOB, 97.6,
              "mlp_grokking", r"explain ([\d.]+)% of the variance", 0.05, GROK, (92.9, 98.2), "%"),
        Claim("output phase beside twice the input phase, median", MAIN_JOB, 1.79, "mlp_grokking",
              r"over all neurons: ([\d.]+) degrees", 0.005, GROK, (1, 3.2), "degrees"),
        Claim("largest of the moments that must vanish, over the sum of weights", MAIN_JOB, 0.038, "mlp_grokking",
              r"moment that should vanish: ([\d.]+)", 0.0005, GROK, (0.02, 0.09)),
        Claim("the waves (second harmonic, constant) know all held-out pairs from checkpoint", README, 12_000,
              "main_run", r"second harmonic and constant: held-out pairs all right from checkpoint ([\d,]+)", 0, GROK,
              (12_000, 44_000)),
        Claim("the weights from checkpoint", README, 13_000, "main_run",
              r"learned weights: held-out pairs all right from checkpoint ([\d,]+)", 0, GROK, (13_000, 44_000)),
        Claim("published weights: training loss / p", PEARCE_DATA, 1.997738e-7, "article_weights",
              r"training loss / p (\S+),", 2e-12, FLOAT32, headline=True),
        Claim("published weights: pairs right", PEARCE_DATA, 1.0, "article_weights",
              r"^main network.*accuracy on all pairs (\S+),"),
        Claim("published weights: norm", PEARCE_DATA, 28.8594, "article_weights", r"^main network.*norm (\S+)$", 1e-4,
              PRINTED),
        Claim("published weights: frequencies", PEARCE_DATA, "1, 15, 23", "article_weights",
              joined(r"^frequency (\d+):")),
        Claim("the article's picture of its main model has frequencies 4, 5, 7, 26", PEARCE, "4, 5, 7, 26",
              why="the picture's seed is not published; the weights that are have 1, 15, 23"),
        Claim("published sweep: networks with 3, 4, 5 frequencies", PEARCE_DATA, "3: 134, 4: 88, 5: 3",
              "article_weights", r"frequencies (3: .*?);", headline=True),
        Claim("published sweep: neurons of a frequency, 4 to 10", PEARCE_DATA,
              "4: 21, 5: 222, 6: 179, 7: 128, 8: 100, 9: 64, 10: 26", "article_weights", r"(4: 21.*?10: \d+)"),
        Claim("frequencies of a network: mean of the published sweep's 225, and of our six", PEARCE_DATA, 3.42,
              "mlp_seeds", mean_of(parts(r"\d+", 4, ", ")), 0.43,
              "two standard errors of six networks (0.52 each)", headline=True),
        Claim("neurons of a frequency: mean of the published sweep's 769 rings, and of our 19", PEARCE_DATA, 6.47,
              "mlp_seeds", mean_of(ring_sizes), 0.79,
              "two standard errors of 19 rings (1.71 each); part of the difference is counting: published rings hold "
              "22.1 of 24 neurons, those above a threshold, ours 23.5", headline=True),
        Claim("seeds of 20 that have grokked by step 50,000", README, 6, "mlp_seeds",
              r"^(\d+) of 20 seeds have grokked", 0, BINOMIAL, (2, 10)),
        Claim("step from which all held-out pairs are right, seeds that grok", EXPERIMENTS, 20_500, "mlp_seeds",
              cells(r"\d+", 1), 0, CHAOS, (12_600, 43_200), seeds=True),
        Claim("neurons of the settled rings", EXPERIMENTS, "5: 1, 6: 4, 7: 4, 8: 2, 9: 3, 10: 2", "mlp_seeds",
              r"by number of neurons: (.*)$", why=MACHINE),
        Claim("largest |M_n| / sum w, n = 1 to 4, of all settled rings", EXPERIMENTS, 0.088, "mlp_seeds",
              r"n = 1 to 4: ([\d.]+)", 0.01, "the same bits on one machine; the largest of some 16 rings"),
        Claim("the law of six, |M_6| less 1 - |M_5|²", EXPERIMENTS, 0, "rings_of_six",
              fall(r"^\| \d+, \d+ \| \S+ \| (\S+) \| (\S+)"), 0.075, "M_1 to M_4 are not quite 0 in a learned ring"),
    ],
    "Five neurons (Pearce et al. 2023)": [
        Claim("published weights: pairs right", PEARCE_DATA, 1.0, "article_weights",
              r"^five neurons: accuracy on all pairs (\S+),", headline=True),
        Claim("published weights: norm", PEARCE_DATA, 464.1969, "article_weights", r"^five neurons.*norm (\S+),", 1e-4,
              PRINTED),
        Claim("published weights: spacing is 72 degrees up to", PEARCE_DATA, 3.1, "article_weights",
              r"within (\S+) degrees of 72", 0.05, PRINTED, unit="degrees"),
        Claim("seeds of 20 that get every pair right (the article shows one)", EXPERIMENTS, 15, "five_neurons",
              r"^(\d+) of 20 seeds have grokked", 0, BINOMIAL, (11, 19), headline=True),
        Claim("spacing of seeds that succeed is 72 degrees up to", EXPERIMENTS, 4.7, "five_neurons",
              largest(r"^\| \d+ \| 100.0% \|.*?\|.*?\| (\S+) \|"), 1,
              "the same bits on one machine; the largest of some 15 seeds", unit="degrees"),
        Claim("their outputs are at twice the input up to", EXPERIMENTS, 6.3, "five_neurons",
              largest(r"^\| \d+ \| 100.0% \|.*?\|.*?\| \S+ \| (\S+) \|"), 1,
              "the same bits on one machine; the largest of some 15 seeds", unit="degrees"),
        Claim("test loss: the published run's beside our seeds", PEARCE_DATA, 0.4655, "five_neurons",
              r"^\| \d+ \| 100.0% \| \S+ \| (\S+) \|", 0.005, SEEDS, unit="nats", seeds=True),
    ],
    "Runs followed step by step (Pearce et al. 2023)": [
        Claim("five neurons: our training loss is the published one at step 1,500 to a relative", EXPERIMENTS, 1.4e-14,
              "follow_published", r"^five neurons, .*?(\S+) at 1,500", (1.4e-14, 1e-12), BELOW, headline=True),
        Claim("five neurons: it is below 1e-5 up to step", EXPERIMENTS, 4_380, "follow_published",
              r"^five neurons, .*?below 1e-05 to step ([\d,]+)", 0,
              "the same bits on one machine; another program follows to the end", (4_380, 15_000)),
        Claim("five neurons: final weights, the largest 140, differ by", EXPERIMENTS, 0.25, "follow_published",
              r"final weights within (\S+) of", 0.005, "the same bits on one machine; another program ends within 0.1",
              (0.05, 0.3)),
        Claim("five neurons: Adam comes within 10 % of the edge of stability at step", EXPERIMENTS, 1_600,
              "follow_published", r"within 10 % of it at step ([\d,]+)", 50, "looked at every 50 steps"),
        Claim("main network: the published log is followed below 1e-5 to step", EXPERIMENTS, 100, "follow_published",
              r"^the main network, from the published log.*?below 1e-05 to step ([\d,]+)", 0,
              "the log has a row every 100 steps; the published embedding differs from ours in last bits",
              headline=True),
        Claim("main network: the authors' algorithm in JAX, at step 10,000 to a relative", EXPERIMENTS, 1e-12,
              "follow_published", r"in JAX: .*?(\S+) at 10,000", at_most(1e-12), BELOW, headline=True),
        Claim("main network: below 1e-9 to step", EXPERIMENTS, 28_900, "follow_published",
              r"in JAX: below 1e-09 to step ([\d,]+)", 0, MACHINE),
        Claim("of 20 runs with other last bits in the first embedding, those that follow the log at step 200",
              EXPERIMENTS, 4, "follow_published", r"(\d+) of 20 runs are within", 0,
              BINOMIAL, (1, 7)),
        Claim("main network: frequencies in the end", PEARCE_DATA, "1, 15, 23", "follow_published",
              r"; frequencies (.*?) \(published", why="rounding has parted the runs since step 29,000"),
        Claim("reverse grokking, from the article's weights: best held-out accuracy", EXPERIMENTS, 85,
              "follow_published", r"^reverse grokking, .*?right ([\d.]+)%", 2, "84 to 87 %, as rounding has it",
              unit="%"),
        Claim("reverse grokking, from the article's weights: in the end", EXPERIMENTS, 77.7, "follow_published",
              r"^reverse grokking, .*in the end ([\d.]+)%", 0.6, "77 to 78 %; other rounding has led to 82", (77, 82),
              "%"),
        Claim("reverse grokking: held-out accuracy falls after its best by (points)", PEARCE, 3, "follow_published",
              fall(r"^reverse grokking, .*?right ([\d.]+)%.*?at worst ([\d.]+)%"), (0, 97),
              "the article tells of a fall, without a number", headline=True),
        Claim("generalizing, memorizing then generalizing: held-out accuracy falls after its best by (points)", PEARCE,
              3, "follow_published", fall(r"^generalizing, .*?right ([\d.]+)%.*?at worst ([\d.]+)%"), (0, 97),
              "the article tells of a fall, without a number", headline=True),
        Claim("PyTorch in float64: the transformers' training losses differ to step 100 by a relative", EXPERIMENTS,
              1e-13, "follow_pytorch", r"step +100 \S+ (\S+)", at_most(1e-13), BELOW),
        *[Claim(f"{network}: PyTorch's training losses differ to step {step:,} by a relative", EXPERIMENTS, there,
                "follow_pytorch", rf"^{network}: .*\n(?:  step.*\n)*?  step +{step - (step == 1000)} \S+ (\S+)",
                at_most(there), "rounding, which grows from step to step", (0, 1000 * there))
          for network, at_1000 in (("the mainline transformer", 5.4e-12), ("Clock and Pizza's transformer", 2.8e-11))
          for step, there in ((300, 1e-14), (1000, at_1000))],
    ],
    "Sparse parity (Pearce et al. 2023)": [
        Claim("L1: training strings all right from step", EXPERIMENTS, 420, "sparse_parity",
              r"^L1: training strings all right from step ([\d,]+)", 0, FIVE, (290, 430)),
        Claim("L1: test strings all right from step", EXPERIMENTS, 1_220, "sparse_parity",
              r"^L1: .*test strings all right from step ([\d,]+)", 0, FIVE, (1_100, 1_300), headline=True),
        Claim("L1: neurons that survive", EXPERIMENTS, 7, "sparse_parity", r"^L1: .*; (\d+) of 128 neurons", 0, FIVE,
              (4, 8)),
        Claim("L1: share of the squared input weights on the 27 distractors", EXPERIMENTS, 1e-6, "sparse_parity",
              r"^L1: .*distractors hold (\S+) of", 5e-7, PRINTED),
        Claim("L2: test strings all right from step", EXPERIMENTS, 6_870, "sparse_parity",
              r"^L2: .*test strings all right from step ([\d,]+)", 0, FIVE, (6_400, 8_000)),
        Claim("L2: neurons that survive", EXPERIMENTS, 119, "sparse_parity", r"^L2: .*; (\d+) of 128 neurons", 0, FIVE,
              (119, 125)),
        Claim("L2: share of the squared input weights on distractors", EXPERIMENTS, 0.31, "sparse_parity",
              r"^L2: .*distractors hold (\S+) of", 0.005, FIVE, (0.29, 0.41)),
        Claim("coins as labels: test strings right in the end", EXPERIMENTS, 50, "sparse_parity",
              r"^coins.*in the end ([\d.]+)%", 5, "chance, 1.6 points of standard deviation", unit="%"),
        Claim("phase diagram: cells of 75 whose most frequent class is the published one", EXPERIMENTS, 97.3,
              "sparse_parity_sweep", r"^clipped: most frequent class .*?([\d.]+)% of the cells", 0.05,
              "the same bits on one machine; the range is three cells of 75, shares of nine seeds", (93.3, 100), "%",
              headline=True),
        Claim("phase diagram: overlap of the shares", EXPERIMENTS, 96.9, "sparse_parity_sweep",
              r"^clipped: .*overlap of the shares ([\d.]+)%", 0.05,
              "the same bits on one machine; an earlier draw of nine seeds had 95.7", (95, 99), "%"),
        Claim("the same with the exact loss: the clip hardly matters", EXPERIMENTS, 98.7, "sparse_parity_exact",
              r"^exact: most frequent class .*?([\d.]+)% of the cells", (10, 1.3),
              "three seeds a cell, where one network decides which class is the most frequent", unit="%"),
        Claim("with the exact loss: overlap of the shares", EXPERIMENTS, 95.7, "sparse_parity_exact",
              r"^exact: .*overlap of the shares ([\d.]+)%", 0.05,
              "the same bits on one machine; the range is wider than that of two draws of nine seeds", (92, 99), "%"),
        Claim("cells where a network groks with the exact loss, and none with the clipped one", EXPERIMENTS,
              "decay 0.01, 1500 examples, 32 neurons, decay 0.01, 1750 examples, 32 neurons", "sparse_parity_exact",
              joined(r"% grok \((.*?)\)"), why=MACHINE),
    ],
    "Strange runs": [
        Claim("reverse grokking, another split and seed than the article's: held-out accuracy falls by (points)",
              PEARCE, 3, "strange_runs", fall(r"^1\. .*?([\d.]+)% at step [\d,]+, ([\d.]+)% at step"), (0, 97),
              "the article tells of a fall, without a number"),
        Claim("labels by lot: training pairs right at best", EXPERIMENTS, 100, "strange_runs",
              r"^2\. .*training pairs ([\d.]+)%", unit="%"),
        Claim("labels by lot: test pairs never above", EXPERIMENTS, 2.5, "strange_runs", r"never above ([\d.]+)%",
              at_most(2.5), "chance is 1.5 %, 0.3 of standard deviation", unit="%"),
        Claim("betas (0.99, 0.98): training loss runs from", EXPERIMENTS, 8.4e-7, "strange_runs",
              r"^4\. beta1 = 0.99.*train loss (\S+) to", 5e-8, FIVE, (6e-7, 9e-7), "nats"),
        Claim("betas (0.99, 0.98): up to", EXPERIMENTS, 0.28, "strange_runs",
              r"^4\. beta1 = 0.99.*train loss \S+ to (\S+),", 0.005, FIVE, (0.26, 0.29), "nats"),
        Claim("betas (0.99, 0.98): the norm of the weights runs from", EXPERIMENTS, 9.2, "strange_runs",
              r"^4\. beta1 = 0.99.*weight norm (\S+) to", 0.05, MACHINE, (8, 10.5)),
        Claim("betas (0.99, 0.98): the norm of the weights, up to", EXPERIMENTS, 36.8, "strange_runs",
              r"^4\. beta1 = 0.99.*weight norm \S+ to ([\d.]+)", 0.05, FIVE, (33, 37)),
        Claim("betas (0.98, 0.98): at rest, loss over its least", EXPERIMENTS, 1, "strange_runs",
              ratio(r"^4\. beta1 = 0.98,.*train loss \S+ to (\S+),", r"^4\. beta1 = 0.98,.*train loss (\S+) to"),
              (0, 0.2), "it still falls a little"),
    ],
    "The transformer (Nanda et al. 2023)": [
        Claim("published weights (decay 0.1): training loss", NANDA_DATA, 9.202e-9, "nanda_weights",
              r"^train loss (\S+),", 5e-12, PRINTED, unit="nats", headline=True),
        Claim("published weights: test loss", NANDA_DATA, 4.988e-7, "nanda_weights", r"test loss (\S+)$", 5e-10,
              PRINTED, unit="nats", headline=True),
        Claim("published weights: key frequencies of logits, embedding and neurons", NANDA_DATA, "6, 23, 37, 39, 41",
              "nanda_weights", r"^key frequencies of the \w+: \[(.*)\]$", headline=True),
        Claim("published weights: variance along cos(w_k (a + b - c)), about each pair's mean", NANDA_DATA, 97.48,
              "nanda_weights", r"^variance .*: ([\d.]+)%", 0.05, PRINTED, unit="%"),
        Claim("published weights: neurons of which one frequency explains over 85 %", NANDA_DATA, 185, "nanda_weights",
              r"over 85 %: (\d+) of 512", unit="of 512"),
        Claim("published weights: restricted loss", NANDA_DATA, 2.201e-9, "nanda_weights",
              r"^only a\+b at key frequencies +(\S+)$", 5e-13, PRINTED, unit="nats"),
        Claim("published weights: excluded loss", NANDA_DATA, 9.038, "nanda_weights",
              r"^all but a\+b at key frequencies +(\S+)$", 5e-4, PRINTED, unit="nats"),
        Claim("mainline: memorisation ends at step", NANDA, 1_400, "transformer_grokking",
              r"memorisation (\d+), circuit", 200, BY_EYE, headline=True),
        Claim("mainline: circuit formation ends at step", NANDA, 9_400, "transformer_grokking",
              r"circuit formation (\d+), cleanup", 500, f"{BY_EYE}; ours by rule, one seed", headline=True),
        Claim("mainline: cleanup ends at step", NANDA, 14_000, "transformer_grokking", r"cleanup (\d+)$", 500,
              f"{BY_EYE}; ours by rule, one seed", headline=True),
        Claim("seed 0: memorisation, circuit formation, cleanup end at step", EXPERIMENTS, "1300, 4100, 6600",
              "transformer_grokking", joined(r"memorisation (\d+), circuit formation (\d+), cleanup (\d+)$"),
              why=MACHINE),
        Claim("excluded loss is half way before restricted, restricted before test loss", NANDA, "yes",
              "transformer_grokking", in_order(r"loss ([\d,]+\d)", 3), headline=True),
        Claim("mainline: number of key frequencies", NANDA, 5, "transformer_seeds", parts(r"\d+", 4, ", "), 0, SEEDS,
              seeds=True, headline=True),
        Claim("mainline: variance along cos(w_k (a + b - c))", NANDA, 95, "transformer_seeds", cells(r"\d+", 5), 4,
              "about; the paper does not say its centring", unit="%", headline=True),
        Claim("mainline: neurons of which one frequency explains over 85 %", NANDA, 433, "transformer_seeds",
              cells(r"\d+", 6), 0, SEEDS, unit="of 512", seeds=True, headline=True),
        Claim("mainline: key frequencies 14, 35, 41, 42, 52", NANDA, "14, 35, 41, 42, 52",
              why="first weights and split of the mainline are not published; each seed has its own"),
        Claim("loss with W_L restricted to the key frequencies, over the network's: below 1", NANDA, 1,
              "transformer_parts", ratio(r"^W_L: only key frequencies +(\S+)$", r"^nothing taken out +(\S+)$"),
              at_most(1), BELOW, headline=True),
        Claim("loss with the logits restricted to a + b at key frequencies, over the network's: below 1", NANDA, 1,
              "transformer_parts", ratio(r"^only a\+b at key frequencies +(\S+)$", r"^nothing taken out +(\S+)$"),
              at_most(1), BELOW, headline=True),
        Claim("loss with the key frequencies taken out of W_L: not below that of a guess", NANDA, 4.73,
              "transformer_parts", r"^W_L: all but key frequencies +(\S+)$", (0, 100), "destroyed: ln 113 or worse",
              unit="nats"),
        Claim("seeds: all training pairs right at step", EXPERIMENTS, 158, "transformer_seeds", cells(r"\d+", 1), 0,
              CHAOS, (130, 200)),
        Claim("seeds: all held-out pairs right at step", EXPERIMENTS, 6_100, "transformer_seeds", cells(r"\d+", 2), 0,
              CHAOS, (6_100, 12_200)),
        Claim("seeds: test loss", EXPERIMENTS, 2.4e-7, "transformer_seeds", cells(r"\d+", 3), 5e-9, CHAOS, (1e-7, 1e-6),
              "nats"),
    ],
    "Clock and pizza (Zhong et al. 2023)": [
        Claim("Model A, published weights: gradient symmetricity of the paper's 100 triples", ZHONG, 0.99366,
              "pizza_weights", cells("Model A", 3), 1.5e-5, FLOAT32, headline=True),
        Claim("Model A: distance irrelevance of the right logit", ZHONG, 0.17174, "pizza_weights", cells("Model A", 4),
              1.5e-5, FLOAT32, headline=True),
        Claim("Model A: circularity", ZHONG, 0.99782, "pizza_weights", cells("Model A", 6), 1.5e-5, FLOAT32,
              headline=True),
        Claim("Model B, published weights: gradient symmetricity of the paper's 100 triples", ZHONG, 0.33364,
              "pizza_weights", cells("Model B", 3), 1.5e-5, FLOAT32, headline=True),
        Claim("Model B: distance irrelevance of the right logit", ZHONG, 0.84826, "pizza_weights", cells("Model B", 4),
              1.5e-5, FLOAT32, headline=True),
        Claim("Model B: circularity", ZHONG, 0.99891, "pizza_weights", cells("Model B", 6), 1.5e-5, FLOAT32,
              headline=True),
        Claim("published run 18c9ev5v5p (two vocabularies): irrelevance of the largest wrong logit", ZHONG_DATA,
              0.180793, "pizza_weights", cells("two vocabularies", 5), 1.5e-5, FLOAT32),
        Claim("published run 2fsoiei4o2 (two layers): irrelevance of the largest wrong logit", ZHONG_DATA, 0.814216,
              "pizza_weights", cells("two layers", 5), 1.5e-5, FLOAT32),
        Claim("Model A: logits of one isolated circle explained by the clock's formula", ZHONG, 75, "pizza_circles",
              r"^  frequency +(?:17|3|15): .*clock ([\d.]+)%", 1, "the paper gives no decimal", unit="%",
              headline=True),
        Claim("Model A: by the pizza's formula", ZHONG, 98.3, "pizza_circles",
              r"^  frequency +(?:17|3|15): .*pizza ([\d.]+)%", 0.15, "the paper gives one number for three circles",
              unit="%", headline=True),
        Claim("Model A: accompanying circles by theirs", ZHONG, 97.5, "pizza_circles", r"accompanying ([\d.]+)%", 0.5,
              "97 to 98 % in the paper", unit="%", headline=True),
        Claim("verdicts of alpha, delta, attention rate 0, attention rate 1, x (ours)", EXPERIMENTS,
              "pizza, clock, pizza, clock, pizza", "clock_pizza_runs",
              joined(r"^\| (?:rate 0.00|rate 1.00|alpha|delta|x) \|.* (\w+) \|$")),
        Claim("rate 0, ours: symmetricity", ZHONG_DATA, 0.9938, "clock_pizza_runs", cells("rate 0.00", 2), 0,
              "there Model A; the range is that of 90 % of 99 published runs", (0.9908, 0.9952)),
        Claim("rate 1, ours: symmetricity", ZHONG_DATA, 0.3461, "clock_pizza_runs", cells("rate 1.00", 2), 0,
              "there Model B; the range is that of 90 % of 96 published runs", (0.249, 0.634)),
        Claim("rate 0, ours: irrelevance of the largest wrong logit", ZHONG_DATA, 0.2218, "clock_pizza_runs",
              cells("rate 0.00", 5), 0, "there Model A; the range is that of 90 % of 99 published runs",
              (0.154, 0.796)),
        Claim("rate 1, ours: irrelevance of the largest wrong logit", ZHONG_DATA, 0.8849, "clock_pizza_runs",
              cells("rate 1.00", 5), 0, "there Model B; the range is that of 90 % of 96 published runs",
              (0.735, 0.972)),
        Claim("transition: of 14 rates, symmetricity in the published 5-95 % band", ZHONG_DATA, 14, "clock_and_pizza",
              r"symmetricity (\d+), irrelevance", (2, 0), "one network a rate; each is outside with 10 %",
              headline=True),
        *[Claim(f"transition: of our 14 networks, {measure} in the band", EXPERIMENTS, 13, "clock_and_pizza", read, 0,
                "the same bits on one machine; one network a rate, each outside with 10 %", (11, 14))
          for measure, read in (("symmetricity", r"symmetricity (\d+), irrelevance"),
                                ("irrelevance", r"irrelevance (\d+), both"))],
        Claim("transition: both measures in their bands", EXPERIMENTS, 12, "clock_and_pizza", r"both (\d+) of 14", 0,
              "the same bits on one machine; one network a rate, each outside with 10 %", (10, 14)),
        Claim("exact pizza: symmetricity, all triples", EXPERIMENTS, 1, "pizza_weights", cells("exact pizza", 2), 1e-5,
              PRINTED),
        Claim("exact clock: symmetricity, all triples", EXPERIMENTS, 0, "pizza_weights", cells("exact clock", 2), 1e-5,
              PRINTED),
        *[Claim(f"rate {rate}, ours, after 20,000 steps: {what}", EXPERIMENTS, there, "clock_pizza_long",
                rf"^rate {rate}.00 +{columns}", 5e-4, MACHINE)
          for what, columns, values in (("symmetricity", r"\S+ +(\S+)", (0.993, 0.288)),
                                        ("irrelevance of the largest wrong logit", r"\S+ +\S+ +(\S+)", (0.601, 0.824)))
          for rate, there in enumerate(values)],
    ],
    "x² networks (Gromov 2023)": [
        Claim("random-phase weights, 4,000 neurons, p = 97: pairs right", GROMOV, 1.0, "gromov",
              r"4000 neurons: (\S+), (\S+), (\S+) of", headline=True),
        Claim("random-phase weights: pairs right grow with width, 10 to 4,000 neurons", GROMOV, "yes", "gromov",
              in_order(r"\d neurons: (\S+), ", 6)),
        Claim("trained, width 500, half of the pairs: test pairs right, three seeds", GROMOV, 1.0, "gromov",
              r"^trained.* test pairs (\S+) ", (0.002, 0), "a few pairs may still be wrong after 400 steps",
              headline=True),
        Claim("trained: median phase_c - phase_a - phase_b", GROMOV, 0, "gromov", r"phase_b\| (\S+) degrees", 10,
              "the paper's weights have exactly 0; trained ones scatter", unit="degrees", headline=True),
        Claim("trained: inverse participation ratio of the neurons, median (1 is one frequency)", GROMOV, 1, "gromov",
              r"median IPR (\S+),", (0.1, 0), "trained neurons keep some noise"),
        Claim("untied star, six neurons, no randomness: pairs right", README, 1.0, "gromov",
              r"^untied star.*: (\S+) of"),
    ],
    "Two-layer networks (He et al. 2026)": [
        *[Claim(f"published weights {name}: {what}", HE_DATA, value, "he_weights", rf"^{name}:.*{what} (\S+),",
                tolerance, PRINTED, headline=what in ("accuracy", "IPR in"))
          for name, numbers in {
              "p23_relu_full": (1, 5.213206e-7, 0.691227, 0.750482),
              "p23_quad_singlefreq": (1, 6.750367e-3, 0.989009, 0.998449),
              "p23_relu_grok_wd2": (0.994329, 2.701536e-2, 0.801283, 0.898685)}.items()
          for what, value, tolerance in zip(("accuracy", "loss", "IPR in", "out"), numbers, (1e-6, 1e-8, 1e-6, 1e-6),
                                            strict=True)],
        Claim("p23_relu_grok_wd2 in training: accuracy at epoch 0", HE_DATA, 0.043478, "he_weights",
              r"^epoch 0: accuracy (\S+),", 1e-6, PRINTED),
        Claim("p23_relu_grok_wd2 in training: IPR in at epoch 200", HE_DATA, 0.215845, "he_weights",
              r"^epoch 200: .*in (\S+), out", 1e-6, PRINTED),
    ],
    "Networks that are written down": [
        Claim("x² stars fail at exactly these sizes", README, "1, 2, 4", "written_down",
              r"^x² stars fail at (.*) of 1 to 24"),
        Claim("largest odd modulus of a regular ReLU ring of 5, 6, 7, 8", README, "117, 21, 343, 55", "written_down",
              joined(r"ring of [5-8]: right to p = (\d+)")),
        Claim("two pentagons 18 degrees apart are right to p", "ours, docs/credits.md", 1_025, "written_down",
              r"pentagons .* p = (\d+)"),
        Claim("margin of the tied star of five, p = 67", "ours, tests/test_analytic.py", 1.2e-5, "written_down",
              r"tied five.*: (\S+)$", 5e-7, PRINTED),
        Claim("margin of the untied star of six, p = 67", "ours, tests/test_analytic.py", 1.3e-2, "written_down",
              r"untied six.*: (\S+)$", 5e-4, PRINTED),
        Claim("even p: tied stars (of 3) that leave exactly p pairs undecided, p = 6, 66, 100", README, 3,
              "written_down", r"exactly p pairs undecided by (\d) of 3"),
        Claim("even p: pairs that the untied star has right", README, 1.0, "written_down",
              r"untied star has (\S+) right"),
        Claim("best frequencies of p = 67: margins of 1 to 4", "ours, tests/test_analytic.py",
              "2.415e-06, 1.784e-03, 1.432e-02, 3.571e-02", "written_down", joined(r"^best .*, margin (\S+)$")),
        Claim("pizza with its companion right at p = 58, 59, 60", EXPERIMENTS, "True, True, True", "written_down",
              r"59, 60: \[(.*?)\], without"),
        Claim("largest companion that decides all pairs of large p", THEORY, 0.90268, "written_down",
              r"largest companion .*: (\S+)$", 5e-4, "p = 1,009 is large, not infinite"),
        Claim("neurons of exact parity of 3 bits", THEORY, 4, "written_down", r"exact network: (\d+)$"),
    ],
    "Theory": [
        Claim("the published network's sum of squares", THEORY, 832.9, "article_weights", r"^sum of squares (\S+),",
              0.05, PRINTED),
        Claim("twice the nuclear norm of [A | C^T]", THEORY, 831.7, "article_weights", r"nuclear norm (\S+)$", 0.05,
              PRINTED),
        Claim("the published network at rest: correlation with AdamW's rest law", THEORY, 0.98, "article_weights",
              r"^at rest.* (\S+)$", (0, 0.02), "above 0.98 is claimed"),
        Claim("learned waves: constant", THEORY, 0.09, "article_weights", r"constant (\S+), second", 0.03, "about"),
        Claim("learned waves: second harmonic", THEORY, -0.12, "article_weights", r"second harmonic (\S+)$", 0.03,
              "about"),
        Claim("ring sizes: nats by which 1/(n - 4)! is better, three rings", THEORY, 13.3, "article_weights",
              r"^130 networks.* by (\S+) nats", 0.06, "one decimal of 13.25"),
        Claim("ring sizes: four rings", THEORY, -0.5, "article_weights", r"^61 networks.* by (\S+) nats", 0.05,
              PRINTED),
        *[Claim(f"ring sizes: log-likelihood of 1/(n - r)!, r = 0 to 5, {name} rings", THEORY, there, "article_weights",
                rf"^{n} networks.*r = 0 to 5: (.*);")
          for n, name, there in ((130, "three", "-421.8, -418.8, -415.4, -411.8, -408.5, -409.0"),
                                 (61, "four", "-163.8, -163.8, -163.7, -163.8, -164.3, -167.0"))],
        Claim("published network, k = 15: |M_5|, and weighted with the second harmonics too", THEORY, "0.46, 0.30",
              "article_weights", joined(r"^frequency 15: .*\|M_5\| (\S+), .* too (\S+),")),
        Claim("written down for all pairs, at equal norm: loss over the published network's", THEORY, 0.23,
              "best_published", ratio(r"^written down, for all pairs .* (\S+) +1.0000$", r"^learned .* (\S+) +1.0000$"),
              0.02, "an optimiser's three starts"),
        Claim("written down for all pairs, at equal norm: loss over the main job's network's", THEORY, 0.38,
              "best_network", ratio(r"^written down, for all pairs .* (\S+) +1.0000$", r"^learned .* (\S+) +1.0000$"),
              0.02, "an optimiser's three starts; elsewhere another network"),
        Claim("written down for the training pairs: loss + decay over the published network's, below 1", THEORY, 1,
              "best_published", ratio(r"^written down, for the training pairs +(\S+e-\d+)", r"^learned +(\S+e-\d+)"),
              at_most(1), BELOW),
        Claim("certified margin: stars of nine, least margin", THEORY, 0.106, "certified_margin",
              certified("cosine stars of nine", 1), 5e-4, PRINTED),
        Claim("certified margin: stars of nine, its bound", THEORY, 0.105, "certified_margin",
              certified("cosine stars of nine", 2), 5e-4, PRINTED),
        Claim("certified margin: stars of 151, bound by Riemann sums", THEORY, 1.55, "certified_margin",
              certified("cosine stars of 151", 5), 5e-3, PRINTED),
        Claim("certified margin: best network reduced to its own modes", THEORY, 10.0, "certified_margin",
              certified("the same, own modes", 1), 0.05, PRINTED),
        Claim("certified margin: its bound", THEORY, 9.4, "certified_margin", certified("the same, own modes", 2), 0.05,
              PRINTED),
        Claim("certified margin: pairs of the best network", THEORY, 100, "certified_margin",
              certified("best written down", 3), unit="%"),
        *[Claim(f"certified margin: pairs of {network}", THEORY, share, "certified_margin", certified(network, 3),
                tolerance, why, spread, "%")
          for network, share, tolerance, why, spread in (
              ("the article's network", 0, 0, "", None),
              ("the article's network, rings' modes", 22, 0.5, PRINTED, None),
              ("the article's network, own modes", 100, 0, "", None),
              ("main job", 0, 0, MACHINE, (0, 100)),
              ("main job, rings' modes", 100, 0, MACHINE, (0, 100)),
              ("main job, own modes", 100, 0, MACHINE, (0, 100)))],
        Claim("certified margin: the article's network, least margin", THEORY, 5.3, "certified_margin",
              certified("the article's network", 1), 0.05, PRINTED),
        *[Claim(f"certified margin: the article's network, lost of an answer of 16.9: {loss}", THEORY, size,
                "certified_margin", certified("the article's network", column, 1), 0.05, PRINTED)
          for loss, column, size in (("waves of no ring read in", 5, 14.9), ("waves of no ring put out", 7, 13.3),
                                     ("rest of the linear path", 8, 11.2), ("kinks", 4, 10.5))],
        Claim("certified margin: power of the article's A outside its rings' modes", THEORY, 0.17, "certified_margin",
              certified("the article's network", 12, 1), 5e-3, PRINTED, unit="%"),
        *[Claim(f"certified margin: Model A, {what}", f"{ZHONG}, published weights; bound ours", there,
                "certified_margin", certified(row, column, table), tolerance, tolerance and PRINTED, unit=unit)
          for what, row, column, table, there, tolerance, unit in (
              ("pairs certified", "Model A", 3, 0, 100, 0, "%"), ("least margin", "Model A", 1, 0, 14.3, 0.05, ""),
              ("its bound", "Model A", 2, 0, 1.5, 0.05, ""),
              ("median of bound over margin", "Model A", 4, 0, 0.43, 5e-3, ""),
              ("bound without waves of no ring", "Model A, rings' modes", 2, 0, 8.2, 0.05, ""),
              ("median of bound over margin, without waves of no ring", "Model A, rings' modes", 4, 0, 0.80, 5e-3, ""),
              ("pairs certified by Riemann sums", "Model A", 6, 0, 0, 0, "%"),
              ("Riemann sums: integral", "Model A", 9, 1, 23.9, 0.05, ""),
              ("Riemann sums: error", "Model A", 10, 1, 21.9, 0.05, ""))],
        *[Claim(f"broken by 0.5, {network}: {what} changes the loss by a factor", THEORY, factor, "ring_ablations",
                ablation(network, what), tolerance, "the page gives two digits")
          for network, what, factor, tolerance in (
              ("ReLU, cosines", "M_5", 1, 0.05), ("ReLU, cosines", "M_7", 1, 0.05), ("ReLU, cosines", "M_6", 1.5, 0.05),
              ("ReLU, learned wave", "M_5", 1.9, 0.05), ("ReLU, learned wave", "M_6", 1.3, 0.05),
              ("ReLU, learned wave", "M_7", 1.1, 0.05))],
        *[Claim(f"final loss over eps, eps = {value}", THEORY, there, "eps", rf"^eps {value}: loss / eps (\S+),", 0.05,
                "the same bits on one machine; finished runs of one eps, with 40 % of the pairs, differ by 3.4",
                (there - 3.4, there + 3.4))
          for value, there in (("6.7e-09", 15.2), ("6.7e-08", 16.2), ("6.7e-07", 17.2), ("6.7e-06", 18.7))],
        Claim("final loss over eps grows with eps", THEORY, "yes", "eps", in_order(r"^eps \S+: loss / eps (\S+),", 4)),
        Claim("final loss over eps, eps = 6.7e-6 over 6.7e-9", THEORY, 1.23, "eps",
              ratio(r"^eps 6.7e-06: loss / eps (\S+),", r"^eps 6.7e-09: loss / eps (\S+),"), 0.1,
              "one seed for each eps; were the loss proportional to eps, it would be 1"),
        Claim("sum of squares falls as eps grows", THEORY, "yes", "eps",
              in_order(r"^eps .*sum of squares (\d+),", 4, falling=True)),
        Claim("the learned rings written down for the same pairs: final loss over the learned one, four values of eps",
              THEORY, 1, "eps", ratios(r"^ +rings.*loss / eps (\S+),", r"^eps.*loss / eps (\S+),"), 0.02,
              "1.4 % on our machine; another has other rings"),
        *[Claim(f"rings at step 500,000, {name}: {what}", THEORY, there, "ring_law", from_table(2, name, column), off,
                "ten networks; another machine trains others", unit=unit)
          for name, what, column, there, off, unit in (
              ("weights of long after, brought to rest", "same size and basin", 7, 100, (10, 0), "%"),
              ("weights of long after, brought to rest", "mean error of M_5", 2, 0.013, 0.02, ""),
              ("those brought to rest", "mean error of M_5", 2, 0.019, 0.03, ""),
              ("rings written down", "mean error of M_5", 2, 0.076, 0.04, ""),
              ("the median ring", "mean error of M_5", 2, 0.483, 0.1, ""))],
        *[Claim(f"distance from the rest law, {networks}, at step {step}", THEORY, there, job,
                rf"^{networks}, .* ([\d.]+)% at {step}", off, OTHERS, unit="%")
          for job, networks, step, there, off in (
              ("ring_law", "ReLU, 40% of the pairs", "50,000", 0.75, 0.3),
              ("ring_law", "ReLU, 40% of the pairs", "200,000", 0.13, 0.05),
              ("ring_law", "ReLU, 40% of the pairs", "500,000", 0.07, 0.03),
              ("ring_law_square", "x², 80% of the pairs", "10,000", 4.9, 2),
              ("ring_law_square", "x², 80% of the pairs", "20,000", 3.2, 1.5))],
        *[Claim(f"x², 80 % of the pairs: held-out pairs right in the end, {which}", THEORY, there, "ring_law_square",
                rf"^x², 80% .* {pattern} of the held-out", off, OTHERS, unit="%")
          for which, pattern, there, off in (("least", r"([\d.]+)% to [\d.]+%", 95.0, (5, 5)),
                                             ("most", r"to ([\d.]+)%", 99.6, (3, 0.4)))],
        *[Claim(f"loss on all pairs at equal norm, written down for {what} / learned: median, {networks}", THEORY,
                there, "ring_law_60", nth(rf"{pairs} / learned: (\S+) \(", place), 0.15, OTHERS)
          for what, pairs, medians in (("all pairs", "all pairs", (0.22, 0.29, 0.64)),
                                       ("the training pairs", "training pairs", (0.31, 0.38, 0.70)))
          for place, (networks, there) in enumerate(zip(
              ("40 %, step 50,000", "40 %, step 500,000", "60 %, step 20,000"), medians, strict=True))],
        Claim("loss on all pairs at equal norm, written down / learned: largest of 48 networks", THEORY, 0.857,
              "ring_law_60", lambda printed: [max(words(r"all pairs / learned: .*? to (\S+)\)", printed), key=float)],
              (0.857, 0.143), "what is said is that it is below 1"),
        *[Claim(f"loss + decay above the network that L-BFGS brought to rest: {what}", THEORY, there, "ring_law_60",
                nth(pattern, place), off, OTHERS, unit="%")
          for what, pattern, place, there, off in (
              ("AdamW's at step 500,000, exact decay, median", r"exact decay (\S+) \(", 1, -0.11, 0.15),
              ("pure cosines, least of 48", r"pure cosines, in loss.*: \S+ \((\S+) to", 3, 26.4, 10),
              ("pure cosines, most", r"pure cosines, in loss.*: \S+ \(\S+ to (\S+)\)", 3, 110, 30),
              ("rings written down, median", r"rings written down, in loss.*: (\S+) \(", 3, 0.4, 0.3),
              ("rings written down, least", r"rings written down, in loss.*: \S+ \((\S+) to", 3, -12.5, 10),
              ("rings written down, most", r"rings written down, in loss.*: \S+ \(\S+ to (\S+)\)", 3, 1.0, 0.5))],
        Claim("networks that had grokked well before step 50,000, of 96", THEORY, 32, "ring_law",
              r"^96 networks trained, (\d+) grokked", 8, "the binomial law has a standard deviation of 5",
              unit="of 96"),
        Claim("x², 80 % of the pairs: networks with all held-out pairs right by step 20,000", THEORY, 0,
              "ring_law_square", r"^8 networks trained, (\d+) grokked", (0, 2), OTHERS,
              unit="of 8"),
        *[Claim(f"|M_5| of sixes, {name}: the formula is off by, mean", THEORY, there, "law_of_six",
                rf"^\| {name} \| \d+ \| (\S+) \|", off, "an optimiser's stationary points")
          for name, there, off in (("random frequencies", 0.067, 0.02), ("without resonance", 0.105, 0.04))],
        *[Claim(f"|M_5| of sixes, {name}: off by at most 0.1", THEORY, there, "law_of_six",
                cells(name, 4), 3, "an optimiser's stationary points", unit=f"of {of}")
          for name, there, of in (("random frequencies", 19, 23), ("those of learned networks", 21, 37),
                                  ("without resonance", 36, 44))],
        Claim("random frequencies: sixes whose |M_5| the formula puts above the optimiser's", THEORY, 18, "law_of_six",
              r"above the optimiser in (\d+) of 23", 3, "an optimiser's stationary points", unit="of 23"),
        *[Claim(f"law of six: {what} of the mean field and of learned networks' optima, apart by", THEORY, there,
                "law_of_six", rf"^{what}, .* apart (\S+)$", off, "an optimiser's stationary points")
          for what, there, off in (("second harmonic", 0.023, 0.01), ("constant", 0.013, 0.005))],
        *[Claim(f"L-BFGS from step 1,000 of twenty seeds, eps = {eps}: seeds that grok", THEORY, there,
                "before_grokking", rf"^\| {eps} \| (\d+) of 20", 0,
                "the same bits on one machine; elsewhere another start", (lowest, 12), "of 20")
          for eps, there, lowest in (("6.7e-07", 6, 3), ("6.7e-06", 6, 3), ("6.7e-05", 8, 4))],
        *[Claim(f"which of the twenty seeds grok: {what}", THEORY, there, "before_grokking",
                rf"^{line}, seeds that grok: (.*)$", headline=headline)
          for what, line, there, headline in (
              ("AdamW, 50,000 steps", "AdamW", "3, 5, 11, 14, 15, 19", True),
              ("L-BFGS from step 1,000", "L-BFGS, eps = 6.7e-07", "3, 5, 11, 14, 15, 19", True),
              ("L-BFGS, eps = 6.7e-06", "L-BFGS, eps = 6.7e-06", "3, 5, 11, 14, 15, 19", False),
              ("L-BFGS, eps = 6.7e-05", "L-BFGS, eps = 6.7e-05", "2, 3, 5, 9, 11, 14, 15, 19", False))],
        *[Claim(f"24 neurons, {kind}: {what}", THEORY, there, "how_many_frequencies", cells(kind[:7] + ".*?", column),
                0, "the same bits on one machine; another draw of frequencies moves the numbers by one or two")
          for kind, least, used in (("tied factors", "3 to 4", "2 to 4"), ("one-hot weights", "5", "5 to 14"))
          for what, there, column in (("number of frequencies with the least loss + decay", least, 9),
                                      ("frequencies of eight trained networks", used, 11))],
        *[Claim(f"article's rings, {which} modes {reads} read, {puts_out} put out: least loss + decay above that of "
                "all modes", THEORY, there, "which_modes",
                rf"^\| {which} \| {reads} \| {puts_out} \| \S+ \| \+(\S+)% \|", 0.03, "an optimiser's four starts",
                unit="%")
          for which, reads, puts_out, there in (
              ("own", "0 to 2", "1", 0.84), ("own", "0 to 5", "1", 0.63), ("all rings'", "0 to 2", "1", 0.56),
              ("all rings'", "0 to 2", "0 to 2", 0.34), ("all rings'", "0 to 5", "0 to 5", 0.09))],
        Claim("AdamW from networks written down, 20,000 steps: rings of 16 that stay, to 0.06", THEORY, 15, "stay",
              r"^(\d+) of 16 rings stay", 2, MACHINE),
        *[Claim(f"final loss over eps of five networks, {name}", THEORY, there, "stay",
                rf"^{name} +\S+e-\d+ +(\S+) ", 0, "the range is that of the five", spread)
          for name, there, spread in (("learned", 17.4, (16.6, 19.9)),
                                      ("written down, for the training pairs", 17.4, (16.5, 19.7)))],
        Claim("final loss, written down over learned, each of the five", THEORY, 1, "stay",
              ratios(r"^written down, for the t.*?e-\d+ +(\S+) ", r"^learned.*?e-\d+ +(\S+) "), 0.013, "to 1 %"),
        Claim("loss + decay after 20,000 steps over the learned network's, each of the five", THEORY, 1, "stay",
              ratios(r"^the same, .*? (\S+e-\d+)", r"^learned +(\S+e-\d+)"), (0.006, 0), "0 to 0.5 % below"),
        *[Claim(f"{which}: loss + decay on its training pairs, {name}", THEORY, there, job, rf"^{name} +(\S+e-\d+)",
                1e-7, "an optimiser's three starts", (2e-4, 4e-4))
          for which, job, values in (("main job", "best_network", (2.662e-4, 2.660e-4)),
                                     ("published", "best_published", (2.907e-4, 2.920e-4)))
          for name, there in zip(("written down, for the training pairs", "learned"), values, strict=True)],
        Claim("their largest move", THEORY, 0.13, "stay", r"the largest move of all is (\S+)\.", 0.1, MACHINE),
        Claim("of them more than 0.2 from the learned rings", THEORY, 8, "stay", r"(\d+) are more than 0.2 from", 3,
              MACHINE),
    ],
    "Rings on a frozen circle, factorings, sweeps (Pearce et al. 2023 and ours)": [
        Claim("ReLU rings of six, evenly spaced: loss over the least", EXPERIMENTS, 2.56, "moment_law",
              r"^\| relu \| 6 \| \S+ \| (\S+) \|", 0.1, "the least is an optimiser's of nine starts"),
        Claim("ReLU rings of eight, evenly spaced: loss over the least", EXPERIMENTS, 1.21, "moment_law",
              r"^\| relu \| 8 \| \S+ \| (\S+) \|", 0.05, "the least is an optimiser's of nine starts"),
        Claim("ReLU rings: largest of R_1 to R_4, gradient descent, medians by size", EXPERIMENTS, 0, "moment_law",
              r"^\| relu (?:\|[^|]*){6}\| ([\d.]+), ", 0.05, "where random phases would leave 0.3 to 0.8"),
        Claim("ReLU rings: largest of M_1 to M_4, gradient descent, of all", EXPERIMENTS, 0.1, "moment_law",
              largest(r"^\| relu (?:\|[^|]*){5}\| [\d.]+, ([\d.]+) "), (0.1, 0.02), "the largest of some 90 rings"),
        Claim("random phases: largest of M_1 to M_4, 3 and 16 neurons", EXPERIMENTS, "0.82, 0.34", "moment_law",
              joined(r"^relu: random phases would leave (\S+) \(3 neurons\) to (\S+) \(16\)")),
        Claim("tied networks that generalise", EXPERIMENTS, 10, "factorings", generalising("tied"), 0, DRAWS,
              (7, 12), "of 12", headline=True),
        Claim("factored input and output: networks that generalise", EXPERIMENTS, 9, "factorings",
              generalising("input_tied"), 0, DRAWS, (6, 12), "of 12"),
        Claim("output only: networks that generalise", EXPERIMENTS, 1, "factorings", generalising("collapsed_input"), 0,
              DRAWS, (0, 5), "of 12"),
        Claim("input only: networks that generalise", EXPERIMENTS, 0, "factorings", generalising("collapsed_output"), 0,
              DRAWS, (0, 2), "of 12"),
        Claim("neither: networks that generalise", PEARCE, 0, "factorings", generalising("collapsed"), unit="of 12",
              headline=True),
        Claim("free to treat a and b apart: networks that generalise", EXPERIMENTS, 3, "factorings",
              generalising("untied_hidden|untied|concatenated|two_embeddings|one_hot"), 0,
              BINOMIAL, (0, 6), "of 60"),
        Claim("addition: without weight decay, with 20 to 60 % of the pairs: networks that generalise", EXPERIMENTS, 0,
              "addition_sweep", by_fraction(r"^decay 0 +(\S+)% +(\S+)% +(\S+)% +(\S+)% "), unit="%"),
        Claim("addition: without weight decay, with 80 %", EXPERIMENTS, 33, "addition_sweep",
              by_fraction(r"^decay 0 .* (\S+)%$"), 0,
              "one network of three; the same bits on one machine, none or two of three elsewhere", (0, 67), "%"),
        Claim("addition: decay 5, any share of the pairs", EXPERIMENTS, 0, "addition_sweep",
              by_fraction(r"^decay 5 +(\S+)% +(\S+)% +(\S+)% +(\S+)% +(\S+)%$"), unit="%"),
        Claim("addition: decay 0.3 to 3, 60 and 80 % of the pairs", EXPERIMENTS, 67, "addition_sweep",
              by_fraction(r"^decay (?:0.3|1|3) .* (\S+)% +(\S+)%$"), (0, 33), "two or three networks of three",
              unit="%"),
        Claim("addition: 30 % of the pairs, any decay", EXPERIMENTS, 0, "addition_sweep",
              by_fraction(r"^decay \S+ +\S+% +(\S+)% "), unit="%"),
        *[Claim(f"addition: decays {one} and {other}, a quarter to four times the first weights: networks that "
                "generalise", EXPERIMENTS, there, "addition_sweep",
                by_scale(rf"^decay (?:{one}|{other}) " + 5 * r" +(\S+)%" + "$"), tolerance, why, unit="%")
          for one, other, there, tolerance, why in ((0, 5, 0, 0, ""), (1, 3, 67, (0, 33), "two or three of three"))],
        Claim("addition: decay 0.3, four times the first weights: networks that generalise", EXPERIMENTS, 0,
              "addition_sweep", by_scale(r"^decay 0.3 .* (\S+)%$"), unit="%"),
    ],
    "What training selects (MAIS-O61, ours)": [
        *[Claim(f"{G}, {sigma}, m = {m}, lambda = {decay}: share of networks whose key set is {keys}", SELECTION, share,
                "selection_law", key_set(G, sigma, m, decay, column), 0.005,
                WILSON.format("100 networks"), interval)
          for G, sigma, m, decay, keys, column, share, interval in (
              ("C_5", "x²", 2, "0", "{1}", 8, 0.19, (0.13, 0.28)),
              ("C_5", "x²", 2, "0", "both", 10, 0.57, (0.47, 0.66)),
              ("C_5", "x²", 8, "0", "both", 10, 1, (0.96, 1)),
              ("C_5", "x²", 2, "0.01", "{2}", 9, 0.33, (0.25, 0.43)),
              ("S_3", "x²", 2, "0.01", "{std}", 9, 0.68, (0.58, 0.76)),
              ("S_3", "ReLU", 8, "0.01", "both", 10, 0.88, (0.8, 0.93)))],
        Claim("C_5, x², two neurons, lambda = 0.01: both pure for one frequency", SELECTION, 0.5, "selection_law",
              r"^  x², lambda = 0.01 +(\S+) \[", 0.005,
              WILSON.format("100 networks"), (0.4, 0.6)),
        *[Claim(f"{G}, x², m = 2: the law moves from lambda = 0 to 0.01 by (total variation)", SELECTION, 0.19,
                "selection_law", rf"^  {G} x² +m = 2, lambda = 0 -> m = 2, lambda = 0.01: (\S+) \(", 0.005,
                "the same bits on one machine; two standard deviations of two shares of 100", (0.05, 0.33))
          for G in ("C_5", "S_3")],
        *[Claim(f"S_3, x², m = 8, lambda = {decay}: share of std among the pure neurons", SELECTION, share,
                "selection_law", rf"^  x² +m = 8, lambda = {decay} .* = (\S+) \[", 5e-4,
                "the same bits on one machine; the range is the bootstrap's 95 %", interval)
          for decay, share, interval in (("0", 0.863, (0.845, 0.882)), ("0.0001", 0.83, (0.814, 0.847)),
                                         ("0.01", 0.801, (0.783, 0.82)))],
        Claim("S_3, of the pure neurons of ReLU networks, m = 8, lambda = 0: share of std", SELECTION, 0.927,
              "selection_law", r"^  ReLU m = 8, lambda = 0 .* = (\S+) \[", 5e-4,
              "the same bits on one machine; the range is the bootstrap's 95 %", (0.901, 0.951)),
        Claim("C_5, x², two neurons, lambda = 0: one best frequency, of those right at all pairs and of the others",
              SELECTION, "55 of 55, 6 of 45", "selection_law", r"^  x², lambda = 0 .* (\d+ of \d+, \d+ of \d+)$",
              why=MACHINE),
        Claim("final loss of networks without decay that are right at all pairs, at most", SELECTION, 2e-4,
              "selection_law", largest(r"lambda = 0 .* at most (\S+) nats"), at_most(2e-4), BELOW, unit="nats"),
        Claim("ReLU with decay: networks with pre-activations within 1e-3 of zero, by configuration", SELECTION, 89,
              "selection_law", r"^  \w+ m = \d, lambda = \S+ +(\d+)%, \S+ of \d+$", (10, 11), "89 to 100 %",
              unit="%"),
        Claim("median number of these pre-activations, by configuration", SELECTION,
              "3, 11, 30, 44, 4, 26.5, 43.5, 104", "selection_law",
              joined(r"^  \w+ m = \d, lambda = \S+ +\d+%, (\S+) of \d+$"), why=MACHINE),
        Claim("key sets that are others with 0.5 % of the squared norm for threshold, of 2,400", SELECTION, 303,
              "selection_law", r"^With 0.5 % .* (\d+) of 2,400 sets are others", 40,
              "the same bits on one machine; other networks elsewhere"),
        Claim("trained again in PyTorch: networks that end in the same key set, of 24", SELECTION, 24,
              "selection_others", r"^(\d+) of 24 networks end in the same key set", (2, 0),
              "a share at the threshold may fall on its other side", unit="of 24"),
        *[Claim(f"their weights differ by a relative, {what}", SELECTION, there, "selection_others", read,
                at_most(there), "rounding, which grows from step to step", (0, 100 * there))
          for what, there, read in (("median", 1e-5, r"weights are a median of (\S+) apart"),
                                    ("at most", 2e-3, r"apart, at most (\S+)$"))],
        *[Claim(f"network updates per second of a core, 100 networks at once: {whose}", SELECTION, there,
                "selection_others", read, 0, SPEED, spread, unit)
          for whose, there, read, spread, unit in (
              ("ours", 158_000, r"(\S+) ours,", (50_000, 600_000), ""),
              ("JAX over ours", 1.7, r"jax.vmap, (\S+) times as fast", (0.8, 4), "times"))],
        Claim("networks without decay that do not converge, by configuration, of 100", SELECTION, 100, "selection_law",
              r"^\| \w+ \| \S+ \| \d \| 0 \| (\d+) \|", unit="of 100"),
    ],
    "How many frequencies, and which (MAIS-O52, MAIS-O58, ours)": [
        *[Claim(f"{kind}: residual of {law}, 21 moduli to 97", SELECTION, there, "frequency_count",
                rf"^\| {kind} \| all \| {re.escape(law)} \| .* \| (\S+) \|$", off,
                "the same bits on one machine; elsewhere other rounding, the same seeds")
          for kind, off, residuals in (("ReLU, one-hot", 0.4, (1.8, 0.46)), ("ReLU, tied", 0.1, (0.22, 0.35)),
                                       ("x², one-hot", 0.4, (1.16, 0.77)), ("x², tied", 0.1, (0.22, 0.4)))
          for law, there in zip(("a + b log p", "a + b p"), residuals, strict=True)],
        *[Claim(f"ReLU, p = {p}: two-element sets that are {{k, 2k}}, of {of}", SELECTION, there, "frequency_count",
                rf"ReLU, p = {p}: .*\n.*orbit {{\(1, 2\): (\d+),", off, "chance, two standard deviations")
          for p, of, there, off in ((11, 143, 2, 3), (13, 113, 6, 5))],
    ],
    "One neuron, two neurons (MAIS-O92, MAIS-O59, ours)": [
        *[Claim(f"one ReLU neuron, initial scale {tau}: {fate}", SELECTION, share, "one_neuron",
                rf"^\| {tau} \| (?:[^|]+\| ){{{column}}}(\S+) \[.*%\), ", 5e-5,
                WILSON.format("12,500 runs"), interval)
          for tau, fate, column, share, interval in (
              ("1", "dies", 0, 0.0058, (0.0046, 0.0073)),
              ("3", "dies", 0, 0.0198, (0.0175, 0.0224)),
              ("1", "memorises", 1, 0.7297, (0.7218, 0.7374)),
              ("0.1", "is undecided", 3, 0.7646, (0.7571, 0.772)))],
        *[Claim(f"two x² neurons, initial scale {tau}: both pure, {how}", SELECTION, share, "one_neuron",
                rf"^\| {tau} \| (?:[^|]+\| ){{{column}}}(\S+) \[.* \| [\d.]+, [\d.]+, [\d.]+ \|", 5e-5,
                WILSON.format("12,500 runs"), interval)
          for tau, how, column, share, interval in (
              ("1", "one frequency", 0, 0.1492, (0.1431, 0.1556)),
              ("3", "one frequency", 0, 0.0123, (0.0105, 0.0144)),
              ("1", "two frequencies", 1, 0, (0, 0.0003)))],
        Claim("two x² neurons, runs of 12,500 whose directions still move by 0.1, by initial scale", SELECTION,
              "11792, 3299, 3620, 4527", "one_neuron", joined(r"^two x² neurons.* in (\d+) runs$"), why=MACHINE),
        *[Claim(f"steps of half the length: {what} called the same", SELECTION, there, "one_neuron",
                rf"^Steps of half.*? ([\d.]+)% {pattern}", 0.05, WILSON.format("1,000 runs"), interval, "%")
          for what, pattern, there, interval in (("single neurons", "of single", 92.4, (90.5, 94)),
                                                 ("pairs", "of pairs", 98.5, (97.5, 99.2)))],
        Claim("neurons with 99.9 % of their energy in one frequency, of 150,000", SELECTION, 2, "one_neuron",
              lambda printed: [str(sum(map(int, words(r"in one frequency of (\d+)", printed))))], unit="neurons"),
    ],
    "The lottery (He et al. 2026, ours)": [
        *[Claim(f"one-hot x², initial scale {scale}, without decay: the race names the final frequency of", SELECTION,
                there, "lottery", rf"^\| x² \| one_hot \| {scale} \| 0 \|(?:[^|]*\|){{4}} (\d+)%", 0.5, LOTTERY,
                interval, "%")
          for scale, there, interval in (("0.01", 100, (98, 100)), ("0.1", 98, (96, 99)), ("1", 92, (89, 94)))],
        Claim("one-hot x²: the final frequency is among the race's first three", SELECTION, "2,282 of 2,285", "lottery",
              r"race's first three for (.*)\.$", why=MACHINE),
        Claim("one-hot ReLU, initial scale 0.1, without decay: the race names the final frequency of", SELECTION, 67,
              "lottery", r"^\| ReLU \| one_hot \| 0.1 \| 0 \|(?:[^|]*\|){4} (\d+)%", 0.5, LOTTERY, (64, 71), "%"),
        Claim("neurons with half of their energy in one frequency, of all", SELECTION, 71, "lottery",
              r"^Decided: .* \((\d+)%\)", 0.5, "the same bits on one machine; 480 networks elsewhere", (68, 74), "%"),
        Claim("the race is right for, of these", SELECTION, 59, "lottery", r"race is right for (\d+)%", 0.5,
              "the same bits on one machine; 480 networks elsewhere", (56, 62), "%"),
    ],
    "The gradient kit": [
        Claim("planted mistakes found", README, 157, "gradient_checkers", cells(r"grok_np \| planted by hand", 3),
              unit="of 157"),
        Claim("planted mistakes named", README, 144, "gradient_checkers", cells(r"grok_np \| planted by hand", 4),
              (6, 6), REPAIRS, unit="of 157"),
        Claim("planted mistakes misnamed", GRADIENTS, 0, "gradient_checkers",
              cells(r"grok_np \| planted by hand", 6), unit="of 157"),
        Claim("planted mistakes shown by line", GRADIENTS, 1, "gradient_checkers",
              cells(r"grok_np \| planted by hand", 5), (1, 3), REPAIRS, unit="of 157"),
        Claim("planted mistakes named with the source hidden", GRADIENTS, 132, "gradient_checkers",
              cells(r"grok_np, without source \| planted by hand", 4), 6, REPAIRS, unit="of 157"),
        *[Claim(f"operator mutants {what}", GRADIENTS, there, "gradient_checkers",
                cells(r"grok_np \| mutants", column), off, REPAIRS, unit="of 551")
          for what, there, column, off in (("found", 551, 3, 0), ("named", 400, 4, 15), ("shown by line", 57, 5, 15),
                                           ("misnamed", 23, 6, 8))],
        Claim("false alarms in checks of right layers", README, 0, "gradient_checkers",
              r"^\| grok_np \| right layers \| \d+ \| (\d+) false alarms", unit="of 484"),
        *[Claim(f"mutants {what} with the source hidden", GRADIENTS, there, "gradient_checkers",
                cells(r"grok_np, without source \| mutants", column), 10, REPAIRS, unit="of 551")
          for what, there, column in (("named", 266, 4), ("misnamed", 75, 6))],
        Claim("planted mistakes that PyTorch's gradcheck finds", README, 136, "gradient_checkers",
              cells(r"torch \S+ gradcheck \| planted by hand", 3), 3, "another version of PyTorch", unit="of 157"),
        Claim("planted mistakes that PyTorch's gradcheck names", README, 4, "gradient_checkers",
              cells(r"torch \S+ gradcheck \| planted by hand", 4), 2, "another version of PyTorch", unit="of 157"),
        Claim("false alarms of PyTorch's gradcheck", README, 67, "gradient_checkers",
              r"gradcheck \| right layers \| \d+ \| (\d+) false alarms", 10, "another version of PyTorch",
              unit="of 484"),
        Claim("of 25 mistakes written after the rules: found, named, misnamed", GRADIENTS, "25, 15, 1",
              why="counted once, at first sight; the rules have seen them since"),
    ],
    "Speed (two cores, float32)": [
        *[Claim(f"{contest}: {name} takes, of our step", "ours, docs/speed.md", ratio, "step_time",
                speed(contest, name), 0, SPEED, (0.6 * ratio, 1.6 * ratio), "times")
          for contest, ratios in {"the article's MLP": (4.7, 9.3), "the mainline transformer": (5.6, 5.9),
                                  "Clock and Pizza's transformer": (4.5, 3.8)}.items()
          for name, ratio in zip(("JAX jit", "PyTorch eager"), ratios, strict=True)],
        *[Claim(f"{contest}: matrix products alone take, of our step", "ours, docs/speed.md", share, "step_time",
                speed(contest, "limit"), 0, SPEED, (0.6 * share, 100), "%")
          for contest, share in (("the article's MLP", 32), ("the mainline transformer", 75),
                                 ("Clock and Pizza's transformer", 78))],
        *[Claim(f"{contest}: one after the other take, of the ensemble on one core", "ours, docs/speed.md", there,
                "step_time", gain_of_an_ensemble(contest), 0, SPEED, (0.8, 2), "times")
          for contest, there in (("64 sparse-parity networks", 1.2), ("20 of the article's MLP", 1.1))],
        Claim("until the MLP has grokked: JAX jit takes, of our time", "ours, docs/speed.md", 5.3, "end_to_end",
              until_grokked("the article's MLP", "JAX jit"), 0, SPEED, (2.5, 8), "times"),
        Claim("until the transformer has grokked: PyTorch eager takes, of our time", "ours, docs/speed.md", 5.2,
              "end_to_end_transformer", until_grokked("the mainline transformer", "PyTorch eager"), 0, SPEED, (2.5, 8),
              "times"),
        Claim("a step grows with p to the power of", "ours, docs/speed.md", 2.7, "scaling",
              r"^step time grows as p\^(\S+),", 0.3, "a slope through three sizes"),
        Claim("peak memory grows with p to the power of", "ours, docs/speed.md", 0.5, "scaling",
              r"^step time grows as p\^\S+, memory as p\^(\S+)$", 0.15, "a slope through three sizes"),
        Claim("a step grows with d_mlp to the power of", "ours, docs/speed.md", 0.9, "scaling",
              r"^step time grows as d_mlp\^(\S+),", 0.15, "a slope through three sizes"),
    ],
    "Reliability": [
        Claim("kills after which a run resumed to the same bits", README, 50, "kills", r"^\.?(\d+) kills,"),
        Claim("of them inside a write", README, 25, "kills", r"kills, (\d+) of them", 15,
              "when a kill arrives is chance"),
        Claim("mutated files, each refused by name or read as it was", README, 100_000, "broken_files",
              r"^\.*(\d+) mutated files"),
        Claim("drawn networks whose backward pass is the gradient", README, 5_000, "drawn_networks",
              r"^\.*(\d+) networks in"),
        Claim("their relative difference from central differences, at most", "ours, docs/reliability.md", 1e-5,
              "drawn_networks", r"worst relative error (\S+)$", at_most(1e-5), BELOW),
        Claim("changes of a line, of 600, that the tests notice", README, 557, "mutants",
              r"^(\d+) of 600 changes noticed", 15, "mutmut's next version may make others, and tests are added"),
        Claim("wrong calls, each refused by the name of the argument", "ours, docs/reliability.md", 2_951,
              "wrong_calls", r"^\.*(\d+) wrong calls of"),
        Claim("public functions and classes that were called", "ours, docs/reliability.md", 98, "wrong_calls",
              r"wrong calls of (\d+) public"),
    ],
}


# %% Tables of README and docs


lines_of = nth_table(0)


def selection_law(printed):
    """Without collapsed networks and empty key sets, of which there are none; of the spectral counts that of two."""
    head = ["G", "σ", "m", "λ", "nonconvergent", "all pairs right", "{1} or {sgn}", "{2} or {std}", "both", "N_.05 = 2",
            "mean ν_.05"]
    return [head, *([*row[:6], *row[8:11], row[11].split(", ")[2], row[12]] for row in lines_of(printed)[1:])]


def lottery(printed):
    """Without the first three places of all predictions but the best."""
    return [row[:9] + row[12:] for row in lines_of(printed)]


def ring_law(printed, printed_60):
    """Mean differences from learned rings, by how long they were trained."""
    tables = [("20,000 (60 % of the pairs)", nth_table(4)(printed_60)), ("50,000 (40 %)", nth_table(0)(printed)),
              ("500,000 (40 %)", nth_table(2)(printed))]
    head = ["learned until", *tables[0][1][0]]
    return [head, *([label, *row] for label, table in tables for row in table[1:])]


def main_job(printed):
    """The printed table of networks and losses."""
    names = ("learned weights", "second harmonic and constant", "pure cosines", "pure cosines, regular rings",
             "square waves", "best rings, written down")
    return [["the network with", "train loss", "test loss", "train accuracy", "test accuracy"],
            *([name, *(score(name, i)(printed)[0] for i in range(4))] for name in names)]


def transformer(printed):
    """One run beside the paper's mainline."""
    ends = re.findall(r"memorisation (\d+), circuit formation (\d+), cleanup (\d+)", printed)[0]
    half = re.findall(r"excluded loss (\S+), restricted loss (\S+), test loss (\S+)", printed)[0]
    keys, share, neurons = re.findall(r"^key frequencies \[(.*?)\].*? ([\d.]+)% .*?; (\d+) of", printed, re.M)[0]
    return [["", "here, seed 0", "the paper's mainline"],
            ["memorisation, circuit formation, cleanup end at step", ", ".join(f"{int(step):,}" for step in ends)
             + " (by rule)", "1,400, 9,400, 14,000 (by eye)"],
            ["half way (logarithm): excluded, restricted, test loss", ", ".join(half), "in this order"],
            ["key frequencies", keys, "14, 35, 41, 42, 52"],
            ["variance of the logits, about each pair's mean, along cos(w_k (a + b - c))", f"{share} %",
             "about 95 % (centring not said)"],
            ["neurons of which one frequency explains over 85 %", f"{neurons} of 512", "433 of 512"]]


def clock_and_pizza(ours, theirs):
    """Our networks, the published and the exact ones."""
    found = {one[0]: one[1:] for printed in (ours, theirs) for one in lines_of(printed)[1:]}
    names = {"rate 0.00": "attention rate 0, ours", "Model A": "Model A (rate 0), published weights",
             "rate 1.00": "attention rate 1, ours", "Model B": "Model B (rate 1), published weights",
             "alpha": "alpha (no attention, one embedding), ours",
             "beta": "beta (two hidden layers), published weights",
             "delta": "delta (embeddings side by side), ours", "x": "x (two embeddings), ours",
             "exact pizza": "exact pizza", "exact clock": "exact clock"}
    rows = [["", "accuracy", "gradient symmetricity: all triples, the paper's 100", "distance irrelevance",
             "circularity", "verdict"]]
    for name, title in names.items():
        accuracy, every, paper, irrelevance, _, circularity, verdict = found[name]
        rows.append([title, f"{float(accuracy):g}", f"{float(every):.4f}, {float(paper):.4f}",
                     f"{float(irrelevance):.3f}" if irrelevance != "nan" else "the correct logit is constant",
                     f"{float(circularity):.3f}", verdict])
    return rows


def parity_classes(printed):
    """Shares of the classes of sparse parity by weight decay, ours and the article's."""
    share = r" +(\d\S+%)"
    rows = re.findall(rf"^(clipped|published) +decay (\S+){4 * share}$", printed, re.M)
    names = {"clipped": "ours", "published": "the article"}
    return [["", "weight decay", "learns nothing", "memorises only", "groks", "generalises together"],
            *([names[who], *cells] for who, *cells in rows)]


def step_time(names, contests=None):
    """A table builder: our time and share of the limit, the others' ratios, in the first so many contests."""
    def build(printed):
        rows = [["step", "grok_np", "of the limit", *names]]
        for contest, times in list(races(printed).items())[:contests]:
            limit = f"{times['limit'][1]:.0f} %" if "limit" in times else ""
            others = [times.get(name) or times.get(f"{name} of vmap") for name in names]
            rows.append([contest, f"{times['grok_np'][0]:.3g} ms", limit,
                         *(f"{one[1]:.1f} x" if one else "" for one in others)])
        return rows

    return build


def end_to_end_table(*printed):
    """Seconds and ratios until 99 % of the held-out pairs are right."""
    names = ("grok_np", "JAX jit", "JAX jit, float64", "PyTorch eager")
    rows = [["", *names]]
    for race, found in end_to_end("\n".join(printed)).items():
        rows.append([race, *(f"{found[name][1]} s, {found[name][2]} x, {found[name][0]}" if name in found else ""
                             for name in names)])
    return rows


def reliability(kills, broken, drawn, mutants):
    """What was tried, as counted by the tests."""
    files, networks = (int(re.search(rf"(\d+) {what}", printed)[1])
                       for what, printed in (("mutated files in", broken), ("networks in", drawn)))
    noticed, changes = re.search(r"(\d+) of (\d+) changes noticed", mutants).groups()
    return [["promise", "tried with"],
            ["Killed at any moment, a run resumes to the same bits.",
             re.search(r"\d+ kills, \d+ of them inside a write", kills)[0]],
            ["Broken or hostile files give an error that names them, never code execution.",
             f"{files:,} mutated files"],
            ["Every backward pass is the gradient of its forward pass.", f"{networks:,} drawn networks"],
            ["The tests notice a wrong line.", f"{changes} changed lines, drawn at random: {noticed} noticed"]]


FRAMEWORKS = ("JAX jit", "PyTorch eager", "torch.compile", "JAX jit, two stages", "PyTorch eager, two stages",
              "JAX jit, float64")
TABLES = {
    "main_job": Table(("mlp_grokking",), main_job),
    "mlp_seeds": Table(("mlp_seeds",), lines_of),
    "rings_of_six": Table(("rings_of_six",), lines_of),
    "five_neurons": Table(("five_neurons",), lines_of),
    "transformer": Table(("transformer_grokking",), transformer),
    "transformer_seeds": Table(("transformer_seeds",), lines_of),
    "clock_and_pizza": Table(("clock_pizza_runs", "pizza_weights"), clock_and_pizza),
    "parity_classes": Table(("sparse_parity_sweep",), parity_classes),
    "factorings": Table(("factorings",), lines_of),
    "moment_law": Table(("moment_law",), lines_of),
    "selection_law": Table(("selection_law",), selection_law),
    "certified_margin": Table(("certified_margin",), lines_of),
    "lottery": Table(("lottery",), lottery),
    "frequency_count": Table(("frequency_count",), lines_of),
    "frequency_growth": Table(("frequency_count",), nth_table(1)),
    "one_neuron": Table(("one_neuron",), lines_of),
    "two_neurons": Table(("one_neuron",), nth_table(1)),
    "ring_law": Table(("ring_law", "ring_law_60"), ring_law),
    "law_of_six": Table(("law_of_six",), lines_of),
    "before_grokking": Table(("before_grokking",), lines_of),
    "how_many_frequencies": Table(("how_many_frequencies",), lines_of),
    "step_time": Table(("step_time",), step_time(FRAMEWORKS)),
    "step_time_short": Table(("step_time",), step_time(FRAMEWORKS[:2], 4)),
    "end_to_end": Table(("end_to_end", "end_to_end_transformer"), end_to_end_table),
    "parts_of_a_step": Table(("parts_of_a_step",), lines_of),
    "which_modes": Table(("which_modes",), lines_of),
    "gradient_checkers": Table(("gradient_checkers",), lines_of),
    "reliability": Table(("kills", "broken_files", "drawn_networks", "mutants"), reliability),
}
