import pytest
import torch

from mmvg.models import GroundingFeatures
from mmvg.models.heads import MaskedPatchesHead
from mmvg.models.heads.masked_patches_head import normalised_patches

PATCH = 4


def head(**options):
    torch.manual_seed(0)
    settings = dict(patch_size=PATCH, channels=8, num_layers=2, num_heads=2, ffn_channels=16, dropout=0.0)
    return MaskedPatchesHead(6, 12, **settings | options)


def features(batch=3):
    generator = torch.Generator().manual_seed(1)
    return GroundingFeatures(
        images=[],
        text=torch.randn(batch, 5, 12, generator=generator).requires_grad_(),
        text_mask=torch.arange(5)[None] < torch.tensor([5, 3, 1])[:batch, None],
        unfused=torch.randn(batch, 6, 2, 3, generator=generator).requires_grad_(),
        pictures=torch.randn(batch, 3, 2 * PATCH, 3 * PATCH, generator=generator),
    )


def test_patches_are_cut_row_by_row_and_normalised_each():
    pictures = torch.rand(1, 3, 4, 6)
    patches = normalised_patches(pictures, 2)
    assert patches.shape == (1, 6, 12)
    second = pictures[0, :, :2, 2:4].flatten()
    expected = (second - second.mean()) / (second.var(unbiased=False) + 1e-6).sqrt()
    torch.testing.assert_close(patches[0, 1], expected)


def test_the_error_is_that_of_the_hidden_cells_alone():
    model, found = head(mask_rate=0.5), features()
    state = model.generator.get_state()
    loss = model.loss(found, [])['loss_patches']
    model.generator.set_state(state)
    hidden = torch.rand((3, 6), generator=model.generator) < 0.5
    answers = model.to_pixels(model._predict(found, hidden))
    wanted = normalised_patches(found.pictures, PATCH)
    torch.testing.assert_close(loss, (answers - wanted).square()[hidden].mean())
    assert 0 < hidden.sum() < hidden.numel()


@torch.no_grad()
def test_what_is_hidden_is_not_seen_and_the_rest_is():
    model, found = head(), features()
    hidden = torch.zeros(3, 6, dtype=torch.bool)
    hidden[:, 2] = True
    states = model._predict(found, hidden)
    for cell, seen in ((2, False), (0, True)):
        image = found.unfused.clone()
        image[..., cell // 3, cell % 3] += torch.randn(6)
        again = model._predict(found.replace(unfused=image), hidden)
        assert torch.allclose(again, states, atol=1e-6) != seen
    text = found.text.clone()
    text[1, 3:] += 1  # padding
    torch.testing.assert_close(model._predict(found.replace(text=text), hidden), states)
    text[1, 1] += torch.randn(12)
    assert not torch.allclose(model._predict(found.replace(text=text), hidden), states, atol=1e-6)


def test_every_weight_learns_and_no_chosen_cell_is_no_error(unlearned):
    model, found = head(), features()
    model.loss(found, [])['loss_patches'].backward()
    assert unlearned(model) == []
    assert found.text.grad.abs().sum() > 0
    loss = head(mask_rate=0.0).loss(features(), [])['loss_patches']
    assert loss.item() == 0
    loss.backward()


def test_patches_of_another_size_are_explained():
    with pytest.raises(ValueError, match=r'cells of 8 pixels cover \(16, 24\), but the pictures are \(8, 12\)'):
        head(patch_size=8).loss(features(), [])
