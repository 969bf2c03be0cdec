"""Temperatures fitted on files of answers, and applied to samples and by the inferencer."""

import json

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData, PixelData

from mmvg.apis import GroundingInferencer
from mmvg.apis.calibrate import calibrate_sample, fit_calibration
from mmvg.cli import main
from mmvg.evaluation.functional import apply_temperature, fit_temperature
from mmvg.registry import DATASETS
from mmvg.structures import ANSWER_VERSION, Answer, Candidates, GroundingSample
from mmvg.weights.calibration import Calibration, read_calibration, write_calibration


@pytest.fixture(scope='module')
def cfg(refshapes_tiny):
    init_default_scope('mmvg')
    pipeline = [
        dict(type='LoadImage'),
        dict(type='Letterbox', size=(64, 64), pad_value=127),
        dict(type='LoadGroundingAnnotations'),
    ]
    dataset = dict(type='GRefCOCODataset', split='val', data_root=str(refshapes_tiny), pipeline=pipeline)
    return Config(dict(test_dataloader=dict(dataset=dataset), default_scope='mmvg'))


@pytest.fixture(scope='module')
def answers(cfg, tmp_path_factory):
    """A file of answers with scores that are too sure, and what each of them is worth."""
    rng = np.random.default_rng(0)
    dataset = DATASETS.build({**cfg.test_dataloader.dataset, 'pipeline': []})
    records, targets, boxes = [], [], []
    for index in range(len(dataset)):
        item = dataset.get_data_info(index)
        sure = not item['no_target'] if rng.random() < 0.75 else item['no_target']
        right = rng.random() < 0.6 and not item['no_target']
        target_score, box_score = (0.98, 0.02)[not sure], float(np.float32(rng.uniform(0.8, 0.99)))
        box = item['instances'][0]['bbox'] if right else [0.0, 0.0, 3.0, 3.0]
        made = Candidates(
            boxes=np.array([box], dtype=np.float32), scores=np.array([box_score], np.float32), target_score=target_score
        )
        ids = dict(dataset='grefcoco', img_id=item['img_id'], ref_id=item['ref_id'])
        ids['sent_id'] = item['sentences'][0]['sent_id']
        answer = made.at(0.5, size=(item['height'], item['width']), ids=ids)
        records.append(answer.to_record(whole=True))
        targets.append((target_score, not item['no_target']))
        boxes.append((box_score, right))
    path = tmp_path_factory.mktemp('calibrate') / 'val.json'
    path.write_text(json.dumps(dict(version=ANSWER_VERSION, predictions=records)))
    return path, targets, boxes


def test_both_temperatures_are_those_of_the_scores_and_what_they_are_worth(cfg, answers):
    path, targets, boxes = answers
    found = fit_calibration(cfg, path)
    assert found.target == pytest.approx(fit_temperature(*map(np.array, zip(*targets, strict=True))), rel=1e-4)
    assert found.boxes == pytest.approx(fit_temperature(*map(np.array, zip(*boxes, strict=True))), rel=1e-4)
    assert found.target > 2
    for name in ('ECE_target', 'ECE_box'):
        before, after = found.fitted[name]
        assert after < before
    assert found.fitted['data'] == 'GRefCOCODataset val'
    assert found.fitted['expressions'] == len(targets)


