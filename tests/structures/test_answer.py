import json

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData, PixelData

from mmvg.structures import (
    ANSWER_VERSION,
    Answer,
    Candidates,
    GroundingSample,
    check_threshold,
    passes,
    union_mask,
)

LEFT, RIGHT, TOP = (np.zeros((4, 6), dtype=bool) for _ in range(3))
LEFT[:, :2] = RIGHT[:, 4:] = TOP[:1] = True
BOXES = np.array([[0, 0, 2, 4], [4, 0, 6, 4], [0, 0, 6, 1]], dtype=np.float32)


def candidates(scores=(0.4, 0.9, 0.6), mask_output='merge', **fields):
    """Three queries on a picture of 4 x 6, of which the second is best, and a global mask."""
    made = dict(
        boxes=BOXES,
        scores=np.array(scores, dtype=np.float32),
        masks=np.stack([LEFT, RIGHT, LEFT & TOP]),
        points=BOXES[:, :2] + 0.5,
        global_mask=TOP,
        mask_output=mask_output,
    )
    return Candidates(**made | fields)


def sample_of(made, **meta):
    """A sample with what ``made`` proposes, as a head leaves it, decided at 0.5."""
    sample = GroundingSample(metainfo=dict(ori_shape=(4, 6), img_shape=(8, 12), pred_frame='original') | meta)
    sample.text = 'both mugs'
    made.at(0.5, frame='original').write_to(sample)
    return sample


@pytest.mark.parametrize(
    ('score', 'threshold', 'expected'),
    [
        (0.7, 0.7, False),
        (0.6, 0.6, False),  # 0.6 as float32 is more than 0.6: compared in double precision it would pass
        (np.nextafter(np.float32(0.6), np.float32(1)), 0.6, True),
        (0.0, 0.0, False),
        (1.0, 1.0, False),
        (float('nan'), 0.1, False),
    ],
)
@pytest.mark.parametrize('number', [float, np.float32, np.float64, torch.tensor])
def test_more_than_the_threshold_in_float32_whatever_the_types(score, threshold, expected, number):
    wanted = number(threshold)
    assert bool(passes(torch.tensor(score, dtype=torch.float32), wanted)) is expected
    assert bool(passes(np.float32(score), wanted)) is expected
    assert passes(float(np.float32(score)), wanted) is expected
    assert passes(np.array([score], dtype=np.float64), wanted).tolist() == [expected]


@pytest.mark.parametrize('value', [0, 1, 0.5, np.float32(0.5), np.float16(0.5), np.array(0.5), torch.tensor(0.5)])
def test_numbers_of_any_library_are_thresholds(value):
    assert check_threshold(value) == float(value)


@pytest.mark.parametrize('value', [-0.1, 1.1, float('nan'), '0.5', None, True, [0.5], np.array([0.1, 0.2])])
def test_what_is_no_number_in_0_to_1_is_no_threshold(value):
    with pytest.raises(ValueError, match=r'must be a number in \[0, 1\]'):
        check_threshold(value)


@pytest.mark.parametrize(
    ('mask_output', 'expected'),
    [
        ('instance', {0.3: LEFT | RIGHT, 0.5: RIGHT | (LEFT & TOP), 0.7: RIGHT, 0.95: None}),
        ('merge', {0.3: LEFT | RIGHT | TOP, 0.5: RIGHT | TOP, 0.7: RIGHT | TOP, 0.95: None}),
        ('global', {0.3: TOP, 0.7: TOP, 0.95: None}),
        ('target', {0.3: TOP, 0.7: TOP, 0.95: None}),
    ],
)
def test_a_threshold_moves_boxes_mask_and_verdict_together(mask_output, expected):
    whole = Answer.from_sample(sample_of(candidates(mask_output=mask_output)))
    for threshold, mask in expected.items():
        for answer in (whole.at(threshold), candidates(mask_output=mask_output).at(threshold)):
            found = [index for index in (1, 2, 0) if candidates().scores[index] > threshold]
            np.testing.assert_array_equal(answer.boxes, BOXES[found])
            np.testing.assert_array_equal(answer.points, BOXES[found][:, :2] + 0.5)
            np.testing.assert_array_equal(answer.masks, candidates().masks[found])
            assert answer.no_target == (mask is None) == (not found)
            np.testing.assert_array_equal(answer.mask, TOP & False if mask is None else mask)


def test_metrics_keep_the_mask_that_their_protocols_ask_for():
    """InstanceVG's global mask is scored even where nothing is meant; a mask behind a target score is emptied."""
    for mask_output, scored in (('merge', TOP), ('global', TOP), ('target', TOP & False), ('instance', TOP & False)):
        np.testing.assert_array_equal(candidates(mask_output=mask_output).scored_mask(0.95, no_target=True), scored)
    tensors = [torch.from_numpy(mask) for mask in (np.stack([LEFT, RIGHT]), TOP)]
    merged = union_mask(tensors[0], torch.tensor([True, False]), tensors[1], 'merge', no_target=False)
    np.testing.assert_array_equal(merged.numpy(), LEFT | TOP)


