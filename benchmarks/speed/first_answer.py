"""Measure the CPU time of a process until the inferencer has given its first answer.

    python benchmarks/speed/first_answer.py --before ../mmvg-before

The model is the small InstanceVG that comes with mmvg. Each turn is a process of its own; the fastest of all counts.
With ``--before``, a folder of mmvg as it was, both sides take turns.
"""

import argparse
import os
import resource
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIRST_ANSWER = """
import numpy as np
from mmvg.apis import GroundingInferencer
find = GroundingInferencer('instancevg_refshapes', show_progress=False)
find(np.zeros((64, 64, 3), np.uint8), 'the red ring')
"""
FORMS = {
    'first answer': ['-c', FIRST_ANSWER],
    'import torch': ['-c', 'import torch'],
    'mmvg --help': ['-m', 'mmvg', '--help'],
    'mmvg models': ['-m', 'mmvg', 'models'],
}


def seconds_of(arguments: list[str], checkout: Path) -> float:
    """Return the CPU seconds, user and system, of one Python process."""
    environment = os.environ | dict(PYTHONPATH=str(checkout), OMP_NUM_THREADS='1')
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], cwd=checkout, env=environment, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--before', type=Path, help='folder of another checkout of mmvg')
    parser.add_argument('--repeats', type=int, default=3)
    args = parser.parse_args()
    sides = dict(now=ROOT) | (dict(before=args.before.resolve()) if args.before else {})
    for form, arguments in FORMS.items():
        taken = {side: [] for side in sides}
        for _ in range(args.repeats):
            for side, checkout in sides.items():
                taken[side].append(seconds_of(arguments, checkout))
        print(f'{form}: ' + ', '.join(f'{side} {min(seconds):.2f} s' for side, seconds in taken.items()), flush=True)


if __name__ == '__main__':
    main()
