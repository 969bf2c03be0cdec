"""The command-line tools, run for real on a small RefShapes; most inside this process, for imports take long."""

import json
import os
import runpy
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pycocotools import mask as mask_api

ROOT = Path(__file__).parents[2]
CONFIG = str(ROOT / 'configs/instancevg/refshapes.py')
SMALL = [
    'train_cfg.max_iters=2',
    'train_cfg.val_interval=2',
    'default_hooks.checkpoint.interval=2',
    'default_hooks.logger.interval=1',
    'model.backbone.num_layers=1',
    'model.neck.query_decoder.num_layers=1',
    *(
        f'{split}_dataloader.{setting}'
        for split in ('train', 'val', 'test')
        for setting in ('batch_size=2', 'num_workers=0', 'persistent_workers=False', 'dataset.indices=5')
    ),
]


def run_tool(monkeypatch, name, *arguments):
    """Run a tool as ``python tools/<name>`` would; returns its exit code."""
    monkeypatch.setattr(sys, 'argv', [name, *map(str, arguments)])
    try:
        runpy.run_path(str(ROOT / 'tools' / name), run_name='__main__')
    except SystemExit as end:
        return end.code
    return 0


@pytest.fixture(scope='module')
def place(tmp_path_factory, refshapes_tiny):
    """A working folder with data/refshapes in it."""
    folder = tmp_path_factory.mktemp('place')
    (folder / 'data').mkdir()
    (folder / 'data/refshapes').symlink_to(refshapes_tiny)
    (folder / 'broken.py').write_text('model = dict(\n')
    (folder / 'parent.py').write_text('default_scope = "mmvg"\n')
    (folder / 'child.py').write_text(
        'from mmengine.config import read_base\nwith read_base():\n    from .parent import default_scop\n'
    )
    return folder


@pytest.fixture
def trained(place, monkeypatch):
    """The place with a run of two iterations in it, which is made once."""
    monkeypatch.chdir(place)
    if not (place / 'run/iter_2.pth').is_file():
        assert run_tool(monkeypatch, 'train.py', CONFIG, '--work-dir', 'run', '--cfg-options', *SMALL) == 0
    return place / 'run'


def only(files):
    (file,) = files
    return file


def test_training_leaves_checkpoints_a_config_a_readable_log_and_pictures(trained):
    assert (trained / 'iter_2.pth').is_file()
    assert (trained / 'show/predictions.png').is_file()
    log = only(trained.glob('2*/*.log')).read_text()
    assert 'Iter(train) [1/2]' in log
    assert 'eta: ' in log
    assert 'Iter(val) [1/3]' in log
    assert 'gres/gIoU' in log
    assert 'parameters with learning rate' in log
    assert 'paramwise_options' not in log
    dumped = (trained / 'refshapes.py').read_text()
    assert 'iterations' not in dumped
    assert 'max_iters=2' in dumped


@pytest.mark.slow
def test_the_dumped_config_trains_again_from_the_checkpoint(trained, tmp_path, monkeypatch):
    options = ['--cfg-options', 'train_cfg.max_iters=3']
    assert run_tool(monkeypatch, 'train.py', trained / 'refshapes.py', '--work-dir', tmp_path, '--resume',
                    trained / 'iter_2.pth', *options) == 0  # fmt: skip
    log = only(tmp_path.glob('2*/*.log')).read_text()
    assert 'Iter(train) [3/3]' in log
    assert 'Iter(train) [2/3]' not in log


def test_to_resume_where_nothing_is_says_that_it_starts_from_scratch(trained, tmp_path, monkeypatch):
    assert run_tool(monkeypatch, 'train.py', CONFIG, '--work-dir', tmp_path, '--resume', '--cfg-options', *SMALL) == 0
    log = only(tmp_path.glob('2*/*.log')).read_text()
    assert f'WARNING - {tmp_path}: no checkpoint there to resume from; training starts from scratch' in log
    assert 'Auto resumed' not in log


def test_a_run_whose_folder_was_renamed_is_resumed(trained, tmp_path, monkeypatch):
    shutil.copytree(trained, tmp_path / 'renamed', ignore=shutil.ignore_patterns('2*'))
    (tmp_path / 'renamed/last_checkpoint').write_text('/before/iter_2.pth')
    assert run_tool(monkeypatch, 'train.py', CONFIG, '--work-dir', tmp_path / 'renamed', '--resume', '--cfg-options',
                    *SMALL, 'train_cfg.max_iters=3') == 0  # fmt: skip
    log = only((tmp_path / 'renamed').glob('2*/*.log')).read_text()
    assert f'Loaded the weights of {tmp_path}/renamed/iter_2.pth' in log
    assert 'Iter(train) [3/3]' in log


