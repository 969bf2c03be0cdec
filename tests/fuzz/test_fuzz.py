"""Random damage to the files of every format: no hang, no foreign error, no item lost without a count, and reader and
check agree.

The ordinary suite does some trials with fixed seeds. ``make test-fuzz`` does 2,000 for each format; it draws the number
at which seeds begin and prints it, and ``MMVG_FUZZ_SEED`` repeats an earlier run.
"""

import multiprocessing
import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from fuzz.formats import FORMATS
from fuzz.trials import make_data, run_trials
from guarded import guarded

FEW, MANY, AT_ONCE = 50, 2000, 100
SEED = int(os.environ.get('MMVG_FUZZ_SEED', time.time_ns() % 10**9))


def chunk(form, source, root, seeds):
    """Run some trials in a process of their own; if it has to be ended, find the trial that is to blame."""
    make_data(form, source, root)
    outcome = guarded(run_trials, form, root, seeds, seconds=60 + 0.5 * len(seeds))
    if outcome.error:
        return [outcome.error[3]]
    if not outcome.killed:
        return outcome.value + [f'{event} in seeds {seeds[0]} to {seeds[-1]}' for event in outcome.alarms]
    if len(seeds) == 1:
        return [f'seed {seeds[0]}: {outcome.killed}']
    half = len(seeds) // 2
    return chunk(form, source, root, seeds[:half]) + chunk(form, source, root, seeds[half:])


def run(name, source, folder, first, count, processes=1):
    chunks = [list(range(start, min(start + AT_ONCE, first + count))) for start in range(first, first + count, AT_ONCE)]
    with ThreadPoolExecutor(processes) as pool:
        found = pool.map(lambda seeds: chunk(FORMATS[name], source, folder / str(seeds[0]), seeds), chunks)
        return [problem for problems in found for problem in problems]


@pytest.mark.parametrize('name', FORMATS)
def test_some_damage_is_found_and_said(refshapes_tiny, tmp_path, name):
    problems = run(name, refshapes_tiny, tmp_path, 0, FEW)
    assert problems == [], f'{len(problems)} of {FEW}: {problems[0]}'


@pytest.mark.fuzz
@pytest.mark.parametrize('name', FORMATS)
def test_much_damage_is_found_and_said(refshapes_tiny, tmp_path, name, capsys):
    start = time.perf_counter()
    problems = run(name, refshapes_tiny, tmp_path, SEED, MANY, multiprocessing.cpu_count())
    with capsys.disabled():
        print(f'\n{name}: {MANY} trials, MMVG_FUZZ_SEED={SEED}, {time.perf_counter() - start:.0f} s')
    assert problems == [], f'{len(problems)} of {MANY}: {problems[0]}'
