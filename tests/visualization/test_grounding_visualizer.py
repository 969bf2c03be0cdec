import mmcv
import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData, PixelData

from mmvg.registry import VISUALIZERS
from mmvg.structures import GroundingSample
from mmvg.visualization import GroundingVisualizer
from mmvg.visualization.layers import OVERLAYS
from mmvg.visualization.palette import BLUE, VERMILLION, instance_color

HEIGHT, WIDTH = 24, 32


def answered(boxes, predicted, scores, text='the red dog', **metainfo):
    """A sample with boxes as masks; predicted with ``scores``, and nothing found where all are below 0.7."""
    sample = GroundingSample(metainfo=dict(dataset='toy', img_id=1, ref_id=2, sent_id=3, **metainfo))
    sample.text = text
    truth = torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4)
    sample.gt_instances = InstanceData(bboxes=truth)
    sample.gt_sem_seg = PixelData(sem_seg=masks_of(truth).any(0, keepdim=True).to(torch.uint8))
    sample.no_target = not boxes
    found = torch.tensor(predicted, dtype=torch.float32).reshape(-1, 4)
    scores = torch.tensor(scores)
    sample.pred_instances = InstanceData(bboxes=found, scores=scores, masks=masks_of(found), points=found[:, :2])
    sample.pred_sem_seg = PixelData(sem_seg=masks_of(found)[scores > 0.7].any(0, keepdim=True))
    sample.pred_no_target = not bool((scores > 0.7).any())
    sample.target_score = float(scores.max())
    return sample


def masks_of(boxes):
    masks = torch.zeros(len(boxes), HEIGHT, WIDTH, dtype=torch.bool)
    for mask, (x1, y1, x2, y2) in zip(masks, boxes.int().tolist(), strict=True):
        mask[y1:y2, x1:x2] = True
    return masks


IMAGE = np.full((HEIGHT, WIDTH, 3), (200, 30, 60), np.uint8)
BOX, OTHER = [2, 2, 12, 12], [16, 10, 30, 22]
RIGHT = answered([BOX], [BOX, OTHER], [0.9, 0.1])
WRONG = answered([BOX], [BOX, OTHER], [0.1, 0.9])
REFUSED = answered([], [BOX, OTHER], [0.2, 0.1], text='a blue cat')
OVERSEEN = answered([BOX, OTHER], [BOX, OTHER], [0.2, 0.1])


def has(picture, color):
    return (picture == np.array(color)).all(-1).sum() > 200


@pytest.mark.parametrize(
    ('sample', 'color'), [(RIGHT, BLUE), (REFUSED, BLUE), (WRONG, VERMILLION), (OVERSEEN, VERMILLION)]
)
def test_the_verdict_is_blue_where_it_is_right_and_vermillion_where_it_is_wrong(sample, color):
    picture = GroundingVisualizer(panel_size=200).draw(IMAGE, sample)
    assert picture.dtype == np.uint8
    assert has(picture, color)
    assert not has(picture, VERMILLION if color == BLUE else BLUE)


def test_truth_and_answer_stand_side_by_side_and_can_be_left_out():
    visualizer = GroundingVisualizer(panel_size=200)
    both = visualizer.draw(IMAGE, RIGHT)
    truth = visualizer.draw(IMAGE, RIGHT, draw_pred=False)
    answer = visualizer.draw(IMAGE, RIGHT, draw_gt=False)
    assert truth.shape[1] == answer.shape[1] == 200
    assert 400 < both.shape[1] < 420
    assert not has(truth, BLUE)


def test_the_image_keeps_its_colours():
    picture = GroundingVisualizer(panel_size=200).draw(IMAGE, REFUSED)
    assert (picture == IMAGE[0, 0]).all(-1).mean() > 0.5


@pytest.mark.parametrize('shape', [(8, 8), (600, 40), (40, 900), (480, 640)])
def test_every_size_of_image_becomes_legible(shape):
    sample = GroundingSample()
    sample.text = 'an expression of some length'
    sample.no_target = True
    sample.gt_instances = InstanceData(bboxes=torch.zeros(0, 4))
    picture = GroundingVisualizer(panel_size=200).draw(np.zeros((*shape, 3), np.uint8), sample)
    assert picture.shape[1] >= 120
    assert 40 < picture.shape[0] < 330  # the longer side is 200, text is above


