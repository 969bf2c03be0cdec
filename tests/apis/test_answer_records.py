"""Answers that are saved are scored as ``tools/test.py`` scores the same model on the same data."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

from mmvg.apis import GroundingInferencer, describe_answer, evaluate, load_config, save_answers
from mmvg.apis.rescore import PredictionError, read_predictions, score_predictions
from mmvg.evaluation.metrics import GraspMetric
from mmvg.masks import encode_mask
from mmvg.registry import DATASETS, MODELS
from mmvg.structures import GroundingSample

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope='module')
def work(tmp_path_factory, refshapes_tiny):
    """A config on data of its own, a checkpoint that finds something in every other picture, and their folder."""
    folder = tmp_path_factory.mktemp('round_trip')
    options = dict(data_root=str(refshapes_tiny), vocab_file=str(refshapes_tiny / 'vocab.txt'))
    options['test_dataloader.dataset.indices'] = None
    cfg = load_config(str(ROOT / 'configs/instancevg/tiny.py'), options, work_dir=str(folder / 'work'))
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    model.init_weights()
    for name, weight in model.named_parameters():
        if 'norm' not in name:
            torch.nn.init.normal_(weight, std=0.3)
    checkpoint = folder / 'model.pth'

    def save():
        torch.save(dict(meta=dict(cfg=cfg.pretty_text), state_dict=model.state_dict()), checkpoint)

    save()
    find = GroundingInferencer(checkpoint, device='cpu', show_progress=False)
    samples = find(*map(list, zip(*asked_by(cfg), strict=True)), pairs=True, return_datasamples=True)['predictions']
    threshold = float(np.median([sample.target_score for sample in samples]))
    cfg.model.head.postprocess.score_thr = threshold
    for metric in cfg.test_evaluator[:2]:
        metric.score_thr = threshold
    save()
    return cfg, checkpoint, folder


def asked_by(cfg):
    """Image and sentence of each item of the test set."""
    dataset = DATASETS.build({**cfg.test_dataloader.dataset, 'pipeline': []})
    items = [dataset.get_data_info(i) for i in range(len(dataset))]
    return [(item['img_path'], item['sentences'][0]['text']) for item in items]


@pytest.fixture(scope='module')
def questions(work):
    return asked_by(work[0])


@pytest.fixture(scope='module')
def saved(work, questions):
    _, checkpoint, folder = work
    find = GroundingInferencer(checkpoint, device='cpu', show_progress=False)
    samples = find(*map(list, zip(*questions, strict=True)), pairs=True, return_datasamples=True)['predictions']
    save_answers(samples, folder / 'new/answers.json', find.score_thr)
    return folder / 'new/answers.json'


@pytest.mark.slow
def test_predict_save_and_score_gives_the_numbers_of_a_test_run(work, saved, questions):
    cfg, checkpoint, folder = work
    expected = evaluate(cfg, str(checkpoint), out=str(folder / 'preds.json'))
    assert len({value for value in expected.values() if 0 < value < 100}) > 3  # not everything is right or wrong
    assert score_predictions(cfg, saved) == pytest.approx(expected, abs=1e-9, nan_ok=True)
    assert score_predictions(cfg, folder / 'preds.json') == pytest.approx(expected, abs=1e-9, nan_ok=True)
    content = json.loads(saved.read_text())
    assert content['version'] == 2
    for record, (image, expression) in zip(content['predictions'], questions, strict=True):
        assert (record['image'], record['expression'], record['frame']) == (image, expression, 'original')
        assert record['score_thr'] == cfg.model.head.postprocess.score_thr
        assert len(record['candidates']['boxes']) == 4


def test_the_demo_writes_what_the_tool_scores(work, saved, questions, monkeypatch, capsys):
    cfg, checkpoint, folder = work
    by_image = {}
    for image, expression in questions:
        by_image.setdefault(image, []).append(expression)
    predictions = []
    for image, expressions in by_image.items():
        words = [image, *expressions, '--checkpoint', str(checkpoint), '--json', str(folder / 'part.json')]
        monkeypatch.setattr(sys, 'argv', ['image_demo.py', *words, '--device', 'cpu'])
        runpy.run_path(str(ROOT / 'demo/image_demo.py'), run_name='__main__')
        predictions += json.loads((folder / 'part.json').read_text())['predictions']
    (folder / 'all.json').write_text(json.dumps(dict(predictions=predictions)))
    cfg.dump(folder / 'config.py')
    words = [
        'eval_metric.py',
        str(folder / 'config.py'),
        str(folder / 'all.json'),
        '--out',
        str(folder / 'scores.json'),
    ]
    monkeypatch.setattr(sys, 'argv', words)
    runpy.run_path(str(ROOT / 'tools/analysis_tools/eval_metric.py'), run_name='__main__')
    expected = score_predictions(cfg, saved)
    assert json.loads((folder / 'scores.json').read_text()) == pytest.approx(expected, abs=1e-9, nan_ok=True)
    assert 'grec/F1' in capsys.readouterr().out


def test_answers_that_are_missing_or_belong_to_other_pictures(work, saved, tmp_path):
    cfg, _, _ = work
    content = json.loads(saved.read_text())

    def score(change):
        changed = json.loads(json.dumps(content))
        change(changed['predictions'])
        (tmp_path / 'changed.json').write_text(json.dumps(changed))
        return score_predictions(cfg, tmp_path / 'changed.json')

    with pytest.raises(PredictionError, match='no answer to'):
        score(lambda records: records.pop())
    stranger = dict(content['predictions'][0], image='elsewhere/holiday.jpg')
    with pytest.raises(PredictionError, match=r'1 of \d+ answers belong to no expression .*holiday\.jpg'):
        score(lambda records: records.append(stranger))
    with pytest.raises(PredictionError, match='a second time, and differently'):
        score(lambda records: records.append(dict(records[0], target_score=-1.0)))
    (tmp_path / 'arrays.json').write_text(json.dumps(dict(predictions=[dict(content['predictions'][0], image=0)])))
    with pytest.raises(PredictionError, match='not an answer about an image file'):
        read_predictions(tmp_path / 'arrays.json')


def test_grasps_are_written_and_scored_again(refshapes_tiny, tmp_path):
    """Grasps as good as the truth and as bad as another's: through the file they score what they score directly."""
    from mmengine.evaluator import Evaluator

    from mmvg.apis.rescore import answered_samples

    cfg = load_config(str(ROOT / 'configs/lggd/tiny.py'), work_dir=str(tmp_path / 'work'))
    cfg.test_dataloader.dataset.update(data_root=str(refshapes_tiny / 'ocid_vlg'), indices=None)
    cfg.test_evaluator = [dict(type=GraspMetric, gt_width=None, gt_jaw=None)]
    dataset = DATASETS.build({**cfg.test_dataloader.dataset, 'pipeline': []})
    items = [dataset.get_data_info(i) for i in range(len(dataset))]
    samples = []
    for number, item in enumerate(items):
        sample = GroundingSample(
            metainfo=dict(
                img_path=item['img_path'],
                ori_shape=(item['height'], item['width']),
                expression=item['sentences'][0]['text'],
                pred_frame='original',
            )
        )
        grasps = torch.from_numpy(items[number - number % 2]['grasps'].astype(np.float32))
        sample.pred_grasps = InstanceData(grasps=grasps, scores=torch.linspace(1, 0.5, len(grasps)))
        samples.append(sample)
    save_answers(samples, tmp_path / 'answers.json', 0.5)
    scores = score_predictions(cfg, tmp_path / 'answers.json')
    assert 50 <= scores['grasp/J@1'] < 100
    evaluator = Evaluator(cfg.test_evaluator)
    for sample, truth in zip(samples, answered_samples(cfg, tmp_path / 'answers.json'), strict=True):
        truth.pred_grasps = sample.pred_grasps
        evaluator.process(data_samples=[truth])
    assert scores == evaluator.evaluate(len(samples))


