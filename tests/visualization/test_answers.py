import numpy as np
import pytest
import torch
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData, PixelData

from mmvg.structures import GroundingSample
from mmvg.visualization.answers import Answer, agreement, ground_truth, prediction

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
    sample.pred_instances = InstanceData(points=torch.tensor([boxes[:2]], dtype=torch.float32))
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


def test_instances_above_the_threshold_are_kept_and_otherwise_the_best():
    sample = sample_with('original')
    sample.pred_instances = InstanceData(
        bboxes=torch.arange(12.0).reshape(3, 4), scores=torch.tensor([0.2, 0.9, 0.75]), points=torch.zeros(3, 2)
    )
    kept = prediction(sample, 'original', (20, 10), 0.7)
    np.testing.assert_allclose(kept.boxes, [[4, 5, 6, 7], [8, 9, 10, 11]])
    assert kept.points.shape == (3, 2)  # all prior points are drawn
    np.testing.assert_allclose(prediction(sample, 'original', (20, 10), 0.95).scores, [0.9])
    sample.pred_no_target = True
    sample.pred_sem_seg = PixelData(sem_seg=torch.ones(1, 20, 10, dtype=torch.bool))
    nothing = prediction(sample, 'original', (20, 10), 0.1)
    assert nothing.boxes.shape == (0, 4)
    assert nothing.union is None


def test_without_annotation_or_answer_there_is_nothing_to_draw():
    empty = GroundingSample()
    assert ground_truth(empty, 'original', (4, 4)) is None
    assert prediction(empty, 'original', (4, 4), 0.5) is None


def test_agreement():
    left, right = np.array([[0, 0, 4, 4.0]]), np.array([[6, 6, 8, 8.0]])
    half = np.array([[0, 0, 4, 2.0]])  # IoU 0.5 with left
    assert agreement(Answer(no_target=True), Answer(no_target=True)) == 1
    assert agreement(Answer(no_target=True), Answer(boxes=left)) == 0
    assert agreement(Answer(boxes=left), Answer(no_target=True)) == 0
    assert agreement(Answer(boxes=left), Answer(boxes=half)) == pytest.approx(0.5)
    assert agreement(Answer(boxes=left), Answer(boxes=np.concatenate([half, right]))) == pytest.approx(0.25)
    assert agreement(Answer(boxes=left), Answer()) == 0
    unions = [mask((4, 4), 0, 0, 2, 4), mask((4, 4), 1, 0, 3, 4)]  # 4 of 12 pixels in common
    assert agreement(*(Answer(boxes=left, union=union) for union in unions)) == pytest.approx(1 / 3)
