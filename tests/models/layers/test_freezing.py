"""What is frozen does not change in training, and the rest does."""

import pytest
import small_runs
import torch
from shipped_configs import build, read

from mmvg.apis import Modes
from mmvg.models.layers.blocks import encoder_blocks

TOWERS = {
    'instancevg': ('backbone.text_embed', 'backbone.encoder.layers.0.ffn.B.', 'backbone.encoder.layers.0.ffn.A.'),
    'lavt': ('backbone.text.', 'backbone.text.', 'backbone.image.'),
    'cris': ('backbone.clip.token_embedding', 'backbone.clip.transformer.', 'backbone.clip.visual.'),
}


@pytest.mark.parametrize('system', TOWERS)
def test_a_tower_is_found(system):
    *inside, outside = TOWERS[system]
    model = build(f'{system}/tiny.py', 'model.frozen=[text]')
    frozen = [name for name, parameter in model.named_parameters() if not parameter.requires_grad]
    for prefix in inside:
        names = [name for name, _ in model.named_parameters() if name.startswith(prefix)]
        assert names
        assert set(names) <= set(frozen)
    assert not any(name.startswith((outside, 'neck', 'head')) for name in frozen)


def test_frozen_weights_and_statistics_stay_and_the_rest_is_trained(refshapes_tiny, tmp_path):
    cfg = small_runs.config('instancevg', refshapes_tiny, tmp_path, iterations=2)
    Modes(freeze=['image', 'neck.projection']).apply(cfg)
    small_runs.train(cfg)
    first, last = (small_runs.state(tmp_path / f'iter_{i}.pth')['weights'] for i in (1, 2))
    changed = {name for name in first if not torch.equal(first[name], last[name])}
    frozen = ('backbone.vision_embed', 'backbone.encoder.layers.0.ffn.A', 'neck.projection')
    assert not any(name.startswith(frozen) for name in changed)
    assert any(name.startswith('backbone.vision_embed') and 'running_mean' in name for name in first)
    assert {'backbone.text_embed.weight', 'head.no_target.0.weight'} & changed


@pytest.mark.parametrize(
    ('part', 'message'),
    [
        ('neck.projectoin', r"no part of the model is called so.*did you mean 'neck\.projection'"),
        ('*', 'nothing is left to train'),
    ],
)
def test_a_part_that_cannot_be_frozen_is_an_error(part, message):
    with pytest.raises(ValueError, match=message):
        build('instancevg/tiny.py', f'model.frozen=[{part}]')


def test_one_transformer_has_no_towers():
    with pytest.raises(ValueError, match=r'ViLTEncoder has no image tower of its own; freeze .* backbone\.vilt'):
        build('instancevg/grefcoco_224_vilt.py', 'model.frozen=[image] model.backbone.checkpoint=None')


@pytest.mark.parametrize(
    ('config', 'expected'),
    [
        ('instancevg/tiny.py', 2),
        ('lavt/tiny.py', 8),
        ('raam/tiny.py', 5),
        ('instancevg/grefcoco_224_clip.py', 27),
        ('instancevg/grefcoco_224_vilt.py', 12),
        ('lavt/refcoco.py', 36),
        ('lavt/refcoco_mit_b2.py', 28),
    ],
)
def test_the_blocks_of_encoders_are_found(config, expected):
    """Two layers of BEiT-3; 4 of Swin and 4 of BERT; 4 of ViT; 12 + 12 of CLIP and 3 of its fusion; Swin-B, MiT-b2."""
    blocks = encoder_blocks(build(config))
    assert len(blocks) == expected
    assert all(name.startswith('backbone.') for name in blocks)


def test_settings_are_part_of_the_config():
    cfg = read('lavt/tiny.py')
    Modes(freeze=['text'], lora=4, lora_trained=['head']).apply(cfg)
    assert cfg.model.frozen == ['text']
    assert cfg.model.lora == dict(rank=4, targets=[], trained=['head'])
