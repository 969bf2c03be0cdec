import math

import pytest
import torch
import torch.nn.functional as F
from mmengine.structures import PixelData

from mmvg.models.losses import GraspCriterion, GraspTargets
from mmvg.structures import GroundingSample


def targets(masks, maps=None, painted=None):
    masks = torch.as_tensor(masks, dtype=torch.float32)
    maps = torch.zeros(len(masks), 4, *masks.shape[1:]) if maps is None else maps
    painted = torch.zeros(masks.shape, dtype=torch.bool) if painted is None else painted
    return GraspTargets(masks, maps, painted)


def test_the_mask_loss_is_divided_by_the_sum_of_the_weights():
    logits = torch.zeros(1, 5, 1, 4)
    logits[0, 0, 0] = torch.tensor([2.0, -1.0, 0.5, 3.0])
    mask = torch.tensor([[[1.0, 0.0, 1.0, 0.0]]])
    loss = GraspCriterion()(logits, targets(mask))['loss_mask']
    by_hand = 1.5 * math.log(1 + math.exp(-2)) + math.log(1 + math.exp(-1))
    by_hand += 1.5 * math.log(1 + math.exp(-0.5)) + math.log(1 + math.exp(3))
    assert loss.item() == pytest.approx(by_hand / (1.5 + 1 + 1.5 + 1), rel=1e-6)


def test_the_grasp_loss_by_hand():
    mask = torch.tensor([[[1.0, 1.0, 0.0]]])
    logits = torch.zeros(1, 5, 1, 3)
    logits[0, 2, 0] = torch.tensor([0.5, 3.0, 99.0])  # cos; the third pixel is not of the object
    wanted = torch.zeros(1, 4, 1, 3)
    wanted[0, 0] = 0.5  # sigmoid(0)
    wanted[0, 3] = torch.tensor([0.5, 0.25, 0.0])
    loss = GraspCriterion()(logits, targets(mask, wanted))['loss_grasp']
    assert loss.item() == pytest.approx(((0.5 * 0.25) + (3 - 0.5) + 0.5 * 0.25**2) / 2, rel=1e-6)


def test_sigma_moves_the_point_where_the_loss_becomes_linear():
    mask, wanted = torch.ones(1, 1, 1), torch.zeros(1, 4, 1, 1)
    wanted[0, 0] = wanted[0, 3] = 0.5
    for error in (0.1, 0.2, 0.3, 2.0):
        logits = torch.zeros(1, 5, 1, 1)
        logits[0, 2] = error
        expected = 0.5 * (2 * error) ** 2 if error < 0.25 else error - 0.5 / 4
        loss = GraspCriterion(sigma=2.0)(logits, targets(mask, wanted))['loss_grasp']
        assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_an_image_without_an_object_counts_in_the_average_with_a_grasp_loss_of_zero():
    logits = torch.randn(2, 5, 4, 4, requires_grad=True)
    masks = torch.zeros(2, 4, 4)
    masks[0, :2] = 1
    both = GraspCriterion()(logits, targets(masks))
    first = GraspCriterion()(logits[:1], targets(masks[:1]))
    assert both['loss_grasp'].item() == pytest.approx(first['loss_grasp'].item() / 2, rel=1e-6)
    none = GraspCriterion()(logits, targets(torch.zeros(2, 4, 4)))
    assert none['loss_grasp'].item() == 0
    (none['loss_grasp'] + none['loss_mask']).backward()
    assert logits.grad.isfinite().all()


def test_images_count_alike_whatever_the_size_of_their_objects():
    logits = torch.randn(2, 5, 8, 8)
    masks = torch.zeros(2, 8, 8)
    masks[0, 0, 0], masks[1] = 1, 1
    alone = [GraspCriterion()(logits[i : i + 1], targets(masks[i : i + 1])) for i in range(2)]
    for name, value in GraspCriterion()(logits, targets(masks)).items():
        assert value.item() == pytest.approx((alone[0][name] + alone[1][name]).item() / 2, rel=1e-5)


def test_angle_and_width_can_be_left_to_the_painted_pixels():
    masks = torch.ones(1, 1, 2)
    painted = torch.tensor([[[True, False]]])
    logits = torch.zeros(1, 5, 1, 2)
    logits[0, 2, 0] = torch.tensor([0.4, 7.0])
    wanted = torch.full((1, 4, 1, 2), 0.5)
    wanted[0, 1:3] = 0
    loss = GraspCriterion(angle_on_grasp_only=True)(logits, targets(masks, wanted, painted))['loss_grasp']
    assert loss.item() == pytest.approx(0.5 * 0.4**2, rel=1e-6)
    logits[0, 1, 0, 1] = 5.0  # quality counts everywhere on the object
    again = GraspCriterion(angle_on_grasp_only=True)(logits, targets(masks, wanted, painted))['loss_grasp']
    assert again.item() == pytest.approx(
        0.5 * 0.4**2 + 0.5 * (torch.tensor(5.0).sigmoid().item() - 0.5) ** 2 / 2, rel=1e-5
    )


