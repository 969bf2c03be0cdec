"""Files of answers score what MMEngine's evaluator makes of the same answers, by every protocol, to the last digit."""

import json
import os

import numpy as np
import pytest
from mmengine.config import Config

import mmvg.datasets.transforms  # noqa: F401  (registers them)
from mmvg.apis.rescore import score_predictions
from mmvg.masks import decode_mask, encode_mask, union_of_masks
from mmvg.registry import DATASETS
from mmvg.scoring import PROTOCOLS, AnswerFile, Declaration, Truth, open_truth, score_answers
from mmvg.scoring.running_scores import RunningScores
from mmvg.scoring.scorer import Scorer, score_chunks
from mmvg.structures import Candidates

DATA = {
    'refcoco': dict(type='RefCOCODataset', dataset='refcoco', split='testA'),
    'grefcoco': dict(type='GRefCOCODataset', split='val'),
    'refzom': dict(type='RefZOMDataset', split='test', img_prefix='ref-zom/trainval2014'),
    'rrefcoco': dict(type='RRefDataset', dataset='rrefcoco', split='val'),
    'phrasecut': dict(type='PhraseCutDataset', split='val'),
    'ocid_vlg': dict(type='OCIDVLGDataset', version='multiple', split='val', data_root='ocid_vlg'),
    'grasp_anything': dict(type='GraspAnythingDataset', split='test', data_root='grasp_anything'),
}
OF_DATA = {
    'refcoco': ('rec', 'res', 'res_above', 'precision_at_k', 'ref_l4'),
    'grefcoco': (
        'grec',
        'grec_iou',
        'gres',
        'gres_mask',
        'gres_score',
        'cgf1',
        'cgf1_boxes',
        'set_f1',
        'verdict',
        'confidence',
    ),
    'refzom': ('refzom', 'refzom_score'),
    'rrefcoco': ('rref', 'rref_flag', 'rref_score'),
    'phrasecut': ('phrasecut',),
    'ocid_vlg': ('grasp',),
    'grasp_anything': ('grasp_anything',),
}


def some_answer(truth, rng):
    """Truth that is shifted, halved, or answered with nothing."""
    width, height = truth.size
    if rng.random() < 0.2:
        boxes, masks = np.zeros((0, 4)), []
    else:
        boxes = truth.boxes if len(truth.boxes) else np.array([[4.0, 4, 30, 30]])
        masks = [union_of_masks([mask], height, width) for mask in truth.masks or []]
        masks = masks or [encode_mask(np.tri(height, width, dtype=bool))]
        if rng.random() < 0.7:
            boxes = boxes + rng.integers(0, 7)
            masks = [encode_mask(np.roll(decode_mask(mask), int(rng.integers(0, 9)), axis=1)) for mask in masks]
    scores = (0.6 + 0.4 * rng.random(len(boxes))).astype(np.float32)
    answer = dict(boxes=boxes.astype(np.float32).tolist(), masks=masks, scores=scores.tolist())
    answer |= dict(target_score=float(scores.max(initial=0)), no_target=not len(boxes))
    if truth.grasps is not None:
        kept = truth.grasps[rng.random(len(truth.grasps)) < 0.5][:6] + rng.integers(0, 3)
        answer |= dict(grasps=kept.tolist(), grasp_scores=rng.random(len(kept)).tolist())
    return answer


def own_record(truth, answer):
    """The same as a record of mmvg's own."""
    width, height = truth.size
    masks = [decode_mask(mask) for mask in answer['masks']]
    made = Candidates(
        boxes=np.array(answer['boxes'], dtype=np.float32).reshape(-1, 4),
        scores=np.array(answer['scores'], dtype=np.float32),
        masks=np.stack(masks) if masks else np.zeros((0, height, width), dtype=bool),
        mask_output='instance',
        target_score=answer['target_score'],
    )
    if 'grasps' in answer:
        made.grasps = np.array(answer['grasps'], dtype=np.float32).reshape(-1, 5)
        made.grasp_scores = np.array(answer['grasp_scores'], dtype=np.float32)
    ids = dict(truth.ids)
    return made.at(0.0, answer['no_target'], ids=ids, size=(height, width)).to_record(whole=True)


@pytest.fixture(scope='module')
def answered_data(refshapes_tiny, tmp_path_factory):
    """Function: a data set, answers to it as JSON lines, and the same as a file of mmvg's own."""
    made = {}

    def make(name):
        if name not in made:
            folder = tmp_path_factory.mktemp(name)
            cfg = dict(DATA[name], data_root=str(refshapes_tiny / DATA[name].get('data_root', '')))
            truth, rng = Truth(name, DATASETS.build(cfg)), np.random.default_rng(0)
            pairs = [(sample, some_answer(sample, rng)) for sample in truth]
            lines = [json.dumps({**sample.ids, **answer}) for sample, answer in reversed(pairs)]  # in any order
            (folder / 'answers.jsonl').write_text('\n'.join(lines))
            own = dict(version=2, predictions=[own_record(*pair) for pair in pairs])
            (folder / 'own.json').write_text(json.dumps(own))
            made[name] = cfg, truth, folder
        return made[name]

    return make


