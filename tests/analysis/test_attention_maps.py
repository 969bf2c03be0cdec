"""Attention of every system, read from its tiny model while it answers."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import nn

from mmvg.analysis.attention_maps import attention_maps, maps_to_show, words_of_tokens
from mmvg.analysis.memorise import build, config_for, draw_scenes, load_samples
from mmvg.datasets.tokenizers import WordTokenizer

ROOT = Path(__file__).parents[2]
#: System -> the end of the name of an attention that it has, and who looks at what.
LOOKS = {
    'cris': ('cross_attn', 'cells'),
    'eevg': ('self_attn', 'words'),
    'instancevg': ('cross_attn.attn', 'words'),
    'lavt': ('over_words', 'cells'),
    'lggd': ('text_to_image.attention', 'words'),
    'magnet': ('cross_attn.attn', 'words'),
    'raam': ('over_pixels', 'words'),
    'rela': ('over_words', 'cells'),
    'segvlm': ('cross_attn', 'cells'),
    'simvg': ('cross_attn.attn', 'words'),
}


@pytest.fixture(scope='module')
def scenes(tmp_path_factory):
    folder = tmp_path_factory.mktemp('scenes')
    return draw_scenes(folder, count=2), folder / 'vocab.txt'


@pytest.mark.parametrize('system', LOOKS)
def test_every_system_shows_where_it_looks(system, scenes):
    init_default_scope('mmvg')
    items, vocab_file = scenes
    options = {'model.head.branch': 'decoder'} if system == 'simvg' else {}  # its other branch does not look again
    cfg: Config = config_for(ROOT / f'configs/{system}/tiny.py', 96, vocab_file, options)
    model = build(cfg).eval()
    batch = load_samples(cfg.test_dataloader.dataset.pipeline, items)
    maps, samples = attention_maps(model, batch)
    end, looking = LOOKS[system]
    found = [one for one in maps if one.name.endswith(end) and one.read_by == looking]
    assert found, [one.name for one in maps]
    for one in found:
        assert len(one.weights) == len(samples) == 2
        total = one.weights.sum((2, 3)) if looking == 'words' else one.weights.sum(1)
        torch.testing.assert_close(total, torch.ones_like(total))
    assert not any(module._forward_hooks for module in model.modules() if isinstance(module, nn.MultiheadAttention))


def test_what_is_read_does_not_change_the_answer(scenes):
    init_default_scope('mmvg')
    items, vocab_file = scenes
    cfg = config_for(ROOT / 'configs/cris/tiny.py', 64, vocab_file)
    model = build(cfg).eval()
    batch = load_samples(cfg.test_dataloader.dataset.pipeline, items)
    data = model.data_preprocessor(batch, training=False)
    inputs = {key: value.clone() for key, value in data['inputs'].items()}
    with torch.no_grad():
        before = model(inputs, data['data_samples'], mode='tensor')['mask_logits']
        attention_maps(model, batch)
        after = model(inputs, data['data_samples'], mode='tensor')['mask_logits']
    torch.testing.assert_close(before, after)


@pytest.mark.parametrize('queries', [4, 5, 9, 10])
def test_queries_that_look_at_queries_or_words_are_no_map_whatever_their_number(queries, scenes):
    init_default_scope('mmvg')
    items, vocab_file = scenes
    cfg = config_for(ROOT / 'configs/instancevg/tiny.py', 96, vocab_file, dict(num_queries=queries))
    maps, _ = attention_maps(build(cfg).eval(), load_samples(cfg.test_dataloader.dataset.pipeline, items))
    assert maps
    for one in maps:
        assert one.name.endswith('cross_attn.attn')
        assert one.weights.shape == (2, queries, 6, 6)  # stride 16


def test_the_pieces_of_a_word_are_one_word_and_cut_words_are_left_out(scenes):
    class Letters(WordTokenizer):
        def encode(self, text):
            return [4] * len(text.replace(' ', ''))

    found = words_of_tokens(Letters(scenes[1]), 'the red one', max_length=9)
    assert found == [('the', slice(1, 4)), ('red', slice(4, 7))]


def test_words_that_look_differently_from_place_to_place_are_shown(scenes):
    init_default_scope('mmvg')
    items, vocab_file = scenes
    cfg = config_for(ROOT / 'configs/lggd/tiny.py', 64, vocab_file)
    maps, samples = attention_maps(build(cfg).eval(), load_samples(cfg.test_dataloader.dataset.pipeline, items))
    one = next(one for one in maps if one.of_words and one.read_by == 'words')
    one.weights[0] = 1.0
    one.weights[0, 2, 0, 0] = 0.0  # the second word
    words = words_of_tokens(WordTokenizer(vocab_file), samples[0].text, 77)
    ((title, values),) = maps_to_show(one, 0, words, count=1)
    assert title == words[1][0]
    assert (float(values.min()), float(values.max()), float(values[0, 0])) == (0.0, 1.0, 0.0)