@pytest.mark.parametrize(
    ('record', 'line'),
    [
        (dict(no_target=True, target_score=0.12), 'nothing matches (target score 0.12)'),
        (dict(no_target=True), 'nothing matches'),
        (dict(boxes=[[1.4, 2.0, 30.6, 4.0]], scores=[0.905]), '1 found: [1, 2, 31, 4] 0.91'),
        (dict(boxes=[[1.4, 2.0, 30.6, 4.0]]), '1 found: [1, 2, 31, 4]'),
        (dict(boxes=[], scores=[], mask=encode_mask(np.eye(3, dtype=bool))), 'a mask, no box'),
        (dict(boxes=[], scores=[], mask=encode_mask(np.zeros((3, 3), dtype=bool))), 'an empty mask, no box'),
        (dict(boxes=[], scores=[]), 'no instance above the threshold'),
        (
            dict(grasps=[[10.0, 20.4, 8.0, 3.0, 0.5]], grasp_scores=[0.8]),
            'grasp at (10, 20), opening 8, turned 0.50 rad',
        ),
    ],
)
def test_an_answer_in_one_line(record, line):
    assert describe_answer(record) == line


def test_the_best_grasp_is_described_first():
    from mmvg.apis import answer_record

    sample = GroundingSample(metainfo=dict(img_path='a.png', ori_shape=(9, 9), expression='the mug'))
    grasps = torch.tensor([[1.0, 1.0, 2.0, 2.0, 0.0], [5.0, 5.0, 2.0, 2.0, 0.0]])
    sample.pred_grasps = InstanceData(grasps=grasps, scores=torch.tensor([0.3, 0.9]))
    record = answer_record(sample, 0.2)
    assert record['grasp_scores'] == pytest.approx([0.9, 0.3])
    assert describe_answer(record).startswith('grasp at (5, 5)')