def test_crog_compares_every_pixel_as_it_is_and_divides_by_their_number():
    """By hand, after its code: cross-entropy with weights 1 and 1.5, then four means of smooth L1, added up."""
    mask = torch.tensor([[[1.0, 0.0, 0.0, 0.0]], [[0.0, 0.0, 0.0, 0.0]]])
    wanted = torch.zeros(2, 4, 1, 4)
    wanted[:, 1] = 1  # the background has cos 1
    wanted[0, :, 0, 0] = torch.tensor([1.0, 0.5, -0.5, 0.4])
    logits = wanted.new_zeros(2, 5, 1, 4)
    logits[:, 2] = 1
    logits[0, 1:, 0, 0] = torch.tensor([0.8, 0.5, 2.0, 0.4])
    criterion = GraspCriterion(where='image', activation='none', mask_average='pixels', resolution='output')
    losses = criterion(logits, targets(mask, wanted))
    assert losses['loss_mask'].item() == pytest.approx(math.log(2) * (1.5 + 7) / 8, rel=1e-6)
    assert losses['loss_grasp'].item() == pytest.approx((0.5 * 0.2**2 + (2.5 - 0.5)) / 8, rel=1e-6)
    reference = F.binary_cross_entropy_with_logits(logits[:, 0], mask, 1 + 0.5 * mask)
    torch.testing.assert_close(losses['loss_mask'], reference)
    reference = sum(F.smooth_l1_loss(logits[:, 1 + i], wanted[:, i]) for i in range(4))
    torch.testing.assert_close(losses['loss_grasp'], reference)


def test_ggcnn_adds_up_four_mean_squared_errors():
    torch.manual_seed(0)
    logits, wanted = torch.randn(2, 5, 4, 4), torch.rand(2, 4, 4, 4)
    criterion = GraspCriterion(where='image', activation='none', distance='squared')
    found = criterion(logits, targets(torch.zeros(2, 4, 4), wanted))['loss_grasp']
    torch.testing.assert_close(found, sum(F.mse_loss(logits[:, 1 + i], wanted[:, i]) for i in range(4)))


def test_at_the_size_of_the_output_the_truth_is_reduced_and_not_moved():
    masks, maps = torch.zeros(1, 8, 8), torch.zeros(1, 4, 8, 8)
    masks[0, 2:6, 0:4] = 1  # cells of 4 x 4: half of the upper left and of the lower left one
    masks[0, 0, 4:8] = 1  # a quarter
    maps[0, 0, 1:3, 1:3] = 1  # in the middle of a cell
    painted = maps[:, 0] > 0
    small = targets(masks, maps, painted).reduced((2, 2))
    assert small.mask.tolist() == [[[1, 0], [1, 0]]]
    assert small.maps[0, 0].tolist() == [[0.25, 0], [0, 0]]
    assert not small.painted.any()
    logits = torch.randn(1, 5, 2, 2)
    at_output = GraspCriterion(resolution='output')(logits, targets(masks, maps, painted))
    assert at_output == GraspCriterion()(logits, small)


def test_logits_of_any_size_are_enlarged_to_the_input():
    logits, masks = torch.randn(1, 5, 4, 4), torch.ones(1, 8, 8)
    large = F.interpolate(logits, size=(8, 8), mode='bilinear', align_corners=False)
    assert GraspCriterion()(logits, targets(masks)) == GraspCriterion()(large, targets(masks))


@pytest.mark.parametrize(
    'choice', [dict(where='mask'), dict(activation='relu'), dict(distance='l1'), dict(mask_average='sum')]
)
def test_an_unknown_choice_is_refused(choice):
    with pytest.raises(ValueError, match=rf'GraspCriterion\.{next(iter(choice))}'):
        GraspCriterion(**choice)


def test_losses_are_in_float32_under_autocast():
    logits = torch.randn(1, 5, 4, 4).bfloat16()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        losses = GraspCriterion()(logits, targets(torch.ones(1, 4, 4)))
    assert {loss.dtype for loss in losses.values()} == {torch.float32}
    expected = F.softplus(-logits[:, 0].float()).mean()
    torch.testing.assert_close(losses['loss_mask'], expected)


def sample(**changes):
    made = GroundingSample(metainfo=dict(img_path='a.png', sent_id=3, gt_frame='input'))
    made.gt_sem_seg = PixelData(sem_seg=torch.ones(1, 4, 4, dtype=torch.uint8))
    made.gt_grasp_maps = PixelData(maps=torch.zeros(4, 4, 4), painted=torch.zeros(1, 4, 4, dtype=torch.bool))
    for name, value in changes.items():
        made.set_metainfo({name: value})
    return made


def test_targets_are_collected_from_samples():
    made = GraspTargets.from_samples([sample(), sample()], torch.device('cpu'))
    assert (made.mask.shape, made.maps.shape, made.painted.shape) == ((2, 4, 4), (2, 4, 4, 4), (2, 4, 4))
    assert (made.mask.dtype, made.painted.dtype) == (torch.float32, torch.bool)


def test_samples_without_maps_or_in_another_frame_are_named():
    without = sample()
    del without.gt_grasp_maps
    with pytest.raises(ValueError, match=r'a\.png \(sent_id 3\).*gt_grasp_maps is missing'):
        GraspTargets.from_samples([sample(), without], torch.device('cpu'))
    with pytest.raises(ValueError, match='their frame'):
        GraspTargets.from_samples([sample(gt_frame='original')], torch.device('cpu'))
