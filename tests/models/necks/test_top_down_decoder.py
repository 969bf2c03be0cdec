import torch
import torch.nn.functional as F

from mmvg.models.features import GroundingFeatures
from mmvg.models.necks import TopDownDecoder


@torch.no_grad()
def test_goes_from_the_coarsest_map_to_the_finest():
    torch.manual_seed(0)
    decoder = TopDownDecoder((4, 6, 8), channels=5).eval()
    maps = [torch.randn(2, 4, 8, 12), torch.randn(2, 6, 4, 6), torch.randn(2, 8, 2, 3)]
    pixels = decoder(GroundingFeatures(images=maps)).pixels
    assert pixels.shape == (2, 5, 8, 12)
    c = [F.layer_norm(x.permute(0, 2, 3, 1), (x.shape[1],)).permute(0, 3, 1, 2) for x in maps]
    x = decoder.steps[1](torch.cat([F.interpolate(c[2], (4, 6), mode='bilinear', align_corners=True), c[1]], 1))
    x = decoder.steps[0](torch.cat([F.interpolate(x, (8, 12), mode='bilinear', align_corners=True), c[0]], 1))
    torch.testing.assert_close(pixels, x, rtol=1e-4, atol=1e-4)


def test_lavts_decoder_has_its_size():
    with torch.device('meta'):
        decoder = TopDownDecoder((128, 256, 512, 1024), channels=512, input_norm=False)
    convolutions = 9 * 512 * ((1024 + 512) + (512 + 256) + (512 + 128) + 3 * 512)
    assert sum(p.numel() for p in decoder.parameters()) == convolutions + 6 * 2 * 512
