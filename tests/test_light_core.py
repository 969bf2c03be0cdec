"""Reading data, checking it and scoring without PyTorch, MMEngine, OpenMMLab and OpenCV."""

import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, packages_distributions, requires, version
from pathlib import Path

import pytest

from mmvg.apis.command_line import EXTRAS
from mmvg.foundation import stand_ins

ROOT = Path(__file__).parents[1]
SECTION = (ROOT / 'docs/architecture.md').read_text().split('## Without PyTorch\n', 1)[1].split('\n## ', 1)[0]
ROWS = [re.findall(r'`([\w.]+)`', line) for line in SECTION.splitlines() if line.startswith('| `mmvg')]
HEAVY = (*EXTRAS['train'], 'cv2')

BLOCKED = f"""
import sys


class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in {HEAVY}:
            raise ModuleNotFoundError(f'No module named {{name!r}}', name=name)


sys.meta_path.insert(0, Blocker())
"""


def python(code, *arguments, blocked=True):
    """Run ``code`` in a fresh interpreter and return what ended."""
    command = [sys.executable, '-c', (BLOCKED if blocked else '') + code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


def output(code, *arguments, blocked=True):
    done = python(code, *arguments, blocked=blocked)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_all_listed_modules_are_imported_where_pytorch_cannot_be():
    assert len(ROWS) == 2
    assert output('\n'.join(f'import {name}' for row in ROWS for name in row)) == ''


def test_the_modules_of_the_first_row_leave_pytorch_alone_where_it_is_installed():
    code = f'import sys, {", ".join(ROWS[0])}; print(*[name for name in {HEAVY} if name in sys.modules])'
    assert output(code, blocked=False).split() == []


def test_nothing_is_imported_that_an_installation_without_an_extra_lacks():
    lines = (ROOT / 'requirements/core.txt').read_text().splitlines()
    core = {canonical(re.split(r'[<>=]', line)[0]) for line in lines if line and not line.startswith('#')}
    there = {'mmvg', *with_what_they_need(core)}
    owners = packages_distributions()
    others = [name for name, found in owners.items() if not there & set(map(canonical, found))]
    assert {'torch', 'mmengine', 'yaml', 'cv2'} <= set(others)
    blocker = BLOCKED.replace(f'in {HEAVY}', f'in {others}')
    assert blocker != BLOCKED
    code = blocker + '\n'.join(f'import {name}' for row in ROWS for name in row)
    assert output(code, blocked=False) == ''


def canonical(name):
    return name.lower().replace('_', '-')


def with_what_they_need(names):
    """Distributions, and all that they require without an extra."""
    found, waiting = set(), list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            needed = [line for line in requires(name) or [] if 'extra ==' not in line]
            waiting += [canonical(re.match(r'[\w.-]+', line)[0]) for line in needed if is_installed(line)]
    return found


def is_installed(line):
    try:
        return bool(version(re.match(r'[\w.-]+', line)[0]))
    except PackageNotFoundError:  # of another system or Python
        return False


def test_formulas_are_imported_in_less_than_a_second_of_processor_time():
    code = 'import time, mmvg.evaluation.functional; print(time.process_time())'
    assert float(output(code, blocked=False)) < 1


@pytest.mark.parametrize(
    ('dataset', 'length'), [("RefCOCODataset('refcoco', 'val'", 62), ("GRefCOCODataset('val'", None)]
)
def test_data_is_read_the_same_with_and_without_mmengine(dataset, length, refshapes_tiny):
    code = f"""
import sys
from mmvg.datasets import GRefCOCODataset, RefCOCODataset
dataset = {dataset}, data_root=sys.argv[1])
print([dataset[index] for index in range(len(dataset))])
"""
    light, full = (output(code, refshapes_tiny, blocked=blocked) for blocked in (True, False))
    assert light.splitlines()[-1] == full.splitlines()[-1]
    assert light.count("'sent_id'") > 10


def test_metrics_give_the_same_digits_with_and_without_mmengine():
    code = """
from mmvg.registry import METRICS
metric = METRICS.build(dict(type='mmvg.RECMetric', thresholds=[0.5]))
ids = dict(dataset='a', img_id=1, ref_id=1, gt_frame='original', no_target=False)
for number, box in enumerate([[0, 0, 4, 4], [0, 0, 4, 1], [9, 9, 10, 10]]):
    answer = dict(bboxes=[box], scores=[1.0])
    metric.process({}, [dict(ids, sent_id=number, gt_instances=dict(bboxes=[[0, 0, 4, 4]]), pred_instances=answer)])
print(metric.evaluate(3))
"""
    light, full = (output(code, blocked=blocked).splitlines()[-1] for blocked in (True, False))
    assert light == full == "{'rec/P@0.5': 33.333333333333336, 'rec/num_samples': 3}"


def test_data_is_checked_without_pytorch(refshapes_tiny):
    code = """
import sys
from mmvg.data_check import check_folder
result = check_folder(sys.argv[1], decode=False)
print(len(result.counts), len(result.report.errors))
"""
    counts, errors = map(int, output(code, refshapes_tiny).split())
    assert counts > 10
    assert errors == 0


def test_the_command_checks_data_without_pytorch(refshapes_tiny):
    code = "import sys; from mmvg.cli import main; main(['data', 'check', sys.argv[1], '--headers-only'])"
    done = python(code, refshapes_tiny)
    assert '0 errors' in done.stdout, done.stderr


def test_what_only_pytorch_can_read_is_named_and_left_out(refshapes_tiny):
    code = """
import sys
from mmvg.data_check import check_folder
result = check_folder(sys.argv[1], decode=False, only=['train', 'test'])
print([finding.problem for finding in result.report.findings])
"""
    assert 'labels are tensors of PyTorch' in output(code, refshapes_tiny / 'grasp_anything')


def test_answers_are_scored_without_pytorch(refshapes_tiny, tmp_path):
    code = """
import json, sys
from mmvg.cli import main
from mmvg.scoring import open_truth
with open(sys.argv[2], 'w') as file:
    for sample in open_truth('grefcoco:val', sys.argv[1]):
        answer = dict(sample.ids, boxes=sample.boxes.tolist(), masks=sample.masks)
        file.write(json.dumps(answer) + chr(10))
for protocol in ('grec', 'gres'):
    data = ['--data', 'grefcoco:val', '--data-root', sys.argv[1], '--answers', sys.argv[2]]
    main(['score', *data, '--protocol', protocol, '--unit', 'pixel', '--rule', 'all'])
"""
    light = output(code, refshapes_tiny, tmp_path / 'light.jsonl')
    assert 'grec/F1: 100.0000' in light
    assert 'gres/gIoU: 100.0000' in light


def test_two_models_are_compared_without_pytorch(tmp_path):
    code = """
import sys
from mmvg.cli import main
from mmvg.scoring import SampleRow, write_per_sample
for name, share in (('a', 2), ('b', 4)):
    rows = [
        SampleRow(dict(dataset='x', img_id=n, ref_id=n, sent_id=n), 'the mug', parts={'rec/P@0.5': (n % share > 0, 1)})
        for n in range(80)
    ]
    write_per_sample(sys.argv[1] + name + '.jsonl', dict(protocol=dict(name='rec')), rows)
main(['compare', sys.argv[1] + 'a.jsonl', sys.argv[1] + 'b.jsonl', '--out-dir', sys.argv[1], '--resamples', '500'])
"""
    assert 'b is better than a in rec/P@0.5: +25.00' in output(code, f'{tmp_path}/')
    assert (tmp_path / 'index.html').is_file()


def test_scoring_leaves_pytorch_alone_where_it_is_installed(refshapes_tiny, tmp_path):
    answers = tmp_path / 'answers.jsonl'
    answers.write_text('{"sent_id": 1, "boxes": []}')
    code = f"""
import sys
from mmvg.cli import main
try:
    main(sys.argv[1:])
finally:
    print(*[name for name in {HEAVY} if name in sys.modules])
"""
    words = ['--data', 'refcoco:val', '--data-root', refshapes_tiny, '--answers', answers, '--protocol', 'rec']
    options = ['--unit', 'pixel', '--rule', 'first', '--allow', 'missing', '--allow', 'unknown']
    printed = output(code, 'score', *words, *options, blocked=False).splitlines()
    assert printed[-1] == ''
    assert 'rec/P@0.5: 0.0000' in printed


def test_a_command_that_needs_more_says_which_extra_brings_it():
    code = "import sys; sys.argv = ['mmvg', 'train', 'instancevg/refshapes']; from mmvg.cli import main; main()"
    done = python(code)
    assert done.returncode == 2
    assert "pip install 'mmvg[train]'" in done.stderr
    assert 'Traceback' not in done.stderr


def test_a_stand_in_data_set_takes_no_transforms():
    with pytest.raises(ImportError, match=r'mmvg\[train\]'):
        stand_ins.BaseDataset(pipeline=[dict(type='Resize')])


def test_an_unknown_name_lists_those_that_work_without_mmengine():
    registry = stand_ins.Registry('metric', scope='mmvg')
    registry.register_module()(str)
    with pytest.raises(KeyError, match='RECMetrics is no metric that works without MMEngine; known are str'):
        registry.build(dict(type='RECMetrics'))
