"""Released weights of ReLA become ours: every weight is filled, and the answers are those of the authors."""

import pickle

import pytest
import torch
from released_lavt import BASE, TINY, random_weights
from released_rela import rela_outputs, rela_shapes

from mmvg.config import read_config
from mmvg.registry import MODELS
from mmvg.weights import CheckpointError, load_weights, save_weights
from mmvg.weights.conversion import convert_checkpoint, convert_rela

CONFIGS = __file__.rsplit('/tests/', 1)[0] + '/configs'
CHANNELS, ENCODER_FFN, DECODER_FFN, REGIONS = 32, 40, 48, 9


@pytest.fixture(scope='module')
def tiny_rela():
    """Random weights under the authors' names, and a model of ours that they fit."""
    cfg = read_config(f'{CONFIGS}/rela/grefcoco.py').model
    widths = [TINY['embed'] * 2**i for i in range(4)]
    cfg.frozen = ()
    cfg.backbone.image.update(embed_dims=widths[0], depths=TINY['depths'], num_heads=TINY['heads'], window_size=3)
    cfg.backbone.text.update(embed_dims=TINY['text'], num_layers=TINY['layers'], num_heads=2, ffn_channels=TINY['ffn'])
    cfg.backbone.text.update(vocab_size=TINY['vocab'], max_positions=TINY['positions'])
    cfg.backbone.fusion.update(image_channels=widths, text_channels=TINY['text'])
    cfg.neck.decoder.update(in_channels=widths, channels=CHANNELS, ffn_channels=ENCODER_FFN)
    cfg.head.in_channels = CHANNELS
    cfg.head.decoder.update(
        in_channels=CHANNELS, text_channels=TINY['text'], num_regions=REGIONS, ffn_channels=DECODER_FFN
    )
    shapes = rela_shapes(TINY, CHANNELS, ENCODER_FFN, DECODER_FFN, REGIONS)
    return random_weights(shapes, TINY), cfg


def test_every_weight_of_the_released_model_has_its_place():
    shapes = rela_shapes(BASE)
    blank = {name: torch.zeros(()).expand(shape) for name, shape in shapes.items()}
    converted = convert_rela(blank, 'released.pth')
    with torch.device('meta'):
        model = MODELS.build(read_config(f'{CONFIGS}/rela/grefcoco.py').model)
    wanted = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    assert {name: tuple(value.shape) for name, value in converted.items()} == wanted
    assert len(shapes) - len(converted) == 1  # the positions of BERT


@torch.no_grad()
def test_a_converted_model_gives_the_official_masks_minimaps_and_verdicts(tiny_rela):
    state, cfg = tiny_rela
    model = MODELS.build(cfg).eval()
    model.load_state_dict(convert_rela(state, 'released.pth'))
    torch.manual_seed(3)
    mask = torch.arange(5) < torch.tensor([[5], [3]])
    batch = dict(images=torch.randn(2, 3, 40, 40), input_ids=torch.randint(1, 30, (2, 5)), text_mask=mask)
    found = model(batch, mode='tensor')
    assert found['mask_logits'].shape == (2, 1, 10, 10)
    for i, length in enumerate((5, 3)):
        masks, minimap, verdict = rela_outputs(batch['images'][i], batch['input_ids'][i], length, state, TINY, CHANNELS)
        scale = masks.abs().max()
        for ours, theirs, bound in (
            (found['mask_logits'][i, 0], masks[1] - masks[0], 1e-4 * scale),
            (found['minimap_logits'][i], minimap[:, 1] - minimap[:, 0], 1e-4),
            (found['no_target_logits'][i], verdict, 1e-4),
        ):
            assert theirs.std() > 100 * bound, 'the weights say nothing'
            torch.testing.assert_close(ours, theirs, rtol=0, atol=float(bound))


@pytest.mark.parametrize('suffix', ['.pth', '.pkl'])
def test_checkpoints_of_detectron2_are_converted_and_loaded_strictly(tmp_path, tiny_rela, suffix):
    state, cfg = tiny_rela
    if suffix == '.pth':
        others = dict(optimizer=dict(state={}, param_groups=[]), scheduler=dict(last_epoch=3), iteration=299_999)
        torch.save(dict(model=state, **others), tmp_path / 'released.pth')
    else:
        arrays = {name: value.numpy() for name, value in state.items()}
        content = dict(model=arrays, __author__='third_party', matching_heuristics=True)
        (tmp_path / 'released.pkl').write_bytes(pickle.dumps(content))
    converted, meta = convert_checkpoint(tmp_path / f'released{suffix}')
    assert (meta['layout'], meta['dropped']) == ('rela', 'text_encoder.embeddings.position_ids')
    save_weights(converted, tmp_path / 'ours.safetensors', meta)
    model = MODELS.build(cfg)
    load_weights(model, tmp_path / 'ours.safetensors')
    predictor = 'sem_seg_head.predictor.'
    assert model.head.decoder.regions[0].equal(state[f'{predictor}query_feat.weight'])
    assert model.head.decoder.decoder.layers[8].norms[1].bias.equal(state[f'{predictor}RLA_vision.8.norm.bias'])
    assert model.neck['decoder'].norms[2].weight.equal(state['backbone.norm2.weight'])
    with pytest.raises(CheckpointError, match='convert the file with "mmvg convert" first'):
        load_weights(MODELS.build(cfg), tmp_path / f'released{suffix}')


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(add='sem_seg_head.predictor.class_embed.bias'), r'1 tensors are none of this model: sem_seg_head\.pred'),
        (dict(drop='sem_seg_head.predictor.nt_embed.'), r'has no tensors under sem_seg_head\.predictor\.nt_embed\.'),
        (dict(drop='backbone.norm1.'), r'has no tensors under backbone\.norm1\.; is the file cut down'),
    ],
)
def test_anything_unexpected_is_an_error(tiny_rela, change, message):
    state = {name: value for name, value in tiny_rela[0].items() if not name.startswith(change.get('drop', '-'))}
    state |= {change['add']: torch.zeros(1)} if 'add' in change else {}
    with pytest.raises(CheckpointError, match=message):
        convert_rela(state, 'released.pth')
