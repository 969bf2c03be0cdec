"""What all metrics share, mostly looked at through one of them."""

import os
import pickle
import socket
import subprocess
import sys
import time
from math import isnan
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.logging import MMLogger

import mmvg
from mmvg.evaluation import (
    CoverAcc,
    GRECMetric,
    GRESMetric,
    PhraseCutMetric,
    RECMetric,
    RefZOMMetric,
    RESMetric,
    RRefMetric,
)
from mmvg.evaluation.metrics.grounding_metric import GroundingMetric

METRICS = [RECMetric, RESMetric, GRECMetric, GRESMetric, RefZOMMetric, RRefMetric, PhraseCutMetric, CoverAcc]
GENERALIZED = [GRECMetric, GRESMetric, RefZOMMetric, RRefMetric]  # those that score samples without a target
BOX = [0, 0, 10, 10]


@pytest.fixture
def log(caplog):
    """The text that metrics log, warnings included."""
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    yield caplog
    logger.removeHandler(caplog.handler)


@pytest.mark.parametrize('metric', METRICS)
def test_an_empty_dataset_has_results_that_are_undefined(metric, run, log):
    found = run(dict(type=metric), [])
    assert found.pop(f'{metric.default_prefix}/num_samples') == 0
    found.pop(f'{metric.default_prefix}/N-acc', None)  # 0 by the official rule
    assert found
    assert all(isnan(value) for value in found.values())
    assert 'undefined (NaN)' in log.text


@pytest.mark.parametrize('metric', [metric for metric in METRICS if metric is not CoverAcc])  # which reads points
@pytest.mark.parametrize('number', [float('nan'), float('inf')])
@pytest.mark.parametrize('field', ['scores', 'target_score'])
def test_an_answer_that_is_no_number_is_not_scored_in_silence(metric, number, field, make_sample, run):
    numbers = dict(scores=[number]) if field == 'scores' else dict(scores=[0.9], target_score=number)
    sample = make_sample(1, gt_boxes=[BOX], boxes=[BOX], **numbers)
    with pytest.raises(ValueError, match=r'NaN|finite'):
        run(dict(type=metric), [sample])


MASKS = [RESMetric, GRESMetric, RefZOMMetric, RRefMetric, PhraseCutMetric]


@pytest.mark.parametrize('metric', MASKS)
def test_of_data_with_boxes_only_a_metric_of_masks_says_that_it_does_not_apply(metric, make_sample, run, log):
    prefix = metric.default_prefix
    samples = [make_sample(sent_id=i, boxes_only=True) for i in range(3)]
    assert run(dict(type=metric), samples) == {f'{prefix}/num_samples': 0, f'{prefix}/num_boxes_only': 3}
    assert 'does not apply: none of the 3 expressions has a mask' in log.text


def test_of_mixed_data_those_with_a_mask_are_scored_and_the_others_counted(make_sample, run, log):
    samples = [
        make_sample(sent_id=i, boxes_only=i == 0, gt_mask=((1, 1), (0, 0)), mask=((1, 0), (0, 0))) for i in range(3)
    ]
    found = run(dict(type=RESMetric), samples)
    assert found.pop('res/num_boxes_only') == 1
    assert found == run(dict(type=RESMetric), samples[1:])
    assert '1 of 3 expressions have boxes only' in log.text


@pytest.mark.parametrize('metric', [RECMetric, GRECMetric, CoverAcc])
def test_metrics_of_boxes_do_not_mind(metric):
    assert not metric.needs_masks


@pytest.mark.parametrize('metric', METRICS)
def test_constructor_arguments_are_named_and_unknown_ones_refused(metric):
    with pytest.raises(TypeError, match='tresholds'):
        metric(tresholds=[0.5])


def test_the_protocol_is_logged_with_the_score_and_kept_as_an_attribute(make_sample, run, log):
    samples = [make_sample(0, [BOX], [BOX], [0.9]), make_sample(1, [BOX])]
    run(dict(type='GRECMetric', matching='iou', score_thr=0.8), samples)
    assert 'GRECMetric on 2 samples (resolution=original, matching=iou, score=>= 0.8): F1 50.00' in log.text
    assert GRECMetric().protocol == dict(resolution='original', matching='giou', score='>= 0.7')
    assert GRESMetric().protocol == dict(resolution='original', no_target_from='flag')
    by_score = dict(resolution='resized', no_target_from='score', score='> 0.7')
    assert GRESMetric(resolution='resized', no_target_from='score').protocol == by_score


