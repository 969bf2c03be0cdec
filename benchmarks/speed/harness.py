"""What the scripts beside this one share: time pieces of work here, in another checkout, and in authors' code.

Times are processor time of one thread, the fastest of some rounds; everything that is compared runs in one call of a
script, in turns, so that a machine that slows down slows all sides down.
"""

import argparse
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from time import process_time
from typing import Any

Pieces = Mapping[str, Callable[[], Any]]


def main(about: str, ours: Callable[[], Pieces], official: Callable[[Path], Pieces] | None = None) -> None:
    """Run a script: print a row per piece of work.

    Args:
        about: Docstring of the script.
        ours: Makes what is timed, by the name of the work; a piece prepares nothing and returns what it found.
        official: Makes the same pieces, as far as there are such, of the checkout at a path.
    """
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--rounds', type=int, default=9, help='the fastest one counts')
    parser.add_argument('--only', help='pieces whose names contain this')
    parser.add_argument('--before', type=Path, help='another checkout of mmvg, to be timed in turns with this one')
    parser.add_argument('--turns', type=int, default=3, help='processes of each checkout with --before')
    parser.add_argument('--json', action='store_true', help='print seconds as JSON; what --before calls')
    if official is not None:
        parser.add_argument('--official', type=Path, help="checkout of the authors' code")
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    if args.before is not None:
        seconds = in_turns(args)
    else:
        sides = dict(here=ours())
        if vars(args).get('official') is not None:
            sides['official'] = official(args.official.resolve())
        seconds = {
            name: {side: fastest(pieces[name], args.rounds) for side, pieces in sides.items() if name in pieces}
            for name in sides['here']
            if args.only is None or args.only in name
        }
    print(json.dumps(seconds) if args.json else table(seconds))


def fastest(piece: Callable[[], Any], rounds: int) -> float:
    """Return the least processor time of a call in seconds, after a first one that fills caches.

    Long pieces are called less often than ``rounds``, until they have taken ten seconds.
    """
    single_thread()
    piece()
    took: list[float] = []
    while len(took) < rounds and sum(took) < 10:
        start = process_time()
        piece()
        took.append(process_time() - start)
    return min(took)


def single_thread() -> None:
    """Keep libraries that are loaded already to one thread."""
    if 'torch' in sys.modules:
        sys.modules['torch'].set_num_threads(1)
    if 'cv2' in sys.modules:
        sys.modules['cv2'].setNumThreads(1)


def in_turns(args: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Let the script time its pieces in this checkout and in ``args.before``, in processes of their own, in turns."""
    command = [sys.executable, str(Path(sys.argv[0]).resolve()), '--json', '--rounds', str(args.rounds)]
    command += ['--only', args.only] if args.only else []
    checkouts = dict(here=Path(__file__).parents[2], before=args.before.resolve())
    seconds: dict[str, dict[str, float]] = {}
    for _ in range(args.turns):
        for side, folder in checkouts.items():
            environment = dict(os.environ, PYTHONPATH=str(folder), OMP_NUM_THREADS='1')
            done = subprocess.run(command, env=environment, cwd=folder, stdout=subprocess.PIPE, text=True, check=True)
            for name, found in json.loads(done.stdout.splitlines()[-1]).items():
                best = seconds.setdefault(name, {})
                best[side] = min(best.get(side, float('inf')), found['here'])
    return seconds


def table(seconds: dict[str, dict[str, float]]) -> str:
    """Write milliseconds per side and how many times the others take as long as this checkout."""
    lines = []
    for name, sides in seconds.items():
        here = sides['here']
        others = [f'{side} {1e3 * took:.3f} ms ({took / here:.2f} x)' for side, took in sides.items() if side != 'here']
        lines.append(f'{name:44} {1e3 * here:10.3f} ms   {"   ".join(others)}'.rstrip())
    return '\n'.join(lines)
