"""Each cell of a feature map looks at the pixels around its own middle."""

import pytest
import torch
from torch import nn

from mmvg.models.backbones import BEiT3, CLIPResNet, ConvStem, ConvTextEncoder, SwinStages, ViTStages


def offset(layers: nn.Module, stride: int, size: int = 128) -> tuple[float, float]:
    """How far right and down of its middle, in pixels, a cell of ``layers`` looks.

    All weights are made equal and positive, so that the gradient of a cell is spread as its field of view is.
    """
    for module in layers.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.constant_(module.weight, 1 / module.weight[0].numel())
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    image = torch.ones(1, 3, size, size, requires_grad=True)
    cells = layers.eval()(image)
    row, column = cells.shape[-2] // 2, cells.shape[-1] // 2
    cells[0, :, row, column].sum().backward()
    weights = image.grad[0].sum(0)
    middles = torch.arange(size) + 0.5
    x, y = ((weights.sum(axis) * middles).sum() / weights.sum() for axis in (0, 1))
    return x.item() - (column + 0.5) * stride, y.item() - (row + 0.5) * stride


@pytest.mark.parametrize(
    ('kernel_size', 'number', 'expected'), [(4, 4, 0), (2, 4, 0), (4, 2, 0), (3, 4, -7.5), (3, 2, -1.5)]
)
def test_a_stem_of_even_kernels_looks_at_the_middle_and_one_of_odd_kernels_beside_it(kernel_size, number, expected):
    stem = ConvStem((4,) * number, embed_dims=4, patch_size=2**number, kernel_size=kernel_size)
    assert offset(stem, 2**number) == pytest.approx((expected, expected), abs=1e-3)


@pytest.mark.parametrize('stage', range(3))
def test_the_small_encoder_of_lggd_looks_at_the_middle(stage):
    stages = ConvTextEncoder(image_channels=(4, 4, 4), image_blocks=(0, 1, 1)).stages[: stage + 1]
    assert offset(nn.Sequential(*stages), 2 ** (stage + 1)) == pytest.approx((0, 0), abs=1e-3)


def test_patches_look_at_their_middle():
    beit = BEiT3(img_size=128, patch_size=16, embed_dims=8, num_layers=1, num_heads=2, vocab_size=9)
    vit = ViTStages(img_size=128, patch_size=16, embed_dims=8, num_layers=4, num_heads=2)
    swin = SwinStages(embed_dims=8, depths=(1, 1), num_heads=(1, 2))
    for layers, stride in (
        (beit.vision_embed.proj, 16),
        (vit.vit.patch_embed.proj, 16),
        (swin.patch_embed.projection, 4),
    ):
        assert offset(layers, stride) == pytest.approx((0, 0), abs=1e-3)


def test_the_stem_of_clip_looks_half_a_pixel_up_and_left():
    """One 3x3 convolution of stride 2, as in OpenAI's weights; all later strides are average poolings of 2 x 2."""
    clip = CLIPResNet(
        image_layers=(1, 1, 1, 1), image_channels=8, pool_grid=4, head_channels=8, text_channels=8, text_layers=1
    )
    visual = clip.clip.visual
    assert offset(nn.Sequential(visual.conv1, visual.conv2, visual.conv3, visual.avgpool), 4) == pytest.approx(
        (-0.5, -0.5), abs=1e-3
    )
