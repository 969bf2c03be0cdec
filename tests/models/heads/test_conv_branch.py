import torch

from mmvg.models.heads import ConvBranch


def test_a_kernel_of_two_by_two_looks_at_a_pixel_and_its_neighbours_to_the_right_and_below():
    part = ConvBranch(in_channels=1)
    with torch.no_grad():
        part.out.weight.fill_(1)
        part.out.bias.copy_(torch.arange(5.0))
    x = torch.zeros(1, 1, 4, 4)
    x[0, 0, 2, 2] = x[0, 0, 3, 3] = 1
    maps = part(x, None)[0]
    expected = [[0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 2, 1], [0, 0, 1, 1]]
    assert maps[0].tolist() == expected
    assert (maps[3] - maps[0] == 3).all()


def test_odd_kernels_lie_in_the_middle():
    part = ConvBranch(in_channels=1, kernel_size=3)
    with torch.no_grad():
        part.out.weight.fill_(1)
        part.out.bias.zero_()
    x = torch.zeros(1, 1, 5, 5)
    x[0, 0, 2, 2] = 1
    assert part(x, None)[0, 0].sum(0).tolist() == [0, 3, 3, 3, 0]


def test_maps_drop_out_in_training_alone():
    part, x = ConvBranch(in_channels=16, dropout=0.5), torch.randn(1, 16, 6, 6)
    assert not torch.equal(part(x, None), part(x, None))
    part.eval()
    assert torch.equal(part(x, None), part(x, None))
