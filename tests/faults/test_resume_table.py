"""Every system, interrupted and resumed, ends with the bits of a run that was not: the table of docs/running.md."""

import re

import pytest
import torch
from forks import fork_ranks
from small_runs import ROOT, config, difference, state, train

pytestmark = pytest.mark.faults
SYSTEMS = sorted(path.parent.name for path in ROOT.glob('configs/*/tiny.py'))
#: Name of a row -> settings of the run, processes, and the iterations behind which it is interrupted: in a pass over
#: the data, and between the end of a pass and that of the validation that is due there.
RUNS = {
    'no worker': ({}, 1, (3, 4)),
    '2 workers, by epochs': (dict(workers=2, persistent=True, by_epoch=True), 1, (3, 4)),
    '2 processes': ({}, 2, (3, 4)),
}
PAGE = ROOT / 'docs/running.md'


def run(cfg, processes, log, resume=None):
    """Train in so many processes."""
    if processes == 1:
        train(cfg, resume)
        return

    def work():
        cfg.launcher = 'pytorch'
        train(cfg, resume)

    forks = fork_ranks(work, processes, log)
    assert [fork.end(timeout=120) for fork in forks] == [0] * processes, forks[0].text()


def compare(system, name, data, folder):
    """Where the resumed runs of a row differ from the one that was not interrupted; None where they do not."""
    settings, processes, places = RUNS[name]
    iterations = 8 if settings.get('by_epoch') else 5
    settings = dict(settings, iterations=iterations)
    run(config(system, data, folder / 'whole', **settings), processes, folder / 'log')
    found = []
    for place in places:
        resumed = folder / f'from_{place}'
        run(
            config(system, data, resumed, **settings), processes, folder / f'log_{place}',
            resume=folder / f'whole/iter_{place}.pth',
        )  # fmt: skip
        last = f'iter_{iterations}.pth'
        found.append(difference(state(folder / 'whole' / last), state(resumed / last)))
    return found


@pytest.mark.parametrize('system', SYSTEMS)
def test_a_system_ends_with_the_same_bits(system, refshapes_tiny, tmp_path):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        found = {name: compare(system, name, refshapes_tiny, tmp_path / name.replace(' ', '_')) for name in RUNS}
    finally:
        torch.set_num_threads(threads)
    assert found == {name: [None, None] for name in RUNS}
    row = re.search(rf'^\| {system} \|(.*)\|$', PAGE.read_text(), re.MULTILINE)
    assert row, f'{system} is missing in {PAGE.name}'
    assert [cell.strip() for cell in row[1].split('|')] == ['equal'] * 2 * len(RUNS)
