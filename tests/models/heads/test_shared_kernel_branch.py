import torch
import torch.nn.functional as F

from mmvg.models import GroundingFeatures
from mmvg.models.heads import DynamicMaskHead, SharedKernelBranch


def branch():
    torch.manual_seed(0)
    return SharedKernelBranch(in_channels=8, channels=4, sentence_channels=6).eval()


def test_all_five_maps_are_convolved_with_the_one_kernel_of_the_sentence():
    part, x, sentence = branch(), torch.randn(3, 8, 5, 4), torch.randn(3, 6)
    with torch.no_grad():
        maps = part(x, sentence)
        projected, numbers = part.projector(x), part.kernel(sentence)
    assert maps.shape == (3, 5, 20, 16)
    for sample in range(3):
        kernel, bias = numbers[sample, :-1].reshape(1, 4, 3, 3), numbers[sample, -1:]
        for index in range(5):
            each = projected[sample, None, 4 * index : 4 * index + 4]
            expected = F.conv2d(each, kernel, bias, padding=1)[0, 0]
            torch.testing.assert_close(maps[sample, index], expected, rtol=1e-5, atol=1e-6)


def test_its_first_map_is_the_mask_of_cris():
    part = branch()
    cris = DynamicMaskHead(
        projector=dict(type='VisualProjector', in_channels=8, out_channels=4),
        mask_loss=dict(type='AdaptiveDiceMaskLoss'),
        postprocess=dict(type='MaskPostprocess'),
        sentence_channels=6,
    ).eval()
    own = part.projector.state_dict()
    cris.projector.load_state_dict({name: x[:4] if name.startswith('out.') else x for name, x in own.items()})
    cris.kernel.load_state_dict(part.kernel.state_dict())
    x, sentence = torch.randn(2, 8, 5, 5), torch.randn(2, 6)
    with torch.no_grad():
        mask = cris(GroundingFeatures(images=[x], sentence=sentence))['mask_logits']
        torch.testing.assert_close(part(x, sentence)[:, :1], mask)


def test_every_weight_learns(unlearned):
    part = branch().train()
    part(torch.randn(2, 8, 4, 4), torch.randn(2, 6)).square().sum().backward()
    assert unlearned(part) == []