def test_every_protocol_is_compared():
    compared = sorted(protocol for protocols in OF_DATA.values() for protocol in protocols)
    # HumanRef counts the persons of an image: see tests/datasets/formats/test_benchmarks.py
    assert compared == sorted(set(PROTOCOLS) - {'humanref'})


@pytest.mark.parametrize(('data', 'protocol'), [(data, name) for data, names in OF_DATA.items() for name in names])
def test_scores_are_those_of_the_evaluator(data, protocol, answered_data):
    settings, truth, folder = answered_data(data)
    steps = [dict(type='Resize', scale=(64, 64)), dict(type='LoadGroundingAnnotations')]  # after it: original pixels
    dataset = dict(settings, pipeline=steps)
    cfg = Config(
        dict(default_scope='mmvg', test_dataloader=dict(dataset=dataset), test_evaluator=[PROTOCOLS[protocol]])
    )
    expected = score_predictions(cfg, folder / 'own.json')
    rule = 'best_scored' if protocol in ('rec', 'ref_l4') else 'all'
    report = score_answers(truth, folder / 'answers.jsonl', protocol, dict(unit='pixel', rule=rule))
    np.testing.assert_equal(report.scores, expected)
    assert len({value for value in expected.values() if 0 < value < 100}) > 1  # neither all right nor all wrong


@pytest.mark.parametrize(('data', 'protocol'), [('grefcoco', 'gres'), ('rrefcoco', 'rref')])
def test_several_processes_give_the_same_digits_and_rows(data, protocol, answered_data, tmp_path, monkeypatch):
    monkeypatch.setattr('mmvg.scoring.scorer.CHUNK', 7)
    _, truth, folder = answered_data(data)
    reports = [
        score_answers(
            truth,
            folder / 'answers.jsonl',
            protocol,
            dict(rule='all', unit='pixel'),
            processes=processes,
            per_sample=tmp_path / f'{processes}.jsonl',
        )
        for processes in (1, 3)
    ]
    np.testing.assert_equal(vars(reports[0]), vars(reports[1]))
    assert (tmp_path / '1.jsonl').read_text() == (tmp_path / '3.jsonl').read_text()


def test_processes_read_a_file_with_doubles_each_for_itself(tmp_path, monkeypatch):
    """The doubles are read before the processes start, which must not share the place in the file."""
    monkeypatch.setattr('mmvg.scoring.scorer.CHUNK', 10)
    numbers = range(1, 601)
    line = dict(image='a.png', boxes=[[8, 6, 40, 30]], width=80, height=60)
    (tmp_path / 'truth.jsonl').write_text('\n'.join(json.dumps(dict(line, expression=f'mug {n}')) for n in numbers))
    made = [dict(sent_id=n, boxes=[[8, 6, 40, 30 - n % 20]], prompt='x' * 9000) for n in numbers]  # beyond a buffer
    path = tmp_path / 'doubled.jsonl'
    path.write_text('\n'.join(map(json.dumps, [*made[::-1], made[0]])))
    truth, declared = open_truth(str(tmp_path / 'truth.jsonl')), dict(rule='all', unit='pixel')
    one, two = (
        score_answers(truth, path, 'grec', declared, allow=['double'], processes=processes) for processes in (1, 2)
    )
    assert one.counts['double answer'] == 1
    np.testing.assert_equal(vars(one), vars(two))
    answers = AnswerFile(path)
    place = os.lseek(answers._file.fileno(), 0, os.SEEK_CUR)
    assert len(list(score_chunks(Scorer(answers, Declaration.of(declared), 'grec'), truth, processes=2))) == 60
    assert os.lseek(answers._file.fileno(), 0, os.SEEK_CUR) == place  # no process has moved it


def test_running_sums_do_not_depend_on_order_or_grouping():
    rng = np.random.default_rng(0)
    values = [float(value) for value in rng.random(1000) * 10.0 ** rng.integers(-12, 12, 1000)]
    whole, halves = RunningScores(), [RunningScores(), RunningScores()]
    for number, value in enumerate(values):
        whole.add({'x': (value, 1)})
        halves[number % 2].add({'x': (value, 1)})
    halves[1].merge(halves[0])
    assert whole.percents() == halves[1].percents()
