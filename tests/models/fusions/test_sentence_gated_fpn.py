import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mmvg.models.features import GroundingFeatures
from mmvg.models.fusions import SentenceGatedFPN
from mmvg.registry import MODELS


def features(batch=3, sentence=True):
    generator = torch.Generator().manual_seed(0)
    return GroundingFeatures(
        images=[
            torch.randn(batch, channels, *size, generator=generator)
            for channels, size in ((5, (8, 12)), (6, (4, 6)), (7, (2, 3)))
        ],
        sentence=torch.randn(batch, 9, generator=generator) if sentence else None,
    )


def neck():
    torch.manual_seed(0)
    return MODELS.build(dict(type=SentenceGatedFPN, in_channels=(5, 6, 7), sentence_channels=9, channels=(4, 8, 12)))


def cbr(module, x):
    """Convolution, BatchNorm with the statistics of the batch, ReLU."""
    convolved = F.conv2d(x, module.conv.weight, padding=module.conv.weight.shape[-1] // 2)
    return F.relu(F.batch_norm(convolved, None, None, module.bn.weight, module.bn.bias, training=True))


def test_it_is_the_neck_of_cris():
    part, given = neck().train(), features()
    fine, middle, coarse = given.images

    def twice(x):
        return F.interpolate(x, scale_factor=2, mode='bilinear', align_corners=False)

    linear, norm = part.sentence[0], part.sentence[1]
    gate = F.relu(F.batch_norm(given.sentence @ linear.weight.T, None, None, norm.weight, norm.bias, training=True))
    f5 = cbr(part.coarse, coarse) * gate[:, :, None, None]
    f5 = F.relu(F.batch_norm(f5, None, None, part.gate_norm.weight, part.gate_norm.bias, training=True))
    f4 = cbr(part.middle_merge, torch.cat([cbr(part.middle, middle), twice(f5)], 1))
    f3 = cbr(part.fine_merge, torch.cat([F.avg_pool2d(cbr(part.fine, fine), 2), f4], 1))
    q3, q4, q5 = cbr(part.smooth[0], f3), cbr(part.smooth[1], f4), cbr(part.smooth[2], f5)
    merged = cbr(part.merge, torch.cat([q3, q4, twice(q5)], 1))
    x = torch.tensor([-1, -0.6, -0.2, 0.2, 0.6, 1]).expand(3, 1, 4, 6)
    y = torch.tensor([-1, -1 / 3, 1 / 3, 1])[:, None].expand(3, 1, 4, 6)
    expected = cbr(part.coordinates[1], cbr(part.coordinates[0], torch.cat([merged, x, y], 1)))

    out = part(given)
    assert len(out.images) == 1
    assert out.images[0].shape == (3, 8, 4, 6)
    assert torch.allclose(out.images[0], expected, atol=1e-5)
    assert out.sentence is given.sentence


def test_parameters_of_the_full_neck_are_those_counted_by_hand():
    with torch.device('meta'):
        part = SentenceGatedFPN()
    assert sum(p.numel() for p in part.parameters()) == 23_093_760  # 23.09 M
    assert not any(m.bias is not None for m in part.modules() if isinstance(m, (nn.Conv2d, nn.Linear)))


def test_every_part_learns(unlearned):
    part = neck().train()
    part(features()).images[0].square().sum().backward()
    assert unlearned(part) == []


def test_maps_and_sentence_that_do_not_fit_are_named():
    given = features()
    with pytest.raises(ValueError, match=r'three maps.*\[\(8, 12\), \(4, 6\)\]'):
        neck()(given.replace(images=given.images[:2]))
    with pytest.raises(ValueError, match='half the size'):
        neck()(given.replace(images=[given.images[0], given.images[0], given.images[1]]))
    with pytest.raises(ValueError, match='sentence vector'):
        neck()(features(sentence=False))
