import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mmvg.models.features import GroundingFeatures
from mmvg.models.heads import RegionHead
from mmvg.models.losses import EdgeWeightedMaskLoss, RegionPresenceLoss, SingleBoxLoss
from mmvg.models.postprocess import MaskPostprocess

GRES = dict(regions_decide=True, postprocess=dict(type=MaskPostprocess, score_thr=0.5))


def make_head(**changes):
    torch.manual_seed(0)
    settings = dict(
        in_channels=6,
        patch_size=4,
        hidden_channels=8,
        num_regions=16,
        region_loss=dict(type=RegionPresenceLoss),
        mask_loss=dict(type=EdgeWeightedMaskLoss),
        postprocess=dict(type=MaskPostprocess),
        box_loss=dict(type=SingleBoxLoss),
    )
    return RegionHead(**settings | changes)


def regions(batch_size=2, side=8):
    torch.manual_seed(1)
    return GroundingFeatures(images=[torch.randn(batch_size, 6, side, side)])


def test_outputs_have_their_shapes():
    outputs = make_head()(regions())
    assert {name: tuple(value.shape) for name, value in outputs.items()} == dict(
        presence_logits=(2, 16), mask_logits=(2, 1, 32, 32), boxes_cxcywh_norm=(2, 4)
    )
    assert make_head(box_loss=None)(regions())['boxes_cxcywh_norm'] is None


def test_each_region_has_an_mlp_of_its_own_on_the_mean_of_its_cell():
    head, features = make_head(), regions()
    logits = head(features)['presence_logits']
    branch = head.presence
    for n in (0, 7, 13):
        row, column = divmod(n, 4)
        mean = features.images[0][:, :, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2].mean((2, 3))
        hidden = F.relu(mean @ branch.weight1[n] + branch.bias1[n])
        torch.testing.assert_close(logits[:, n], (hidden @ branch.weight2[n] + branch.bias2[n])[:, 0])


def test_a_token_draws_the_patch_below_it():
    head = make_head()
    head.mask.smooth.weight.data.zero_()
    head.mask.smooth.weight.data[0, 0, 2, 2] = 1
    head.mask.smooth.bias.data.zero_()
    x = torch.randn(1, 8, 3, 3)
    drawn = head.mask(x)[0, 0]
    changed = x.clone()
    changed[:, :, 1, 2] += 1
    where = (head.mask(changed)[0, 0] != drawn).nonzero()
    assert where.min(0).values.tolist() == [4, 8]
    assert where.max(0).values.tolist() == [7, 11]


@pytest.mark.parametrize('counts', [(0, 0), (1, 0), (3, 1)])
def test_the_joint_loss_is_finite_and_reaches_every_parameter_for_any_number_of_targets(make_sample, unlearned, counts):
    head = make_head()
    losses = head.loss(regions(), [make_sample(count) for count in counts])
    assert set(losses) == {'loss_region', 'loss_mask_focal', 'loss_mask_dice', 'loss_bbox', 'loss_giou'}
    sum(losses.values()).backward()
    assert {name.split('.')[0] for name in unlearned(head)} == (set() if any(counts) else {'box'})


def test_gres_has_no_box(make_sample):
    head = make_head(box_loss=None, regions_decide=True)
    assert set(head.loss(regions(), [make_sample(2), make_sample(0)])) == {
        'loss_region',
        'loss_mask_focal',
        'loss_mask_dice',
    }
    answers = head.predict(regions(), [make_sample(2), make_sample(0)])
    assert all('pred_instances' not in answer for answer in answers)


def constant(head, presence, mask):
    """Let ``head`` say ``presence`` (logits of the 16 regions) and one mask logit everywhere."""
    for parameter in (*head.presence.parameters(), *head.mask.parameters()):
        parameter.data.zero_()
    head.presence.bias2.data[:, 0] = torch.tensor(presence)
    head.mask.smooth.bias.data.fill_(mask)
    return head


@pytest.mark.parametrize(('best', 'no_target'), [(-0.1, True), (0.1, False)])
def test_nothing_is_meant_where_every_region_is_empty(make_sample, best, no_target):
    head = constant(make_head(box_loss=None, **GRES), [-3.0] * 9 + [best] + [-3.0] * 6, 2.0)
    answer = head.predict(regions(1), [make_sample(1)])[0]
    assert answer.pred_no_target == no_target
    assert answer.target_score == pytest.approx(torch.tensor(best).sigmoid().item())
    assert answer.pred_sem_seg.sem_seg.shape == (1, 48, 64)
    assert answer.pred_sem_seg.sem_seg.any() != no_target


def test_any_region_counts_where_existence_is_any(make_sample):
    logits = torch.linspace(-4, -1, 16)
    head = constant(make_head(box_loss=None, regions_decide=True, target_score='any'), logits.tolist(), 2.0)
    answer = head.predict(regions(1), [make_sample(1)])[0]
    assert answer.target_score == pytest.approx(1 - (1 - logits.sigmoid()).prod().item(), abs=1e-5)
    assert answer.target_score > 0.5 > logits.max().sigmoid()
    assert not answer.pred_no_target


def test_another_existence_is_an_error():
    with pytest.raises(ValueError, match="'max' or 'any', not 'mean'"):
        make_head(target_score='mean')


def test_in_rec_and_res_the_regions_do_not_decide(make_sample):
    answer = constant(make_head(), [-3.0] * 16, 2.0).predict(regions(1), [make_sample(1)])[0]
    assert not answer.pred_no_target
    assert answer.pred_sem_seg.sem_seg.all()


def test_the_mask_is_not_cut_where_a_region_is_empty(make_sample):
    head = constant(make_head(box_loss=None, regions_decide=True), [3.0] + [-3.0] * 15, 2.0)
    assert head.predict(regions(1), [make_sample(1)])[0].pred_sem_seg.sem_seg.all()


@pytest.mark.parametrize(('frame', 'size'), [('original', (48, 64)), ('input', (32, 32))])
def test_the_box_is_in_the_pixels_of_its_frame(make_sample, frame, size):
    head = make_head(postprocess=dict(type=MaskPostprocess, frame=frame))
    answer = head.predict(regions(1), [make_sample(1)])[0]
    cx, cy, w, h = head(regions(1))['boxes_cxcywh_norm'][0].tolist()
    height, width = size
    expected = np.clip([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2], 0, 1) * [width, height, width, height]
    np.testing.assert_allclose(answer.pred_instances.bboxes[0].numpy(), expected, rtol=1e-4)
    assert answer.pred_frame == frame
    assert answer.pred_sem_seg.sem_seg.shape == (1, *size)
    assert answer.pred_instances.masks.shape == (1, *size)


def test_the_base_head_has_the_size_of_the_fact_sheet():
    with torch.device('meta'):
        head = make_head(in_channels=2304, patch_size=16, hidden_channels=256)
    millions = {name: sum(p.numel() for p in part.parameters()) / 1e6 for name, part in head.named_children()}
    assert millions['presence'] == pytest.approx(9.45, abs=0.01)
    assert millions['reduce'] == pytest.approx(0.59, abs=0.005)
    assert millions['box'] == pytest.approx(1.12, abs=0.005)
    assert millions['mask'] == pytest.approx(0.2, abs=0.005)  # 256 -> 256 -> 256 -> 16^2


def test_a_patch_that_is_not_the_stride_of_the_map_is_refused(make_sample):
    with pytest.raises(ValueError, match='patch_size must be the stride'):
        make_head(patch_size=2).loss(regions(1), [make_sample(1)])
