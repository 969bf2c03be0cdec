import torch

from mmvg.models.heads import MapRefinement


def test_refined_maps_start_as_the_coarse_ones():
    coarse = torch.randn(2, 5, 16, 16)
    torch.testing.assert_close(MapRefinement((4, 8, 8, 8))(coarse), coarse, rtol=0, atol=0)


def test_mask_and_grasps_are_refined_apart():
    module = MapRefinement((4, 8, 8, 8)).eval()
    torch.nn.init.normal_(module.mask.out.weight)
    torch.nn.init.normal_(module.grasp.out.weight)
    coarse = torch.randn(1, 5, 16, 16)
    other = coarse.clone()
    other[:, 1:] += 1
    first, second = module(coarse) - coarse, module(other) - other
    torch.testing.assert_close(first[:, :1], second[:, :1])
    assert (first[:, 1:] - second[:, 1:]).abs().max() > 1e-4