def test_the_command_keeps_them_with_the_weights(cfg, answers, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr('mmvg.apis.load_config', lambda *_: cfg)
    torch.save(dict(state_dict={}), tmp_path / 'model.pth')
    main(['calibrate', 'x.py', str(answers[0]), '--checkpoint', str(tmp_path / 'model.pth')])
    printed = capsys.readouterr().out
    assert 'target: temperature' in printed
    assert 'model.calibration.json' in printed
    assert read_calibration(tmp_path / 'model.pth') == fit_calibration(cfg, answers[0])


def test_answers_that_are_all_alike_fit_nothing(cfg, answers, tmp_path):
    content = json.loads(answers[0].read_text())
    for record in content['predictions']:
        record.pop('target_score')
        record['candidates']['boxes'] = [[0.0, 0.0, 1.0, 1.0]]
    (tmp_path / 'wrong.json').write_text(json.dumps(content))
    with pytest.raises(ValueError, match='nothing can be fitted'):
        fit_calibration(cfg, tmp_path / 'wrong.json')


def test_a_sample_gets_other_scores_and_another_verdict():
    sample = GroundingSample(metainfo=dict(score_thr=0.7))
    sample.pred_instances = InstanceData(bboxes=torch.zeros(2, 4), scores=torch.tensor([0.9, 0.5]))
    sample.target_score, sample.pred_no_target = 0.8, False
    calibrate_sample(sample, Calibration(target=2.0, boxes=4.0))
    assert sample.target_score == pytest.approx(2 / 3, rel=1e-5)  # odds of 4 become 2
    assert sample.pred_no_target
    expected = apply_temperature(np.array([0.9, 0.5], dtype=np.float32), 4.0)
    assert sample.pred_instances.scores.tolist() == pytest.approx(expected.tolist())
    assert Answer.from_sample(sample, 0.6).target_score == pytest.approx(2 / 3, rel=1e-5)


def test_verdict_and_mask_of_a_calibrated_sample_agree():
    sample = GroundingSample(metainfo=dict(score_thr=0.7, mask_output='instance'))
    masks = torch.eye(2, dtype=torch.bool)[:, None]
    sample.pred_instances = InstanceData(bboxes=torch.zeros(2, 4), scores=torch.tensor([0.9, 0.75]), masks=masks)
    sample.pred_sem_seg = PixelData(sem_seg=torch.ones(1, 1, 2, dtype=torch.bool))
    sample.target_score, sample.pred_no_target = 0.99, False
    calibrate_sample(sample, Calibration(boxes=2.0))  # odds of 9 become 3, those of 3 become 1.7
    assert sample.pred_sem_seg.sem_seg.tolist() == [[[True, False]]]
    calibrate_sample(sample, Calibration(target=9.0, boxes=9.0))
    assert sample.pred_no_target
    assert not sample.pred_sem_seg.sem_seg.any()
    assert not Answer.from_sample(sample).mask.any()


def test_what_was_not_fitted_or_is_not_there_stays():
    sample = GroundingSample()
    sample.pred_instances = InstanceData(scores=torch.tensor([0.9]))
    calibrate_sample(sample, Calibration(target=2.0))
    assert sample.pred_instances.scores.tolist() == pytest.approx([0.9])
    assert 'target_score' not in sample
    calibrate_sample(GroundingSample(), Calibration(boxes=2.0))


def test_the_inferencer_applies_the_calibration_of_its_weights_and_exports_it(
    random_checkpoint, refshapes_tiny, tmp_path
):
    weights = tmp_path / 'model.pth'
    weights.write_bytes(random_checkpoint('instancevg').read_bytes())
    picture = next((refshapes_tiny / 'images/train2014').iterdir())
    plain = GroundingInferencer(str(weights))(str(picture), 'the red ring', return_datasamples=True)['predictions'][0]
    write_calibration(weights, Calibration(target=3.0, boxes=2.0))
    find = GroundingInferencer(str(weights))
    tempered = find(str(picture), 'the red ring', return_datasamples=True)['predictions'][0]
    expected = apply_temperature(plain.pred_instances.scores.numpy(), 2.0)
    assert tempered.pred_instances.scores.numpy() == pytest.approx(expected, abs=1e-5)
    assert tempered.target_score == pytest.approx(
        float(apply_temperature(np.float32(plain.target_score), 3.0)), abs=1e-5
    )
    same = GroundingInferencer(str(weights), calibrated=False)(str(picture), 'the red ring', return_datasamples=True)
    assert same['predictions'][0].target_score == pytest.approx(float(plain.target_score))
    folder = find.save_pretrained(tmp_path / 'folder', half=True)
    assert read_calibration(folder) == Calibration(target=3.0, boxes=2.0)
