import numpy as np
import pytest
import torch
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData, PixelData

from mmvg.structures import GroundingSample, grasps_to_corners
from mmvg.visualization.layers import Layers, agreement, ground_truth, overlap, prediction

# original 20 x 10 (H x W), letterboxed to 40 x 40: twice as large, moved right by 10
LETTERBOX = [[2.0, 0.0, 10.0], [0.0, 2.0, 0.0], [0.0, 0.0, 1.0]]


def mask(shape, x1, y1, x2, y2):
    made = np.zeros(shape, dtype=bool)
    made[y1:y2, x1:x2] = True
    return made


def sample_with(frame, boxes=(), masks=None, **fields):
    sample = GroundingSample(metainfo=dict(gt_frame=frame, pred_frame=frame, homography_matrix=np.array(LETTERBOX)))
    instances = InstanceData(bboxes=torch.tensor(np.asarray(boxes, dtype=np.float32).reshape(-1, 4)))
    if masks is not None:
        instances.masks = BitmapMasks(masks.astype(np.uint8), *masks.shape[1:])
    sample.gt_instances = instances
    for name, value in fields.items():
        setattr(sample, name, value)
    return sample


@pytest.mark.parametrize(
    ('gt_frame', 'boxes', 'shape', 'target', 'expected'),
    [
        ('original', [1, 2, 4, 8], (20, 10), 'original', [1, 2, 4, 8]),
        ('original', [1, 2, 4, 8], (40, 40), 'input', [12, 4, 18, 16]),  # 2 * 1 + 10, 2 * 2, 2 * 4 + 10, 2 * 8
        ('input', [12, 4, 18, 16], (20, 10), 'original', [1, 2, 4, 8]),
        ('input', [12, 4, 18, 16], (40, 40), 'input', [12, 4, 18, 16]),
    ],
)
def test_boxes_masks_and_points_move_together_between_the_frames(gt_frame, boxes, shape, target, expected):
    source = (20, 10) if gt_frame == 'original' else (40, 40)
    sample = sample_with(gt_frame, [boxes], mask(source, *boxes)[None], no_target=False)
    sample.pred_instances = InstanceData(
        points=torch.tensor([boxes[:2]], dtype=torch.float32), scores=torch.tensor([0.9])
    )
    truth = ground_truth(sample, target, shape)
    np.testing.assert_allclose(truth.boxes, [expected])
    np.testing.assert_array_equal(truth.masks[0], mask(shape, *expected))
    np.testing.assert_allclose(prediction(sample, target, shape, 0.7).points, [expected[:2]])


def test_a_sample_without_target_has_no_boxes_and_no_masks():
    sample = sample_with('original', masks=np.zeros((0, 20, 10), dtype=bool), no_target=True)
    truth = ground_truth(sample, 'input', (40, 40))
    assert truth.no_target
    assert truth.boxes.shape == (0, 4)
    assert truth.masks.shape == (0, 40, 40)


def test_what_scores_more_than_the_threshold_is_kept_best_first_and_nothing_else():
    sample = sample_with('original')
    sample.pred_instances = InstanceData(
        bboxes=torch.arange(12.0).reshape(3, 4), scores=torch.tensor([0.2, 0.75, 0.9]), points=torch.zeros(3, 2)
    )
    kept = prediction(sample, 'original', (20, 10), 0.7)
    np.testing.assert_allclose(kept.boxes, [[8, 9, 10, 11], [4, 5, 6, 7]])  # the best is number 1
    assert kept.points.shape == (2, 2)
    assert len(prediction(sample, 'original', (20, 10), 0.95).scores) == 0
    np.testing.assert_allclose(prediction(sample, 'original', (20, 10), 0.75).scores, [0.9])  # 0.75 is not more
    sample.pred_sem_seg = PixelData(sem_seg=torch.ones(1, 20, 10, dtype=torch.bool))
    sample.target_score = 0.1
    nothing = prediction(sample, 'original', (20, 10), 0.1)
    assert nothing.no_target
    assert nothing.boxes.shape == (0, 4)
    assert nothing.union is None


