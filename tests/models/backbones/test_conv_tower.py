import pytest
import torch

from mmvg.models import GroundingFeatures
from mmvg.models.backbones import ConvTower
from mmvg.models.fusions import SentenceUpsampling
from mmvg.models.heads import ConvBranch

GGCNN = dict(channels=(32, 16, 8), kernel_sizes=(9, 5, 3), strides=(3, 2, 2), norm=False, num_blocks=0)
GGCNN_NECK = dict(in_channels=8, channels=(8, 16, 32), kernel_sizes=(3, 5, 9), strides=(2, 2, 3), norm=False)


def network(name, **changes):
    """Tower and neck of a paper, without a text."""
    tower, neck = (GGCNN, GGCNN_NECK) if name == 'GG-CNN' else ({}, {})
    torch.manual_seed(0)
    return ConvTower(**tower | changes), SentenceUpsampling(**neck, fusion='none')


@pytest.mark.parametrize(('name', 'channels', 'size'), [('GR-ConvNet', 4, 1_900_900), ('GG-CNN', 1, 62_420)])
def test_without_text_and_mask_a_network_is_as_large_as_its_paper_says(name, channels, size):
    """The papers print 1,900,900 with depth and colour, and 62,420 with depth."""
    with torch.device('meta'):
        parts = [*network(name, in_channels=channels), ConvBranch(32)]
    found = sum(p.numel() for part in parts for p in part.parameters())
    assert found - (2 * 2 * 32 + 1) == size  # less the map of the mask


@pytest.mark.parametrize(('name', 'side'), [('GR-ConvNet', 128), ('GG-CNN', 144)])
def test_what_a_pixel_tells_comes_back_where_it_was(name, side):
    """Kernels of ones: what reaches the last map from one cell lies around that cell."""
    tower, neck = network(name)
    for module in [*tower.modules(), *neck.modules()]:
        if hasattr(module, 'kernel_size'):
            torch.nn.init.constant_(module.weight, 0.01)
            torch.nn.init.zeros_(module.bias)
    tower.eval(), neck.eval()
    stride = tower.stride
    cells = torch.zeros(1, 3, side, side)
    row, column = side // stride // 2 * stride, (side // stride // 2 - 1) * stride
    cells[:, :, row : row + stride, column : column + stride] = 1
    with torch.no_grad():
        (x,) = tower(cells)
        pixels = neck(GroundingFeatures(images=[x])).pixels[0].sum(0)
    assert x.shape[-2:] == (side // stride, side // stride)
    assert pixels.shape == (side, side)
    places = torch.arange(side, dtype=torch.float32)
    middle = [(pixels.sum(1 - axis) @ places / pixels.sum()).item() for axis in (0, 1)]
    assert middle == pytest.approx([row + (stride - 1) / 2, column + (stride - 1) / 2], abs=0.05)


@pytest.mark.parametrize(('name', 'stride'), [('GR-ConvNet', 4), ('GG-CNN', 12)])
def test_moving_the_picture_by_a_cell_moves_the_maps_by_a_cell(name, stride):
    tower, neck = network(name)
    tower.eval(), neck.eval()
    picture = torch.zeros(1, 3, 240, 240)
    picture[:, :, 96:132, 96:132] = torch.randn(1, 3, 36, 36)
    moved = picture.roll((stride, -stride), (2, 3))
    with torch.no_grad():
        first, second = (neck(GroundingFeatures(images=tower(x))).pixels for x in (picture, moved))
    middle = slice(72, 156)
    torch.testing.assert_close(
        second.roll((-stride, stride), (2, 3))[..., middle, middle], first[..., middle, middle], rtol=1e-4, atol=1e-5
    )


def test_sides_that_are_no_multiple_of_the_stride_are_refused():
    with pytest.raises(ValueError, match=r'multiples of 12.*\(2, 3, 64, 60\)'):
        ConvTower(**GGCNN)(torch.zeros(2, 3, 64, 60))
