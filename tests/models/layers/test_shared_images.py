import torch
from torch import nn

from mmvg.models.layers import distinct_images, may_share


def test_equal_images_are_found_wherever_they_stand():
    a, b, c = torch.randn(3, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    first, place = distinct_images([b, a.clone(), b.clone(), c, a])
    assert first == [0, 1, 3]
    assert place == [0, 1, 0, 2, 1]


def test_images_of_other_sizes_or_names_are_others():
    image = torch.zeros(3, 2, 2)
    assert distinct_images([image, torch.zeros(3, 2, 1), image])[1] == [0, 1, 0]
    assert distinct_images([image, image.clone()], names=['a.jpg', 'b.jpg'])[1] == [0, 1]
    assert distinct_images([image, image.clone()], names=['a.jpg', 'a.jpg'])[1] == [0, 0]


def test_one_image_and_images_that_are_not_a_number():
    assert distinct_images([torch.full((3, 2, 2), torch.nan), torch.full((3, 2, 2), torch.nan)])[0] == [0, 1]
    assert distinct_images([torch.zeros(3, 2, 2)]) == ([0], [0])
    assert distinct_images([]) == ([], [])


def test_a_tower_in_which_batchnorm_learns_shares_nothing():
    tower = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    assert not may_share(nn.LayerNorm(4), tower)
    tower[1].eval()  # frozen, in a model that trains
    assert may_share(nn.LayerNorm(4), tower)
