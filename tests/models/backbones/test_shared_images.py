import torch

from mmvg.models.backbones.shared_images import distinct_images


def test_equal_images_are_found_wherever_they_stand():
    a, b, c = torch.randn(3, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    images = torch.stack([b, a, b, c, a])
    first, place = distinct_images(images)
    assert first.tolist() == [0, 1, 3]
    assert place.tolist() == [0, 1, 0, 2, 1]
    assert torch.equal(images[first][place], images)


def test_images_with_equal_sums_are_not_taken_for_each_other():
    a = torch.tensor([1.0, 2.0, 3.0]).view(3, 1, 1).expand(3, 2, 2)
    first, place = distinct_images(torch.stack([a, a.flip(0), a, torch.full_like(a, 2)]))
    assert first.tolist() == [0, 1, 3]
    assert place.tolist() == [0, 1, 0, 2]


def test_one_image_and_an_image_that_is_not_a_number():
    images = torch.full((2, 3, 2, 2), torch.nan)
    assert distinct_images(images)[0].tolist() == [0, 1]
    assert [x.tolist() for x in distinct_images(torch.zeros(1, 3, 2, 2))] == [[0], [0]]