def test_without_annotation_or_answer_there_is_nothing_to_draw():
    empty = GroundingSample()
    assert ground_truth(empty, 'original', (4, 4)) is None
    assert prediction(empty, 'original', (4, 4), 0.5) is None


def test_agreement():
    left, right = np.array([[0, 0, 4, 4.0]]), np.array([[6, 6, 8, 8.0]])
    half = np.array([[0, 0, 4, 2.0]])  # IoU 0.5 with left
    assert agreement(Layers(no_target=True), Layers(no_target=True)) == 1
    assert agreement(Layers(no_target=True), Layers(boxes=left)) == 0
    assert agreement(Layers(boxes=left), Layers(no_target=True)) == 0
    assert agreement(Layers(boxes=left), Layers(boxes=half)) == pytest.approx(0.5)
    assert agreement(Layers(boxes=left), Layers(boxes=np.concatenate([half, right]))) == pytest.approx(0.25)
    assert agreement(Layers(boxes=left), Layers()) == 0
    unions = [mask((4, 4), 0, 0, 2, 4), mask((4, 4), 1, 0, 3, 4)]  # 4 of 12 pixels in common
    assert agreement(*(Layers(boxes=left, union=union) for union in unions)) == pytest.approx(1 / 3)


def test_an_answer_with_an_object_too_many_is_less_than_half_right_though_its_mask_is_the_same():
    both, union = np.array([[0, 0, 4, 4.0], [6, 6, 8, 8.0]]), mask((8, 8), 0, 0, 4, 4)
    three = np.concatenate([both, [[0, 0, 1, 1.0]]])
    truth = Layers(boxes=both, union=union)
    assert agreement(truth, Layers(boxes=both, union=union, masks=np.stack([union] * 2))) == 1
    assert agreement(truth, Layers(boxes=three, union=union, masks=np.stack([union] * 3))) == pytest.approx(1 / 3)
    assert agreement(truth, Layers(boxes=both[:1], union=union, masks=union[None])) == pytest.approx(1 / 4)
    assert overlap(truth, Layers(boxes=three, union=union)) == 1  # which is what is written over the picture
    beside = Layers(
        boxes=three[2:], union=union, masks=union[None]
    )  # one object whose box is wrong and whose mask is not
    assert agreement(Layers(boxes=both[:1], union=union), beside) == 1
    around = Layers(boxes=np.array([[0, 0, 8, 8.0]]), union=union)  # of a model with one mask and the box around it
    assert agreement(truth, around) == 1


def test_grasps_move_as_corners_with_their_jaws_and_the_best_come_first():
    sample = GroundingSample(metainfo=dict(gt_frame='original', homography_matrix=np.array(LETTERBOX)))
    sample.gt_grasps = torch.tensor([[5.0, 10.0, 4.0, 2.0, 0.0]])
    truth = ground_truth(sample, 'input', (40, 40))
    # the centre is at (20, 20), the opening 8 along x, the jaws 4 along y
    np.testing.assert_allclose(truth.grasps[0], [[17, 19], [17, 23], [25, 23], [25, 19]])  # from corners of pixels
    grasps = torch.tensor([[5.0, 10.0, 4.0, 2.0, 0.5], [3.0, 3.0, 4.0, 2.0, 0.0], [3.0, 9.0, 4.0, 2.0, 0.0]])
    sample.pred_grasps = InstanceData(grasps=grasps, scores=torch.tensor([0.2, 0.6, 0.8]))
    np.testing.assert_allclose(prediction(sample, 'original', (20, 10), 0.5).grasp_scores, [0.8, 0.6])
    np.testing.assert_allclose(prediction(sample, 'original', (20, 10), 0.7).grasps[0].mean(0), [3.5, 9.5])
    assert prediction(sample, 'original', (20, 10), 0.9).grasps.shape == (0, 4, 2)
    sample.pred_no_target = True
    assert prediction(sample, 'original', (20, 10), 0.5).grasps.shape == (0, 4, 2)