def test_an_evaluation_writes_every_prediction_and_pictures_where_it_is_told(trained, tmp_path, monkeypatch):
    out, show = tmp_path / 'answers.json', tmp_path / 'pictures'
    assert run_tool(monkeypatch, 'test.py', trained / 'refshapes.py', trained / 'iter_2.pth', '--out', out,
                    '--show-dir', show, '--work-dir', tmp_path / 'run') == 0  # fmt: skip
    assert (show / 'predictions.png').is_file()
    assert len(list((show / 'test').glob('*.png'))) == 5
    assert not (tmp_path / 'run/show').exists()
    answers = json.loads(out.read_text())
    assert 'gres/gIoU' in answers['metrics']
    assert len(answers['predictions']) == 5
    for record in answers['predictions']:
        assert record['dataset'] == 'grefcoco'
        assert record['expression']
        made = record['candidates']
        assert len(made['boxes']) == len(made['scores']) == len(made['masks']) == 10
        height, width = record['size']
        assert mask_api.decode(made['masks'][0]).shape == (height, width)
        assert 0 <= made['scores'][0] <= 1
        x1, y1, x2, y2 = made['boxes'][0]
        assert 0 <= x1 <= x2 <= width
        assert 0 <= y1 <= y2 <= height
        assert record['target_score'] == max(made['scores'])


@pytest.fixture
def answered(trained, place, monkeypatch):
    """Config, file of predictions, and the scores that the test printed; low thresholds, so that there are answers."""
    config, out = trained / 'refshapes.py', place / 'preds.json'
    options = ['model.head.postprocess.score_thr=0.05', *(f'test_evaluator.{i}.score_thr=0.05' for i in (0, 1))]
    if not out.is_file():
        arguments = [config, trained / 'iter_2.pth', '--out', out, '--work-dir', place / 'answered', '--cfg-options']
        assert run_tool(monkeypatch, 'test.py', *arguments, *options) == 0
    return config, options, out, json.loads(out.read_text())['metrics']


def test_predictions_are_scored_again_to_the_same_digits(answered, tmp_path, monkeypatch):
    config, options, out, metrics = answered
    scores = tmp_path / 'scores.json'
    assert run_tool(monkeypatch, 'analysis_tools/eval_metric.py', config, out, '--out', scores,
                    '--cfg-options', *options) == 0  # fmt: skip
    assert metrics['gres/T-acc'] > 0
    assert repr(json.loads(scores.read_text())) == repr(
        {name: metrics[name] for name in json.loads(scores.read_text())}
    )
    assert set(metrics) <= set(json.loads(scores.read_text())) | {'data_time', 'time'}


def test_best_and_worst_answers_are_shown(answered, tmp_path, monkeypatch):
    config, _, out, _ = answered
    assert run_tool(monkeypatch, 'analysis_tools/analyze_results.py', config, out, '--out-dir', tmp_path / 'sheets',
                    '--num', 2, '--score-thr', 0.05) == 0  # fmt: skip
    rows = (tmp_path / 'sheets/answers.csv').read_text().splitlines()
    assert len(rows) == 6
    values = [float(row.split(',')[0]) for row in rows[1:]]
    assert values == sorted(values)
    assert all((tmp_path / 'sheets' / name).stat().st_size > 5000 for name in ('worst.png', 'best.png'))


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda content: content['predictions'].pop(), 'no answer to'),
        (lambda content: content['predictions'].append({**content['predictions'][0], 'ref_id': -5}), '1 of 6 answers'),
        (
            lambda content: content['predictions'].append({**content['predictions'][0], 'target_score': 9}),
            'a second time',
        ),
        (lambda content: content['predictions'][0].pop('sent_id'), 'predictions[0] lacks one of'),
        (lambda content: content['predictions'][0].update(frame='input'), 'with --cfg-options frame=input'),
        (
            lambda content: content['predictions'][0]['candidates'].update(global_mask=dict(size=[3, 4], counts=[12])),
            'a mask of [3, 4]',
        ),
        (lambda content: content['predictions'][0]['candidates'].update(boxes=[None]), 'the answer is malformed'),
        (lambda content: content['predictions'][0].update(version=1), 'version 2 can be read'),
        (lambda content: content.pop('predictions'), 'no list "predictions"'),
    ],
)
def test_predictions_that_do_not_fit_the_data(answered, tmp_path, monkeypatch, capsys, change, message):
    config, _, out, _ = answered
    content = json.loads(out.read_text())
    change(content)
    (tmp_path / 'changed.json').write_text(json.dumps(content))
    assert run_tool(monkeypatch, 'analysis_tools/eval_metric.py', config, tmp_path / 'changed.json') == 2
    assert message in capsys.readouterr().err


