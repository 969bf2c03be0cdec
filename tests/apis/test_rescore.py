"""A file of answers scores what the answers scored, to the last digit, on every data set and by every metric."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData
from PIL import Image

import mmvg.datasets.transforms
import mmvg.evaluation.metrics
from mmvg.apis.rescore import PredictionError, score_predictions
from mmvg.datasets.formats import write_format
from mmvg.datasets.tokenizers import WordTokenizer
from mmvg.engine.hooks import PredictionDumpHook
from mmvg.masks import encode_mask
from mmvg.models.postprocess import BasePostprocess
from mmvg.pictures import turn_upright
from mmvg.registry import DATASETS
from mmvg.structures import Answer, Candidates, xyxy_to_xywh

GREFCOCO = [
    dict(type='GRECMetric'),
    dict(type='GRECMetric', comparison='>', prefix='grec_float32'),
    dict(type='GRESMetric'),
    dict(type='GRESMetric', no_target_from='score', prefix='gres_score'),
    dict(type='GRESMetric', no_target_from='mask', prefix='gres_mask'),
    dict(type='CGF1Metric'),
    dict(type='CGF1Metric', instances='boxes', prefix='cgf1_boxes'),
    dict(type='InstanceF1Metric'),
    dict(type='PrecisionAtKMetric', top=[1, 2]),
    dict(type='VerdictMetric'),
    dict(type='ConfidenceMetric'),
    dict(type='CoverAcc'),
]
REFCOCO = [dict(type='RECMetric'), dict(type='RESMetric'), dict(type='CoverAcc')]
SOURCES = ('mask', 'flag', 'score')

#: Data set below RefShapes in its format, and the metrics that can score it.
CASES = {
    'refcoco': (dict(type='RefCOCODataset', dataset='refcoco', split_by='unc', split='testA'), REFCOCO),
    'mixed': (
        dict(type='MixedRefCOCODataset', sentence_mode='all'),
        [
            *REFCOCO,
            dict(type='MeanOverDatasets', metric=dict(type='RESMetric', prefix='each')),
            dict(type='ByGroup', metric=dict(type='RECMetric', prefix='group')),
        ],
    ),
    'grefcoco': (dict(type='GRefCOCODataset', split='val'), GREFCOCO),
    'instancevg_json': (
        dict(
            type='InstanceVGJSONDataset',
            dataset='grefcoco',
            ann_file='instancevg/grefs/instances.json',
            split='val',
            crowd='drop',
        ),
        GREFCOCO,
    ),
    'jsonl': (dict(type='JSONLDataset', ann_file='lines.jsonl', img_prefix='images/train2014', split='val'), GREFCOCO),
    'coco': (
        dict(type='COCOPhraseDataset', ann_file='coco.json', img_prefix='images/train2014', split='val'),
        [dict(type='GRECMetric'), dict(type='GRESMetric')],
    ),
    'odvg': (
        dict(type='ODVGDataset', ann_file='odvg.jsonl', img_prefix='images/train2014', split='val'),
        [dict(type='GRECMetric')],
    ),
    'label_studio': (
        dict(type='LabelStudioDataset', ann_file='studio.json', img_prefix='images/train2014', split='val'),
        [dict(type='GRECMetric'), dict(type='GRESMetric')],
    ),
    'qwen': (
        dict(type='QwenLinesDataset', ann_file='qwen.jsonl', img_prefix='images/train2014', split='val', unit='pixel'),
        [dict(type='GRECMetric')],
    ),
    'refzom': (
        dict(type='RefZOMDataset', img_prefix='ref-zom/trainval2014', split='test'),
        [dict(type='RefZOMMetric', no_target_from=source, prefix=source) for source in SOURCES],
    ),
    'rrefcoco': (
        dict(type='RRefDataset', dataset='rrefcoco', split='val'),
        [dict(type='RRefMetric', no_target_from=source, product_form=True, prefix=source) for source in SOURCES],
    ),
    'phrasecut': (dict(type='PhraseCutDataset', split='val'), [dict(type='PhraseCutMetric')]),
    'ocid_vlg': (
        dict(type='OCIDVLGDataset', data_root='ocid_vlg', version='multiple', split='val'),
        [dict(type='GraspMetric'), dict(type='RESMetric')],
    ),
    'grasp_anything': (
        dict(type='GraspAnythingDataset', data_root='grasp_anything', split='test'),
        [
            dict(type='GraspSuccessMetric'),
            dict(type='GraspSuccessMetric', top=3, prefix='top3'),
            dict(type='RESMetric'),
        ],
    ),
}


#: Data sets that nothing here writes, and their metrics: tests/datasets/formats scores answers about them.
ONLY_READ = {'CVATDataset', 'Flickr30kEntitiesDataset', 'HumanRefDataset', 'RefCOCOMDataset', 'RefL4Dataset'}
THEIR_METRICS = {'HumanRefMetric', 'RefL4Metric'}
#: Format -> file beside the JSON lines, and options of its writer.
OTHER_FORMATS = {
    'coco': ('coco.json', {}),
    'odvg': ('odvg.jsonl', {}),
    'label-studio': ('studio.json', {}),
    'qwen': ('qwen.jsonl', dict(unit='pixel')),
}


def config_of(name, root):
    init_default_scope('mmvg')
    name, _, frame = name.partition(' in ')
    dataset, metrics = CASES[name]
    if frame:
        metrics = [dict(metric, resolution=frame) for metric in metrics]
    grasps = [dict(type='LoadGraspAnnotations')] if 'Grasp' in str(metrics) else []
    pipeline = [
        dict(type='LoadImage'),
        dict(type='Letterbox', size=(64, 64), pad_value=127),
        dict(type='LoadGroundingAnnotations', frame=frame or 'original', mask_rule='floor'),
        *grasps,
        dict(type='CleanText', reader='raw', empty='keep'),
        dict(type='Tokenize', tokenizer=dict(type=WordTokenizer, vocab_file=str(root / 'vocab.txt')), max_length=12),
        dict(type='PackGroundingInputs'),
    ]
    below = root / dataset.get('data_root', '')
    dataset = dict(dataset, data_root=str(below), mode='tolerant', pipeline=pipeline)
    return Config(dict(test_dataloader=dict(dataset=dataset), test_evaluator=metrics, default_scope='mmvg'))


@pytest.fixture(scope='module')
def root(refshapes_tiny, tmp_path_factory):
    """RefShapes, with some of its expressions as JSON lines beside it."""
    folder = tmp_path_factory.mktemp('rescore')
    for path in refshapes_tiny.iterdir():
        (folder / path.name).symlink_to(path)
    dataset = DATASETS.build({**config_of('grefcoco', refshapes_tiny).test_dataloader.dataset, 'pipeline': []})
    lines = []
    for index in range(0, len(dataset), 2):
        item = dataset.get_data_info(index)
        boxes = [instance['bbox'] for instance in item['instances']]
        line = dict(image=item['img_path'].split('/')[-1], expression=item['sentences'][0]['text'], boxes=boxes)
        masks = [instance['mask'] for instance in item['instances']]
        lines.append(line | dict(masks=masks, no_target=item['no_target'], split='val'))
    (folder / 'lines.jsonl').write_text('\n'.join(json.dumps(line) for line in lines))
    source = DATASETS.build(dict(CASES['jsonl'][0], data_root=str(folder)))
    for name, (file, options) in OTHER_FORMATS.items():
        write_format(name, {'val': source}, folder / file, **options)
    return folder


def answer(sample, number):
    """Predict as a head does: near the truth or far from it, with scores on each side of the threshold."""
    rng = np.random.default_rng(number)
    height, width = sample.ori_shape if sample.gt_frame == 'original' else sample.img_shape
    queries = 4
    scores = torch.from_numpy(rng.choice([0.1, 0.6, 0.7, 0.9], queries).astype(np.float32))
    boxes = torch.from_numpy(rng.uniform(0, min(height, width) / 2, (queries, 4)).astype(np.float32))
    boxes[:, 2:] += boxes[:, :2]
    masks = torch.from_numpy(rng.random((queries, height, width)) < 0.02)
    global_mask = torch.zeros(1, height, width, dtype=torch.bool)
    if len(sample.gt_instances) and number % 3:
        boxes[0] = getattr(sample.gt_instances.bboxes, 'tensor', sample.gt_instances.bboxes)[0]
        if 'gt_sem_seg' in sample:
            global_mask = (sample.gt_sem_seg.sem_seg > 0) ^ torch.from_numpy(rng.random((1, height, width)) < 0.1)
    sample.pred_instances = InstanceData(
        bboxes=boxes,
        scores=scores,
        masks=masks,
        points=boxes[:, :2] + rng.uniform(0, 9, (queries, 2)).astype(np.float32),
    )
    if 'gt_grasps' in sample:
        grasps = sample.gt_grasps if number % 3 and len(sample.gt_grasps) else torch.rand(3, 5) * 9
        grasps = grasps.clone()[rng.permutation(len(grasps))[:5]]
        sample.pred_grasps = InstanceData(grasps=grasps, scores=torch.rand(len(grasps)))
    output = ('merge', 'instance', 'global', 'target')[number % 4]
    part = BasePostprocess(0.7, 0.5, sample.gt_frame, align_corners=False)
    part.decide(sample, float(scores.max()), None if output == 'instance' else global_mask, output)
    return sample


@pytest.fixture(params=[*CASES, 'refcoco in input', 'grefcoco in input', 'refzom in input', 'rrefcoco in input'])
def answered(request, root):
    torch.manual_seed(0)
    cfg = config_of(request.param, root)
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    samples = [answer(dataset[index]['data_samples'], index) for index in range(len(dataset))]
    return cfg, samples


def dump(cfg, samples, file):
    loader = SimpleNamespace(dataset=range(len(samples)))
    logger = MMLogger.get_instance('rescore')
    runner = SimpleNamespace(test_dataloader=loader, cfg=SimpleNamespace(filename='toy.py'), logger=logger)
    hook = PredictionDumpHook(str(file))
    hook.before_test_epoch(runner)
    hook.after_test_iter(runner, 0, outputs=samples)
    hook.after_test_epoch(runner, {})


def score(cfg, samples):
    evaluator = Evaluator(cfg.test_evaluator)
    evaluator.process(data_samples=samples)
    return evaluator.evaluate(len(samples))


def equal(first, second):
    return first.keys() == second.keys() and all(
        value == second[key] or (np.isnan(value) and np.isnan(second[key])) for key, value in first.items()
    )


def test_joined_data_sets_are_scored_together(root, tmp_path):
    cfg = config_of('refcoco', root)
    one = cfg.test_dataloader.dataset
    joined = dict(type='ConcatDataset', ignore_keys=['split'], datasets=[one, dict(one, split='val')])
    cfg.test_dataloader.dataset = joined
    dataset = DATASETS.build(joined)
    samples = [answer(dataset[index]['data_samples'], index) for index in range(len(dataset))]
    dump(cfg, samples, tmp_path / 'answers.json')
    assert score_predictions(cfg, tmp_path / 'answers.json') == pytest.approx(score(cfg, samples), abs=1e-9)


def test_a_file_scores_what_its_answers_scored(answered, tmp_path):
    cfg, samples = answered
    assert len(samples) >= 4
    direct = score(cfg, samples)
    assert len({value for value in direct.values() if 0 < value < 100}) >= 2  # neither all right nor all wrong
    dump(cfg, samples, tmp_path / 'answers.json')
    again = score_predictions(cfg, tmp_path / 'answers.json')
    assert equal(direct, again), {key: (direct[key], again.get(key)) for key in direct if direct[key] != again.get(key)}


def before_versions(sample, asked):
    """The record of ``sample`` as it was written before answers had a version: by the inferencer or by a test run."""
    if asked:
        record = dict(image=sample.img_path, size=list(sample.ori_shape))
    else:
        record = {key: sample.get(key) for key in ('dataset', 'img_id', 'ref_id', 'sent_id')}
    record.update(expression=sample.text, frame=sample.pred_frame, no_target=sample.pred_no_target)
    record.update(target_score=float(sample.target_score), instances=[])
    instances = sample.pred_instances
    for index in range(len(instances)):
        row = dict(bbox=xyxy_to_xywh(instances.bboxes[index].double()).tolist(), score=float(instances.scores[index]))
        row.update(segmentation=encode_mask(instances.masks[index]), point=instances.points[index].double().tolist())
        record['instances'].append(row)
    record['segmentation'] = encode_mask(sample.pred_sem_seg.sem_seg)
    if 'pred_grasps' in sample:
        pairs = zip(sample.pred_grasps.grasps.double().tolist(), sample.pred_grasps.scores.tolist(), strict=True)
        record['grasps'] = [dict(grasp=grasp, score=score) for grasp, score in pairs]
    return record


def test_files_from_before_versions_are_still_scored(answered, tmp_path):
    cfg, samples = answered
    direct = score(cfg, samples)
    content = dict(config='toy.py', metrics={}, predictions=[before_versions(sample, False) for sample in samples])
    (tmp_path / 'dumped.json').write_text(json.dumps(content))
    assert equal(direct, score_predictions(cfg, tmp_path / 'dumped.json'))


def test_saved_answers_from_before_versions_are_found_by_picture_and_expression(root, tmp_path):
    cfg = config_of('phrasecut', root)
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    samples = [answer(dataset[index]['data_samples'], index) for index in range(len(dataset))]
    content = dict(score_thr=0.7, predictions=[before_versions(sample, True) for sample in samples])
    (tmp_path / 'saved.json').write_text(json.dumps(content))
    assert equal(score(cfg, samples), score_predictions(cfg, tmp_path / 'saved.json'))


@pytest.mark.parametrize('orientation', [1, 3, 6])
def test_answers_about_a_turned_picture_score_in_the_pixels_of_its_file(orientation, root, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = orientation
    box, mask = [10, 20, 40, 60], np.zeros((96, 128), dtype=bool)
    mask[20:60, 10:40] = True
    Image.new('RGB', (128, 96)).save(tmp_path / 'a.jpg', exif=exif)
    line = dict(image='a.jpg', expression='the red ring', boxes=[box], masks=[encode_mask(mask)], no_target=False)
    (tmp_path / 'lines.jsonl').write_text(json.dumps(dict(line, split='val')) + '\n')
    cfg = config_of('jsonl', root)
    cfg.test_dataloader.dataset.update(data_root=str(tmp_path), img_prefix='')
    upright = turn_upright(mask, orientation)
    (y1, x1), (y2, x2) = np.argwhere(upright).min(0), np.argwhere(upright).max(0) + 1
    made = Candidates(np.array([[x1, y1, x2, y2]], np.float32), np.array([0.9], np.float32), upright[None])
    made.mask_output, made.target_score, made.points = 'instance', 0.9, np.array([[x1, y1]], np.float32)
    about = dict(size=upright.shape, expression='the red ring', image=str(tmp_path / 'a.jpg'))
    record = made.at(0.7, **about).to_record(whole=True)
    (tmp_path / 'answers.json').write_text(json.dumps(dict(version=2, predictions=[record])))
    scores = score_predictions(cfg, tmp_path / 'answers.json')
    assert scores['grec/F1'] == scores['gres/gIoU'] == 100


def test_an_answer_that_only_lists_what_was_found_cannot_be_scored(root, tmp_path):
    cfg = config_of('phrasecut', root)
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    records = [Answer.from_sample(answer(dataset[i]['data_samples'], i)).to_record() for i in range(len(dataset))]
    (tmp_path / 'short.json').write_text(json.dumps(dict(version=2, predictions=records)))
    with pytest.raises(PredictionError, match='save whole answers'):
        score_predictions(cfg, tmp_path / 'short.json')


@pytest.mark.parametrize(('name', 'group'), [('phrasecut', 'phrasecut/p_'), ('ocid_vlg', 'grasp/name/')])
def test_scores_are_grouped_by_what_the_data_set_says_of_an_expression(name, group, root):
    cfg = config_of(name, root)
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    samples = [answer(dataset[index]['data_samples'], index) for index in range(len(dataset))]
    scores = score(cfg, samples)
    assert [key for key in scores if key.startswith(group)], list(scores)


def test_every_data_set_and_every_metric_is_among_the_cases():
    types = {dataset['type'] for dataset, _ in CASES.values()}
    known = {name for name in mmvg.datasets.__all__ if name.endswith('Dataset')}
    assert types == known - {'ReferringDataset'} - ONLY_READ
    metrics = {metric['type'] for _, metrics in CASES.values() for metric in metrics}
    assert metrics == set(mmvg.evaluation.metrics.__all__) - {'GroundingMetric'} - THEIR_METRICS