def test_an_accuracy_of_0_for_want_of_samples_is_explained(make_sample, run, log):
    run(dict(type='GRECMetric'), [make_sample(0, [BOX], [BOX], [0.9])])
    run(dict(type='GRESMetric'), [make_sample(0)])
    assert log.text.count('N-acc is reported as 0') == 2


def test_a_sample_counts_once(make_sample, run, log):
    right, wrong = make_sample(0, [BOX], [BOX], [0.9]), make_sample(1, [BOX])
    found = run(dict(type='GRECMetric'), [right, wrong, right, right], size=2)
    assert (found['grec/F1'], found['grec/num_samples']) == (50, 2)
    assert '2 repeated samples dropped' in log.text
    assert 'different samples' not in log.text


def test_ids_of_another_dataset_are_other_ids(make_sample, run):
    samples = [make_sample(0, [BOX], dataset=name) for name in ('refcoco', 'refcoco+')]
    assert run(dict(type='RECMetric'), samples)['rec/num_samples'] == 2


def test_a_repeated_sample_with_another_answer_is_reported_and_the_first_counts(make_sample, run, log):
    found = run(dict(type='GRECMetric'), [make_sample(0, [BOX], [BOX], [0.9]), make_sample(0, [BOX])], size=1)
    assert found['grec/F1'] == 100
    assert "got another score the second time, such as dataset='grefcoco' img_id=1 ref_id=2 sent_id=0" in log.text


@pytest.mark.parametrize('around', [None, 'ByGroup', 'MeanOverDatasets'])
def test_a_dataset_that_was_not_scored_completely_is_reported(around, make_sample, run, log):
    metric = dict(type='RECMetric')
    run(metric if around is None else dict(type=around, metric=metric), [make_sample(0, [BOX])], size=3)
    assert '1 different samples were scored, but the dataset has 3' in log.text


def test_results_are_cleared_between_evaluations(make_sample):
    metric = RECMetric()
    for _ in range(2):
        metric.process(None, [make_sample(0, [BOX]).to_dict()])
        assert metric.evaluate(1)['rec/num_samples'] == 1


@pytest.mark.parametrize('ids', [dict(sent_id=None), dict(ref_id=torch.tensor(3))])
def test_a_sample_without_proper_ids_is_refused(make_sample, run, ids):
    sample = make_sample(0, [BOX])
    sample.set_metainfo(ids)
    with pytest.raises(ValueError, match='dataset, img_id, ref_id, sent_id, which must be numbers or strings'):
        run(dict(type='RECMetric'), [sample])


@pytest.mark.parametrize('metric', METRICS)
@pytest.mark.parametrize(
    ('resolution', 'gt_frame', 'pred_frame', 'wrong'),
    [
        ('original', 'input', 'original', "gt_frame='input'"),
        ('original', 'original', 'input', "pred_frame='input'"),
        ('resized', 'original', 'original', "gt_frame='original' and pred_frame='original'"),
        ('resized', None, 'input', 'gt_frame=None'),
    ],
)
def test_frames_that_contradict_the_resolution_are_refused(
    make_sample, run, metric, resolution, gt_frame, pred_frame, wrong
):
    sample = make_sample(9, [BOX], gt_frame=gt_frame, pred_frame=pred_frame)
    with pytest.raises(ValueError, match=f'sent_id=9: resolution={resolution!r} needs .* but {wrong}'):
        run(dict(type=metric, resolution=resolution), [sample])


def test_the_resized_protocol_takes_samples_in_input_pixels(make_sample, run):
    sample = make_sample(0, [BOX], [BOX], [0.9], gt_frame='input', pred_frame='input')
    assert run(dict(type='RECMetric', resolution='resized'), [sample])['rec/P@0.9'] == 100


