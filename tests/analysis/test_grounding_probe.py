from pathlib import Path

import pytest
import torch
from mmengine.runner import Runner

from mmvg.analysis.grounding_probe import CONDITIONS, probe_mask_grounding
from mmvg.config import read_config
from mmvg.registry import MODELS

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope='module')
def magnet(refshapes_tiny):
    """The tiny MagNet and a loader of batches of 8, on the smallest RefShapes."""
    cfg = read_config(ROOT / 'configs/magnet/tiny.py')
    dataset = cfg.train_dataloader.dataset
    dataset.update(data_root=str(refshapes_tiny), split='val', indices=16)
    dataset.pipeline[4].tokenizer.vocab_file = str(refshapes_tiny / 'vocab.txt')
    cfg.train_dataloader.update(batch_size=8)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model).eval()
    model.aux_heads['grounding'].mask_rate = 0.5
    return model, Runner.build_dataloader(cfg.train_dataloader, seed=0)


def test_counts_words_under_every_condition(magnet):
    model, batches = magnet
    result = probe_mask_grounding(model, batches)
    assert list(result.accuracy) == list(CONDITIONS)
    assert result.words > 10
    assert all(0 <= value <= 100 for value in result.accuracy.values())


def test_only_words_are_counted_that_another_target_can_be_put_beside(magnet, monkeypatch):
    model, batches = magnet
    head, seen = model.aux_heads['grounding'], []

    def accuracy(features, masks, chosen, encoder):
        seen.append((masks.flatten(1).any(1), chosen.any(1)))
        return torch.ones(int(chosen.sum()), dtype=torch.bool)

    def every_second(samples, device):
        masks = torch.ones(len(samples), 1, 64, 64, device=device)
        masks[1::3] = 0  # of three, the second has no target, and the third has its mask beside it
        return masks

    monkeypatch.setattr(head, 'accuracy', accuracy)
    monkeypatch.setattr('mmvg.analysis.grounding_probe._masks', every_second)
    probe_mask_grounding(model, batches)
    assert any(chosen.any() for _, chosen in seen)
    for has_mask, chosen in seen:
        assert not (chosen & ~has_mask).any()


def test_a_head_that_reads_the_mask_alone_is_found_out(magnet, monkeypatch):
    model, batches = magnet
    head = model.aux_heads['grounding']
    first = {}

    def accuracy(features, masks, chosen, encoder):
        # right where the mask is the sample's own
        key = features.input_ids.sum().item()
        own = first.setdefault(key, masks.clone())
        same = (own == masks).flatten(1).all(1)
        return same[chosen.nonzero()[:, 0]]

    monkeypatch.setattr(head, 'accuracy', accuracy)
    result = probe_mask_grounding(model, batches)
    assert result.accuracy['as trained'] == 100
    assert result.accuracy['image that read another text'] == 100
    assert result.accuracy['other mask'] < 50


def test_a_head_that_reads_the_words_from_the_image_is_found_out(magnet, monkeypatch):
    model, batches = magnet
    head = model.aux_heads['grounding']
    first = {}

    def accuracy(features, masks, chosen, encoder):
        key = features.input_ids.sum().item()
        own = first.setdefault(key, features.unfused.clone())
        same = (own == features.unfused).flatten(1).all(1)
        return same[chosen.nonzero()[:, 0]]

    monkeypatch.setattr(head, 'accuracy', accuracy)
    for name, parameter in model.named_parameters():
        if 'image_gate.out' in name:  # closed gates would keep the words out of the image
            torch.nn.init.normal_(parameter)
    result = probe_mask_grounding(model, batches)
    assert result.accuracy['as trained'] == result.accuracy['other mask'] == 100
    assert result.accuracy['image that read another text'] < 50


def test_without_a_head_or_a_word_it_says_so(magnet):
    model, batches = magnet
    with pytest.raises(ValueError, match=r"\['grounding'\]; asked for: words"):
        probe_mask_grounding(model, batches, 'words')
    with pytest.raises(ValueError, match='no batch has a word'):
        probe_mask_grounding(model, [])