def test_without_a_target_there_is_no_instance_no_grasp_and_no_pixel():
    grasps = np.ones((2, 5), dtype=np.float32)
    made = candidates(target_score=0.3, grasps=grasps, grasp_scores=np.array([0.8, 0.9], dtype=np.float32))
    record = made.at(0.5).to_record()
    assert record['no_target'] is True
    assert record['target_score'] == 0.3
    assert record['boxes'] == record['scores'] == record['masks'] == record['points'] == []
    assert record['grasps'] == record['grasp_scores'] == []
    assert not Answer.from_record(record).mask.any()
    found = made.at(0.2).to_record()
    assert found['grasp_scores'] == [float(np.float32(0.9)), float(np.float32(0.8))]
    assert len(found['boxes']) == 3


def test_suppressed_queries_are_never_found():
    assert len(candidates(scores=(0.0, 0.9, 0.0)).at(0.0).boxes) == 1


def test_a_model_that_gives_no_score_keeps_its_verdict():
    for nothing in (True, False):
        sample = GroundingSample(metainfo=dict(ori_shape=(4, 6)))
        sample.pred_sem_seg = PixelData(sem_seg=torch.from_numpy(TOP)[None])
        sample.pred_no_target = nothing
        for threshold in (None, 0.0, 0.9):
            answer = Answer.from_sample(sample, threshold)
            assert answer.no_target is nothing
            assert answer.mask.any() != nothing
    boxes_only = GroundingSample()
    boxes_only.pred_instances = InstanceData(bboxes=torch.from_numpy(BOXES))
    assert Answer.from_sample(boxes_only).boxes.shape == (3, 4)


@pytest.mark.parametrize('mask_output', ['instance', 'merge', 'global', 'target'])
@pytest.mark.parametrize('scores', [(0.4, 0.9, 0.6), (0.1, 0.2, 0.3)])
def test_a_whole_record_is_read_back_as_it_was(mask_output, scores):
    sample = sample_of(candidates(scores, mask_output), dataset='toy', img_id=1, ref_id=2, sent_id=3, img_path='a.png')
    answer = Answer.from_sample(sample)
    record = answer.to_record(whole=True)
    assert json.loads(json.dumps(record)) == record
    assert record['version'] == ANSWER_VERSION == 2
    assert (record['dataset'], record['sent_id'], record['image'], record['size']) == ('toy', 3, 'a.png', [4, 6])
    again = Answer.from_record(record)
    assert again.to_record(whole=True) == record
    for threshold in (0.15, 0.35, 0.7):
        assert again.at(threshold).to_record(whole=True) == answer.at(threshold).to_record(whole=True)
    other = GroundingSample()
    again.write_to(other)
    assert (other.pred_no_target, other.target_score) == (sample.pred_no_target, sample.target_score)
    assert torch.equal(other.pred_sem_seg.sem_seg, sample.pred_sem_seg.sem_seg)
    for name in ('bboxes', 'scores', 'masks', 'points'):
        assert torch.equal(other.pred_instances[name], sample.pred_instances[name])
        assert other.pred_instances[name].dtype == sample.pred_instances[name].dtype


def test_a_record_of_instances_alone_stays_one():
    """Its mask is theirs, and no global one, which would stay at any threshold."""
    answer = candidates(global_mask=None).at(0.5, frame='original', size=(4, 6))
    again = Answer.from_record(json.loads(json.dumps(answer.to_record(whole=True))))
    for threshold in (0.2, 0.5, 0.8):
        assert again.at(threshold).mask.tolist() == answer.at(threshold).mask.tolist()


def test_a_short_record_is_read_and_says_that_it_cannot_be_decided_anew():
    short = Answer.from_record(candidates().at(0.5, frame='original').to_record())
    np.testing.assert_array_equal(short.boxes, BOXES[[1, 2]])
    with pytest.raises(ValueError, match='ask for a whole one'):
        short.at(0.3)
    with pytest.raises(ValueError, match='save whole answers'):
        short.write_to(GroundingSample())


def test_another_version_is_refused():
    with pytest.raises(ValueError, match='version 3; version 2 can be read'):
        Answer.from_record(dict(version=3))


def test_the_size_is_that_of_the_frame():
    for frame, size in (('original', (4, 6)), ('input', (8, 12))):
        sample = sample_of(candidates())
        sample.set_metainfo(dict(pred_frame=frame))
        assert (Answer.from_sample(sample).frame, Answer.from_sample(sample).size) == (frame, size)


def test_no_query_at_all():
    made = Candidates(
        boxes=np.zeros((0, 4), np.float32), scores=np.zeros(0, np.float32), masks=np.zeros((0, 4, 6), bool)
    )
    made.mask_output = 'instance'
    answer = made.at(0.5, size=(4, 6))
    assert answer.no_target
    assert answer.mask.shape == (4, 6)
    assert Answer.from_record(answer.to_record(whole=True)).masks.shape == (0, 4, 6)