@pytest.mark.parametrize('metric', METRICS)
def test_memory_per_sample_does_not_depend_on_its_size(make_sample, metric):
    sizes = []
    for side in (4, 256):
        mask = np.ones((side, side), int).tolist()
        boxes = dict(boxes=[BOX] * side, scores=[0.9] * side)
        queries = dict(points=[[1, 1]] * side) if metric is CoverAcc else boxes
        instance = metric()
        instance.process(None, [make_sample(0, [BOX], gt_mask=mask, mask=mask, **queries).to_dict()])
        sizes.append(len(pickle.dumps(instance.results)))
    assert max(sizes) < 300
    assert max(sizes) - min(sizes) < 16  # pixel counts of more digits


def random_samples(make_sample, count, seed):
    rng = np.random.default_rng(seed)
    samples = []
    for sent_id in range(count):
        no_target = bool(rng.random() < 0.3)
        gt_boxes = np.sort(rng.integers(0, 4, (0 if no_target else rng.integers(1, 3), 2, 2)), axis=1).reshape(-1, 4)
        boxes = np.concatenate([gt_boxes, [[0, 0, 2, 2]]])
        gt = (rng.random((4, 5)) < 0.5) & (not no_target)
        samples.append(
            make_sample(
                sent_id,
                gt_boxes.tolist(),
                boxes.tolist(),
                rng.choice([0.2, 0.7, 0.9], len(boxes)).tolist(),
                gt_mask=gt.astype(int).tolist(),
                mask=(gt ^ (rng.random((4, 5)) < 0.3)).tolist(),
                pred_no_target=bool(rng.random() < 0.4),
                no_target=no_target,
                ref_id=int(rng.integers(4)),
            )
        )
    return samples


@pytest.mark.parametrize('metric', GENERALIZED)
def test_neither_order_nor_batches_nor_copies_change_a_bit(make_sample, run, metric):
    rng = np.random.default_rng(1)
    for seed in range(20):
        samples = random_samples(make_sample, 13, seed)
        expected = run(dict(type=metric), samples)
        order = [*rng.permutation(13), *rng.integers(0, 13, 4)]
        found = run(dict(type=metric), [samples[i] for i in order], batch_size=int(rng.integers(1, 18)), size=13)
        assert {name: repr(value) for name, value in found.items()} == {n: repr(v) for n, v in expected.items()}


def score(rank, world, samples, expected):
    found = []
    for metric in GENERALIZED:
        for count, padded in ((7, True), (7, False), (2, False)):
            indices = list(range(count))
            indices += indices[: -count % world] if padded else []
            instance = metric()
            instance.process(None, [samples[i] for i in indices[rank::world]])
            found.append(repr(instance.evaluate(count)))
    assert found == expected


@pytest.mark.parametrize('world', [1, 2, 3, 5])
def test_any_number_of_processes_gives_the_bits_of_one(world, make_sample, run, run_in_processes):
    """With a padded sampler, with one that is not padded, and with fewer samples than processes."""
    samples = random_samples(make_sample, 7, 0)
    expected = [repr(run(dict(type=metric), samples[:count])) for metric in GENERALIZED for count in (7, 7, 2)]
    run_in_processes(score, world, world, [sample.to_dict() for sample in samples], expected)


DYING = """
import os
import torch.distributed as dist
from mmvg.evaluation import GRESMetric
dist.init_process_group('gloo')
if dist.get_rank() == 1:
    os._exit(7)  # as a process that is killed
GRESMetric().evaluate(0)  # waits for the other
"""


@pytest.mark.slow
def test_a_process_that_dies_ends_the_run_with_an_error_in_under_a_minute(tmp_path):
    """Started as tools/dist_test.sh starts them."""
    (tmp_path / 'script.py').write_text(DYING)
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    env = {**os.environ, 'PYTHONPATH': str(Path(mmvg.__file__).parents[1]), 'OMP_NUM_THREADS': '1'}
    command = [sys.executable, '-m', 'torch.distributed.run', '--nproc_per_node=2', f'--master_port={port}']
    start = time.monotonic()
    done = subprocess.run(
        [*command, str(tmp_path / 'script.py')], env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode != 0
    assert 'exitcode  : 7' in done.stderr
    assert time.monotonic() - start < 60


def test_a_metric_is_a_score_and_a_summary():
    with pytest.raises(TypeError, match='score'):
        GroundingMetric()
