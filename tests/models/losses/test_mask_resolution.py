import pytest
import torch

from mmvg.models.losses import BinaryMaskLoss, GroundingTargets, MaskLoss, MaskResolution, enlarge_logits, reduce_masks


def row(*values):
    """Masks (1, 1, 2, n) with the same numbers in both rows."""
    return torch.tensor([values, values], dtype=torch.float32)[None, None]


def first_row(x):
    return x[0, 0, 0].tolist()


def test_corners_are_aligned_at_their_middles_or_at_their_edges():
    logits = row(0.0, 3.0)
    assert first_row(enlarge_logits(logits, (4, 4))) == pytest.approx([0, 1, 2, 3])
    assert first_row(enlarge_logits(logits, (4, 4), align_corners=False)) == pytest.approx([0, 0.75, 2.25, 3])
    assert enlarge_logits(logits, (2, 2)) is logits


def test_masks_are_reduced_by_share_by_majority_or_by_a_corner_pixel():
    masks = row(1, 1, 1, 0, 0, 1, 0, 0).to(torch.uint8)
    reduced = {how: first_row(reduce_masks(masks, (1, 4), how)) for how in ('area', 'half', 'nearest')}
    assert reduced == dict(area=[1, 0.5, 0.5, 0], half=[1, 1, 1, 0], nearest=[1, 1, 0, 0])


@pytest.mark.parametrize(('resolution', 'size'), [('input', (8, 8)), ('output', (2, 2))])
def test_logits_and_masks_meet_at_one_size_in_single_precision(resolution, size):
    logits, masks = torch.zeros(3, 1, 2, 2, dtype=torch.bfloat16), torch.ones(3, 1, 8, 8, dtype=torch.uint8)
    for x in MaskResolution(resolution).match(logits, masks, (8, 8)):
        assert (x.shape, x.dtype) == ((3, 1, *size), torch.float32)
    assert MaskResolution(resolution).match(logits, None, (8, 8))[1] is None


def test_a_loss_passes_its_setting_on():
    union = row(1, 1, 1, 0, 0, 1, 0, 0).to(torch.uint8)
    targets = GroundingTargets(torch.zeros(0, 4), [0], None, union, torch.zeros(1).bool(), (2, 8))

    class Spy(MaskLoss):
        def compare(self, logits, masks):
            return dict(logits=logits, masks=masks)

    seen = Spy('output', 'area')(torch.zeros(1, 1, 1, 4), targets)
    assert first_row(seen['masks']) == [1, 0.5, 0.5, 0]
    assert Spy()(torch.zeros(1, 1, 1, 4), targets)['logits'].shape == (1, 1, 2, 8)


@pytest.mark.parametrize('setting', [dict(resolution='logits'), dict(reduction='mean')])
def test_unknown_settings_are_refused(setting):
    (name,) = setting
    with pytest.raises(ValueError, match=f'{name} must be'):
        BinaryMaskLoss(**setting)
    with pytest.raises(ValueError, match="not 'mean'"):
        reduce_masks(torch.zeros(1, 1, 2, 2), (1, 1), 'mean')


def test_logits_are_enlarged_with_corners_on_corners_unless_it_is_said():
    logits = torch.tensor([[[[0.0, 3.0]]]])
    settings = (MaskResolution(), MaskResolution(align_corners=True), MaskResolution(align_corners=False))
    enlarged = [first_row(each.match(logits, None, (1, 4))[0]) for each in settings]
    assert enlarged == [[0, 1, 2, 3], [0, 1, 2, 3], [0, 0.75, 2.25, 3]]