def test_the_attention_is_stretched_over_the_input_and_cut_to_the_image():
    sample = GroundingSample(metainfo=dict(homography_matrix=np.array(LETTERBOX), img_shape=(40, 40)))
    sample.pred_no_target = False
    sample.pred_attention = torch.tensor([[0.0, 0.0, 0.0, 0.0], [0.0, 0.02, 0.0, 0.0], [0.0] * 4, [0.0] * 4])
    attention = prediction(sample, 'original', (20, 10), 0.5).attention
    assert attention.shape == (20, 10)
    # the cell is at 10 to 20 in the input, so at 0 to 5 across and 5 to 10 down in the image
    assert np.unravel_index(attention.argmax(), attention.shape)[0] in (7, 8)
    assert attention[7, 2] > 0.9
    assert attention[7, 9] == attention[17, 2] == 0
    assert prediction(sample, 'input', (40, 40), 0.5).attention.max() == pytest.approx(1, abs=0.1)


def test_grasp_maps_move_with_the_image():
    sample = GroundingSample(metainfo=dict(gt_frame='original', homography_matrix=np.array(LETTERBOX)))
    sample.pred_no_target = False
    maps = torch.zeros(4, 20, 10)
    maps[0, 4:8, 2:6] = 1
    sample.pred_grasp_maps = maps
    np.testing.assert_array_equal(prediction(sample, 'original', (20, 10)).grasp_maps, maps)
    moved = prediction(sample, 'input', (40, 40)).grasp_maps
    assert moved.shape == (4, 40, 40)
    assert np.argwhere(moved[0] > 0.5).min(0).tolist() == [8, 14]  # twice as far, and ten to the right
    sample.gt_grasps = torch.zeros(0, 5)
    sample.gt_grasp_maps = PixelData(maps=torch.ones(4, 40, 40))
    np.testing.assert_array_equal(ground_truth(sample, 'input', (40, 40)).grasp_maps, np.ones((4, 40, 40)))


@pytest.mark.parametrize('part', ['boxes', 'masks', 'points', 'grasps', 'attention', 'grasp_maps'])
def test_what_is_not_asked_for_is_left_out(part):
    answer = Layers(
        boxes=np.ones((2, 4)),
        masks=np.ones((2, 3, 3), dtype=bool),
        union=np.ones((3, 3), dtype=bool),
        scores=np.ones(2),
        points=np.ones((1, 2)),
        grasps=np.ones((1, 4, 2)),
        attention=np.ones((3, 3)),
        grasp_maps=np.ones((4, 3, 3)),
    )
    kept = answer.only([part])
    fields = dict(boxes=len(kept.boxes), masks=kept.masks, points=kept.points, grasps=kept.grasps)
    fields |= dict(attention=kept.attention, grasp_maps=kept.grasp_maps)
    assert [name for name, value in fields.items() if value is not None and np.size(value) and np.any(value)] == [part]
    assert (kept.union is not None) == (part == 'masks')
    assert len(answer.boxes) == 2


def test_an_answer_with_grasps_is_right_by_its_best_grasp_whatever_its_mask():
    whole = np.ones((40, 40), dtype=bool)
    right, wrong = ([20.0, 20, 12, 6, 0], [20.0, 20, 12, 6, 1.2])  # turned by 69 degrees
    truth = Layers(union=whole, grasps=grasps_to_corners(np.array([right])))
    first_right = Layers(
        union=whole, grasps=grasps_to_corners(np.array([right, wrong])), grasp_scores=np.array([0.9, 0.8])
    )
    first_wrong = Layers(
        union=whole, grasps=grasps_to_corners(np.array([right, wrong])), grasp_scores=np.array([0.7, 0.8])
    )
    none = Layers(union=whole, grasps=np.zeros((0, 4, 2)), grasp_scores=np.zeros(0))
    assert [agreement(truth, answer) for answer in (first_right, first_wrong, none)] == [1, 0, 0]
    assert agreement(truth, Layers(union=whole)) == 1  # a model without grasps is judged by its mask