@pytest.mark.slow
def test_two_processes_on_the_cpu_answer_as_one(trained, tmp_path, monkeypatch):
    out = tmp_path / 'one.json'
    config, checkpoint = trained / 'refshapes.py', trained / 'iter_2.pth'
    assert run_tool(monkeypatch, 'test.py', config, checkpoint, '--out', out, '--work-dir', tmp_path / 'one') == 0
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    environment = dict(os.environ, PYTHON=sys.executable, PORT=str(port), OMP_NUM_THREADS='1', CUDA_VISIBLE_DEVICES='')
    done = subprocess.run(
        ['bash', ROOT / 'tools/dist_test.sh', config, checkpoint, '2', '--out', tmp_path / 'two.json', '--work-dir',
         tmp_path / 'two'], env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    one, two = (json.loads(file.read_text()) for file in (out, tmp_path / 'two.json'))
    assert len(two['predictions']) == 5
    for left, right in zip(one['predictions'], two['predictions'], strict=True):
        assert left['sent_id'] == right['sent_id']
        assert left['candidates']['scores'] == pytest.approx(right['candidates']['scores'], abs=1e-5)
    assert one['metrics'] == pytest.approx(two['metrics'])


@pytest.mark.parametrize(
    ('tool', 'arguments', 'words'),
    [
        ('train.py', ['nowhere.py'], ['nowhere.py', 'no such config']),
        ('train.py', ['broken.py'], ['broken.py', 'SyntaxError', 'line 1']),
        ('train.py', ['child.py'], ['child.py', "read_base imports 'default_scop'"]),
        ('test.py', ['run/iter_2.pth', CONFIG], ['run/iter_2.pth', 'the config comes first']),
        (
            'train.py',
            [CONFIG, '--work-dir', 'few', '--cfg-options', *SMALL, 'train_dataloader.batch_size=8'],
            ['5 samples are fewer than the batch_size of 8', 'train_dataloader.batch_size lower'],
        ),
        ('train.py', [CONFIG, '--resume', 'nowhere.pth'], ['nowhere.pth', 'no such file']),
        ('train.py', [CONFIG, '--cfg-options', 'model.head.postproces=1'], ['model.head.postproces', "'postprocess'"]),
        ('train.py', [CONFIG, '--cfg-options', 'optim_wraper.x=1', 'model.backbone.drop_path_rat=0'],
         ['2 problems', "'optim_wrapper'", "'drop_path_rate'"]),
        ('train.py', [CONFIG, '--cfg-options', 'val_evaluator.9.x=1'], ['--cfg-options', '9']),
        ('train.py', [CONFIG, '--cfg-options', 'train_dataloader.dataset.data_root=empty'],
         ['grefs(unc).json', 'make demo']),
        ('test.py', [CONFIG, 'nowhere.pth'], ['nowhere.pth', 'no such checkpoint']),
        ('test.py', [CONFIG, 'cut_off.pth'], ['cut_off.pth', 'cut off']),
        ('test.py', [CONFIG, 'run/iter_2.pth'], ['run/iter_2.pth', 'does not fit Grounder', 'missing']),
        ('test.py', [CONFIG, 'run/iter_2.pth', '--out', 'x.pkl'], ['x.pkl', '.json']),
    ],
)  # fmt: skip
def test_a_mistake_ends_with_its_message_and_exit_code_2(tool, arguments, words, trained, monkeypatch, capsys):
    monkeypatch.delenv('MMVG_DEBUG', raising=False)
    (trained.parent / 'cut_off.pth').write_bytes((trained / 'iter_2.pth').read_bytes()[:2000])
    workers = [f'{split}_dataloader.{option}' for split in ('train', 'test') for option in
               ('num_workers=0', 'persistent_workers=False')]  # fmt: skip
    arguments = [*arguments, *([] if '--cfg-options' in arguments else ['--cfg-options', *workers])]
    assert run_tool(monkeypatch, tool, *arguments, '--work-dir', 'mistakes') == 2
    message = capsys.readouterr().err
    assert all(word in message for word in words), message
    assert 'Traceback' not in message


def test_a_picture_that_cannot_be_read_is_named_even_from_a_worker(trained, tmp_path, monkeypatch, capsys):
    monkeypatch.delenv('MMVG_DEBUG', raising=False)
    data = tmp_path / 'data/refshapes'
    for name in ('images/train2014', 'grefcoco'):
        shutil.copytree(trained.parent / 'data/refshapes' / name, data / name)
    shutil.copy(trained.parent / 'data/refshapes/vocab.txt', data)
    monkeypatch.chdir(tmp_path)
    for image in (data / 'images/train2014').iterdir():
        image.write_bytes(image.read_bytes()[:30])
    options = ['test_dataloader.num_workers=1', 'experiment_name=unreadable']
    assert run_tool(monkeypatch, 'test.py', trained / 'refshapes.py', trained / 'iter_2.pth', '--work-dir', 'run',
                    '--cfg-options', *options) == 2  # fmt: skip
    message = capsys.readouterr().err
    assert 'train2014' in message
    assert 'Traceback' not in message


def test_the_traceback_is_shown_on_demand(trained, monkeypatch):
    monkeypatch.setenv('MMVG_DEBUG', '1')
    with pytest.raises(FileNotFoundError, match='nowhere'):
        run_tool(monkeypatch, 'test.py', CONFIG, 'nowhere.pth')


@pytest.mark.parametrize('system', ['cris', 'segvlm'])
def test_a_batch_of_one_is_refused_where_batchnorm_needs_more(system, refshapes_tiny, monkeypatch, capsys, tmp_path):
    monkeypatch.delenv('MMVG_DEBUG', raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'data').mkdir()
    (tmp_path / 'data/refshapes_tiny').symlink_to(refshapes_tiny)
    config = str(ROOT / f'configs/{system}/tiny.py')
    options = ('--work-dir', 'run', '--cfg-options', 'train_dataloader.batch_size=1')
    assert run_tool(monkeypatch, 'train.py', config, *options) == 2
    assert 'give each process two or more (train_dataloader.batch_size)' in capsys.readouterr().err


def test_float16_without_a_gpu_is_refused(trained, monkeypatch, capsys):
    import torch

    monkeypatch.delenv('MMVG_DEBUG', raising=False)
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    assert run_tool(monkeypatch, 'train.py', CONFIG, '--amp', 'fp16') == 2
    assert '--amp fp16: float16 needs a CUDA device' in capsys.readouterr().err
    assert run_tool(monkeypatch, 'train.py', CONFIG, '--amp', 'fp8') == 2
    assert "must be 'bf16' or 'fp16', not 'fp8'" in capsys.readouterr().err


@pytest.mark.parametrize('script', ['dist_train.sh', 'dist_test.sh', 'slurm_train.sh', 'slurm_test.sh'])
def test_the_scripts_explain_their_arguments(script):
    done = subprocess.run(['bash', ROOT / 'tools' / script, 'only_one'], capture_output=True, text=True)
    assert done.returncode == 2
    assert 'usage' in done.stderr


@pytest.mark.parametrize(
    ('script', 'arguments', 'expected'),
    [
        ('dist_train.sh', ['c.py', '4', '--amp'], ['--nproc_per_node=4', 'train.py c.py --launcher pytorch --amp']),
        ('dist_test.sh', ['c.py', 'w.pth', '4', '--out', 'o.json'], ['test.py c.py w.pth --launcher pytorch --out']),
        ('slurm_train.sh', ['part', 'job', 'c.py', 'dir', '--amp'],
         ['-p part', '--job-name=job', 'train.py c.py --work-dir dir --launcher slurm --amp']),
        ('slurm_test.sh', ['part', 'job', 'c.py', 'w.pth'],
         ['--ntasks=8', 'test.py c.py w.pth --launcher slurm']),
    ],
)  # fmt: skip
def test_the_scripts_hand_on_their_arguments_in_openmmlabs_order(script, arguments, expected, tmp_path):
    """``srun`` and the interpreter are replaced by ``echo``."""
    (tmp_path / 'srun').symlink_to('/bin/echo')
    environment = dict(os.environ, PYTHON='echo', PATH=f'{tmp_path}:{os.environ["PATH"]}')
    done = subprocess.run(
        ['bash', ROOT / 'tools' / script, *arguments], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0
    printed = done.stdout.replace(f'{ROOT}/tools/', '')
    assert all(words in printed for words in expected), printed


def test_browsing_draws_what_the_pipeline_delivers(trained, tmp_path, monkeypatch, capsys):
    import mmcv

    assert run_tool(monkeypatch, 'analysis_tools/browse_dataset.py', CONFIG, '--num', 3, '--out-dir', tmp_path) == 0
    pictures = sorted(tmp_path.glob('0*.png'))
    assert len(pictures) == 3
    assert pictures[0].name == '000000.png'
    drawn = [mmcv.imread(picture) for picture in pictures]
    assert all(picture.std() > 10 for picture in drawn)
    assert not np.array_equal(drawn[0], drawn[1])
    assert (tmp_path / 'browse.png').is_file()
    assert '3 of ' in capsys.readouterr().out
