import pytest
import torch

from mmvg.models.backbones import TwoTowerEncoder
from mmvg.registry import MODELS

CONVNEXT = dict(
    type='timm', model_name='convnext_atto', depths=(1, 1, 1, 1), dims=(8, 16, 24, 32), out_indices=(1, 2, 3)
)
IMAGES = {
    'ConvNeXt of timm': (dict(type='ImageBackbone', backbone=CONVNEXT), (16, 24, 32)),
    'SwinStages': (
        dict(type='SwinStages', embed_dims=8, depths=(1, 1, 1, 1), num_heads=(1, 1, 1, 1), window_size=3),
        (8, 16, 32, 64),
    ),
}
TEXTS = {
    'BERT': dict(type='BertTextEncoder', embed_dims=16, num_layers=1, num_heads=2, ffn_channels=32, vocab_size=50),
    'CLIP': dict(type='CLIPTextEncoder', embed_dims=16, num_layers=1, head_channels=8, vocab_size=50, out_channels=12),
}


def encoder(image='ConvNeXt of timm', text='BERT'):
    torch.manual_seed(0)
    return TwoTowerEncoder(image=IMAGES[image][0], text=TEXTS[text]).eval()


def batch():
    images = torch.randn(2, 3, 64, 64)[torch.tensor([0, 0, 1])]
    mask = torch.arange(5) < torch.tensor([[5], [3], [4]])
    return images, torch.randint(1, 50, (3, 5)), mask


@torch.no_grad()
@pytest.mark.parametrize('image', IMAGES)
@pytest.mark.parametrize('text', TEXTS)
def test_each_tower_gives_what_it_gives_alone(image, text):
    model = encoder(image, text)
    images, ids, mask = batch()
    out = model(images, ids, mask)
    alone = model.image(images)
    assert tuple(x.shape[1] for x in out.images) == IMAGES[image][1]
    for x, y in zip(out.images, alone, strict=True):
        torch.testing.assert_close(x, y)
    assert torch.equal(out.text, model.encode_text(ids, mask))
    assert out.sentence.shape == (3, 16 if text == 'BERT' else 12)
    other = model(images, torch.where(mask, ids, 7), mask)
    torch.testing.assert_close(other.sentence, out.sentence)  # padding changes nothing
    torch.testing.assert_close(model.encode_text(ids, mask, model.token_table[ids]), out.text)


@torch.no_grad()
def test_an_image_that_is_asked_about_twice_is_encoded_once():
    model = encoder()
    seen = []
    model.image.backbone.register_forward_pre_hook(lambda module, args: seen.append(len(args[0])))
    images, ids, mask = batch()
    index = torch.tensor([0, 0, 1])
    out = model(images[1:], ids, mask, index)
    assert seen == [2]
    assert torch.equal(out.images[0][0], out.images[0][1])
    model.train()(images[1:], ids, mask, index)  # there is no BatchNorm that counts every sample
    assert seen == [2, 2]


def test_cris_reads_a_convnext(unlearned):
    """CRIS' neck takes the maps of strides 8, 16 and 32 and the sentence."""
    model = encoder(text='CLIP').train()
    neck = MODELS.build(
        dict(type='SentenceGatedFPN', in_channels=model.image.channels, sentence_channels=12, channels=(8, 8, 8))
    )
    out = neck(model(*batch()))
    assert [tuple(x.shape) for x in out.images] == [(3, 8, 4, 4)]
    out.images[0].square().mean().backward()
    assert unlearned(model.image) == []
