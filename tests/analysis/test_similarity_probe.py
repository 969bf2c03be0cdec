"""Sentences and images after a linear probe."""

import pytest
import torch

from mmvg.analysis.memorise import build, config_for, draw_scenes, load_samples
from mmvg.analysis.similarity_probe import collect_features, probe_similarity


def test_pairs_that_belong_together_are_more_similar_than_others():
    torch.manual_seed(0)
    texts = torch.randn(300, 8)
    found = probe_similarity(texts, texts @ torch.randn(8, 5) + 0.3 * torch.randn(300, 5))
    assert found.matching.shape == (150,)
    assert found.others.shape == (150 * 149,)
    assert found.gap > 0.5


def test_what_has_nothing_in_common_has_no_gap_on_pairs_that_were_not_learned():
    torch.manual_seed(0)
    assert abs(probe_similarity(torch.randn(300, 8), torch.randn(300, 5)).gap) < 0.1


def test_sentences_of_one_picture_are_in_one_half_and_never_held_against_each_other():
    torch.manual_seed(0)
    targets = torch.randn(200, 5).repeat_interleave(4, 0)  # four sentences, which say nothing of the target, for each
    texts = torch.randn(200, 8).repeat_interleave(4, 0)
    pictures = [f'{number // 4}.jpg' for number in range(800)]
    found = probe_similarity(texts, targets, pictures)
    assert found.matching.shape == (400,)
    assert found.others.shape == (400 * 396,)
    assert abs(found.gap) < 0.08 < probe_similarity(texts, targets).gap  # pairs in halves: the answer is known


def test_too_few_pairs_are_refused():
    with pytest.raises(ValueError, match='of 3 pictures are too few'):
        probe_similarity(torch.randn(3, 8), torch.randn(3, 5))


@pytest.mark.parametrize('part', ['target', 'image'])
@pytest.mark.parametrize('system', ['instancevg', 'lavt', 'lggd'])
def test_encoders_of_any_kind_give_a_sentence_and_an_image_for_each_target(system, part, tmp_path):
    items = draw_scenes(tmp_path, count=4)
    items[1] |= dict(no_target=True, instances=[])
    cfg = config_for(f'configs/{system}/tiny.py', 64, tmp_path / 'vocab.txt')
    batch = load_samples(cfg.train_dataloader.dataset.pipeline, items)
    texts, images, pictures = collect_features(build(cfg).eval(), [batch], part)
    assert pictures == [items[number]['img_path'] for number in (0, 2, 3)]
    assert len(texts) == len(images) == 3
    assert texts.isfinite().all()
    assert images.isfinite().all()
