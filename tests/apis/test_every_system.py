"""Every system of the toolbox answers through the inferencer, on its tiny config with random weights."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from mmvg.apis import GroundingInferencer, answer_record, describe_answer
from mmvg.refshapes import draw_scene, sample_scene
from mmvg.structures import Answer
from mmvg.visualization.layers import PARTS, prediction

ROOT = Path(__file__).parents[2]
SYSTEMS = sorted(path.parent.name for path in ROOT.glob('configs/*/tiny.py'))
SENTENCES = ['the red ring', 'both stars to the left of the mug', 'left', 'the mug by its handle']
PICTURES = [draw_scene(sample_scene(np.random.default_rng(seed))).image for seed in range(3)]
PAIRS = [(picture, sentence) for picture in PICTURES for sentence in SENTENCES]


@pytest.fixture(scope='module', params=SYSTEMS)
def find(request, random_checkpoint):
    path = random_checkpoint(request.param)
    return GroundingInferencer(path, device='cpu', show_progress=False)


def ask(find, order, batch_size):
    pictures, sentences = zip(*(PAIRS[i] for i in order), strict=True)
    result = find(list(pictures), list(sentences), pairs=True, batch_size=batch_size, return_datasamples=True)
    return dict(zip(order, result['predictions'], strict=True))


def numbers_of(sample):
    """Every continuous number of an answer, by name."""
    found = {}
    if 'pred_instances' in sample:
        for key in ('scores', 'bboxes', 'points'):
            if key in sample.pred_instances:
                found[key] = sample.pred_instances[key]
    if 'pred_grasps' in sample:
        found['grasp scores'] = sample.pred_grasps.scores
    if sample.get('target_score') is not None:
        found['target score'] = torch.tensor([sample.target_score])
    return found


def test_an_answer_does_not_depend_on_its_neighbours(find):
    everything = list(range(len(PAIRS)))
    shuffled = np.random.default_rng(0).permutation(len(PAIRS)).tolist()
    alone = ask(find, everything, 1)
    for others in (ask(find, everything, 8), ask(find, shuffled, 8)):
        for i, sample in alone.items():
            numbers, again = numbers_of(sample), numbers_of(others[i])
            assert numbers.keys() == again.keys()
            differing = mask_of(sample) ^ mask_of(others[i])
            assert differing.float().mean() <= 1e-3  # pixels whose probability is the threshold
            for key, value in numbers.items():
                size = max(1.0, float(value.abs().max())) if value.numel() else 1.0
                # the target score of some is a mean over the mask, in which a pixel on the threshold counts or not
                allowed = 1e-3 if key == 'target score' and differing.any() else 5e-5 * size
                torch.testing.assert_close(
                    again[key], value, atol=allowed, rtol=0, msg=lambda text, key=key, i=i: f'{key} of pair {i}: {text}'
                )


def mask_of(sample):
    return sample.pred_sem_seg.sem_seg if 'pred_sem_seg' in sample else torch.zeros(1, dtype=torch.bool)


def test_answers_depend_on_picture_and_sentence(find, monkeypatch):
    # with every pixel in the mask, the target score of those without a verdict is the mean probability
    monkeypatch.setattr(find.model.head.postprocess, 'mask_thr', 0.0)
    answers = ask(find, range(len(PAIRS)), 8)

    def differ(first, second):
        one, two = answers[first], answers[second]
        numbers, others = numbers_of(one), numbers_of(two)
        if any(numbers[key].shape != others[key].shape or (numbers[key] != others[key]).any() for key in numbers):
            return True
        masks = [mask_of(sample) for sample in (one, two)]
        return masks[0].shape != masks[1].shape or bool((masks[0] != masks[1]).any())

    same_picture = {(i, i + 1): differ(i, i + 1) for i in range(len(PAIRS)) if (i + 1) % len(SENTENCES)}
    neighbours = [(i, i + len(SENTENCES)) for i in range(len(PAIRS) - len(SENTENCES))]
    same_sentence = {pair: differ(*pair) for pair in neighbours}
    assert [pair for pair, different in {**same_picture, **same_sentence}.items() if not different] == []


@pytest.mark.parametrize('threshold', [None, 0.0, 0.5, 0.9, 1.0])
def test_one_threshold_decides_all_of_an_answer(find, threshold):
    """Whatever the model, its record and its layers say the same, and nothing in them contradicts the threshold."""
    for sample in ask(find, range(len(PAIRS)), 8).values():
        answer = Answer.from_sample(sample, threshold)
        used = np.float32(answer.score_thr)
        assert answer.score_thr == (find.score_thr if threshold is None else threshold)
        assert answer.no_target == (not np.float32(answer.target_score) > used)
        for scores in (answer.scores, answer.grasp_scores):
            assert scores is None or (scores > used).all()
        if answer.no_target:
            parts = [answer.boxes, answer.masks, answer.points, answer.grasps]
            assert not any(len(part) for part in parts if part is not None)
            assert answer.mask is None or not answer.mask.any()
        elif threshold is None and 'pred_sem_seg' in sample:
            assert torch.equal(torch.from_numpy(answer.mask), sample.pred_sem_seg.sem_seg[0])
        assert threshold is not None or answer.no_target == sample.pred_no_target
        layers = prediction(sample, 'original', tuple(sample.ori_shape), threshold)
        assert layers.no_target == answer.no_target
        assert len(layers.boxes) == count(answer.boxes)
        assert count(layers.grasps) == count(answer.grasps)
        assert answer.no_target or answer.mask is None or np.array_equal(layers.union, answer.mask)


def count(parts):
    return 0 if parts is None else len(parts)


def test_answers_are_json_and_drawn(find):
    picture = PICTURES[0]
    sample = ask(find, [1], 1)[1]
    record = answer_record(sample, 0.0)
    assert json.loads(json.dumps(record)) == record
    assert record['size'] == list(picture.shape[:2])
    assert {'boxes', 'mask', 'grasps'} & set(record)
    assert describe_answer(record)
    drawn = find.visualizer.draw(np.ascontiguousarray(picture[..., ::-1]), sample, score_thr=0.0, parts=PARTS)
    assert drawn.dtype == np.uint8
    assert drawn.std() > 5