def test_a_sample_with_nothing_but_a_text_is_drawn():
    sample = GroundingSample()
    sample.text = 'hello'
    assert GroundingVisualizer(panel_size=100).draw(IMAGE, sample).shape[1] == 100


def test_the_sheet_can_begin_with_the_failures():
    visualizer = GroundingVisualizer(panel_size=120)
    items = [(IMAGE, RIGHT), (IMAGE, WRONG)]
    plain = visualizer.contact_sheet(items, columns=1)
    sorted_sheet = visualizer.contact_sheet(items, columns=1, failures_first=True)
    half = plain.shape[0] // 2
    assert has(plain[:half], BLUE)
    assert has(plain[half:], VERMILLION)
    assert has(sorted_sheet[:half], VERMILLION)
    assert has(sorted_sheet[half:], BLUE)
    wide = visualizer.contact_sheet(items, columns=2)
    assert wide.shape[1] > 1.9 * plain.shape[1] - 20
    with pytest.raises(ValueError, match='at least one'):
        visualizer.contact_sheet([])


def test_it_takes_the_calls_of_mmdets_hooks_and_writes_to_files_and_backends(tmp_path):
    visualizer = VISUALIZERS.build(
        dict(
            type='GroundingVisualizer',
            name='test_visualizer',
            panel_size=100,
            vis_backends=[dict(type='LocalVisBackend')],
            save_dir=str(tmp_path),
        )
    )
    visualizer.dataset_meta = dict(dataset='toy')
    visualizer.add_datasample(
        'test_img', IMAGE, data_sample=RIGHT, show=False, wait_time=0.0, pred_score_thr=0.3, out_file=None, step=7
    )
    stored = mmcv.imread(tmp_path / 'vis_data/vis_image/test_img_7.png', channel_order='rgb')
    np.testing.assert_array_equal(stored, visualizer.draw(IMAGE, RIGHT))
    visualizer.add_datasample('test_img', IMAGE, RIGHT, out_file=str(tmp_path / 'one.png'))
    assert (tmp_path / 'one.png').is_file()


def test_parts_are_chosen_and_the_attention_gets_a_panel_of_its_own():
    visualizer = GroundingVisualizer(panel_size=200)
    looking = answered([], [BOX, OTHER], [0.9, 0.1], img_shape=(HEIGHT, WIDTH))
    looking.pred_attention = torch.eye(4)
    plain = visualizer.draw(IMAGE, looking, draw_gt=False)
    both = visualizer.draw(IMAGE, looking, draw_gt=False, parts=['boxes', 'attention'])
    assert both.shape[1] > 1.9 * plain.shape[1]
    bare = visualizer.draw(IMAGE, looking, draw_gt=False, parts=[])
    assert (bare == IMAGE[0, 0]).all(-1).sum() > (plain == IMAGE[0, 0]).all(-1).sum()
    with pytest.raises(ValueError, match='not eyes'):
        visualizer.draw(IMAGE, looking, parts=['eyes'])


def test_grasp_maps_get_three_panels_where_the_model_has_kept_them():
    visualizer = GroundingVisualizer(panel_size=200)
    sample = answered([], [BOX], [0.9])
    plain = visualizer.draw(IMAGE, sample, draw_gt=False)
    sample.pred_grasp_maps = torch.zeros(4, HEIGHT, WIDTH)
    with_maps = visualizer.draw(IMAGE, sample, draw_gt=False)
    assert with_maps.shape[1] > 3.5 * plain.shape[1]
    np.testing.assert_array_equal(visualizer.draw(IMAGE, sample, draw_gt=False, parts=OVERLAYS), plain)


def test_a_model_of_grasps_alone_has_its_verdict_in_grasps():
    sample = GroundingSample()
    sample.text = 'the mug by its handle'
    sample.pred_grasps = InstanceData(grasps=torch.tensor([[16.0, 12.0, 12.0, 6.0, 0.0]]), scores=torch.tensor([0.9]))
    drawn = GroundingVisualizer(panel_size=200).draw(IMAGE, sample)
    assert has(drawn, instance_color(0))
