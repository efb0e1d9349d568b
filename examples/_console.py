"""What the examples share: folders of quick runs, errors and Ctrl-C in one line, processes, shares, pictures."""

import signal
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import active_children, get_context
from pathlib import Path

from scipy.stats import binomtest
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from grok_np import DivergedError, RunError, figures
from grok_np.learning.machine import cores
from grok_np.learning.sweep import SweepError

NOTEBOOK = "ipykernel" in sys.modules  # sys.argv is the kernel's, and processes cannot find what a cell defines


def parse(parser, name):
    """Options of the command line; --out is runs/NAME by default, or runs/NAME_quick: they never share a folder."""
    with_quick = f"; with --quick runs/{name}_quick" * ("--quick" in parser.format_usage())
    parser.add_argument("--out", type=Path, help=f"folder, by default runs/{name}{with_quick}")
    if NOTEBOOK:
        options, _ = parser.parse_known_args([word for word in sys.argv[1:] if word != "-f" and ".json" not in word])
    else:
        sys.excepthook = one_line
        options = parser.parse_args()
    quick = getattr(options, "quick", False)
    options.out = options.out or Path("runs") / (name + "_quick" * quick)
    return options


def one_line(kind, error, trace):
    """How a script ends that an error or Ctrl-C ends; what nobody expects keeps its trace."""
    if issubclass(kind, KeyboardInterrupt):
        print(f"\n{str(error) or 'stopped: the same command goes on from there'}", file=sys.stderr)
        sys.exit(130)
    if issubclass(kind, RunError | SweepError | DivergedError | OSError):
        print(file=sys.stderr)  # off the line of a progress bar
        sys.exit(f"error: {error}")
    sys.__excepthook__(kind, error, trace)


@contextmanager
def workers():
    """An executor: a process a core, each on one BLAS thread; in a notebook a single thread."""
    with ThreadPoolExecutor(1) if NOTEBOOK else ProcessPoolExecutor(cores(), get_context("spawn"), _alone) as pool:
        try:
            yield pool
        except KeyboardInterrupt:
            time.sleep(1)  # time for every training loop to save; then away with what the pool has handed out since
            threading.excepthook = lambda _: None  # its own thread complains (InvalidStateError) that they were dropped
            for process in active_children():
                process.terminate()
            raise


def _alone():
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the training loop, which saves, or for nobody here
    threadpool_limits(1, user_api="blas")


def learn_each(learn, which, **options):
    """learn(one, **options) for each one of these, in `workers`, with a progress bar."""
    with workers() as pool:
        list(tqdm(pool.map(partial(learn, **options), which), total=len(which), unit="network"))


def wilson(k, n, digits=2):
    """k of n as a share, with its 95 % interval."""
    low, high = binomtest(int(k), int(n)).proportion_ci(method="wilson")
    return f"{k / n:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def show(folder, pictures, page=None):
    """Save figures {name: (figure, what to see in it)} and print the list; in a notebook, show them."""
    print("\nLook at:")
    for name, (figure, phrase) in pictures.items():
        path = figures.save(figure, folder / f"{name}.png")
        print(f"  {path}\n      {phrase}")
        if NOTEBOOK:
            from IPython.display import Image, display
            display(Image(str(path)))
    if page:
        print(f"\nMove through the run in a browser:\n  python -m grok_np.page {page}")


def verdict(history):
    """One sentence: whether the network has grokked, and when, or what it is at."""
    step, right = history["step"], history["test_accuracy"]
    if right[-1] == 1:
        since = step[1 + (right < 1).nonzero()[0][-1]] if (right < 1).any() else step[0]
        return f"It has grokked: all held-out data are right from step {since:,} on."
    return (f"It has not grokked: at step {step[-1]:,}, {history['train_accuracy'][-1]:.1%} of the training data are "
            f"right and {right[-1]:.1%} of the held-out data.")
