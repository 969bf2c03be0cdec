"""Adapters change a model as peft's do, in whatever form they are kept."""

import pytest
import torch
from mmengine.config import Config
from shipped_configs import build, read
from torch import nn

from mmvg.config import ConfigError, check_config
from mmvg.models.backbones import BertTextEncoder
from mmvg.models.layers.lora import LoRALinear, add_adapters
from mmvg.registry import MODELS
from mmvg.weights import CheckpointError, load_state_dict
from mmvg.weights.adapters import adapter_notes, is_adapter, merge_adapters, trained_names
from mmvg.weights.adapters import add_adapters as with_adapters

SYSTEMS = ['instancevg', 'lavt', 'magnet', 'raam', 'rela', 'cris', 'segvlm', 'simvg', 'eevg']


def bert():
    torch.manual_seed(0)
    return BertTextEncoder(embed_dims=8, num_layers=2, num_heads=2, ffn_channels=16, vocab_size=10).eval()


def fill(model):
    generator = torch.Generator().manual_seed(1)
    for name, parameter in model.named_parameters():
        if is_adapter(name):
            parameter.data = torch.randn(parameter.shape, generator=generator) * 0.1


IDS, MASK = torch.tensor([[5, 6, 7], [8, 9, 5]]), torch.ones(2, 3, dtype=torch.bool)


def test_the_same_adapters_give_what_peft_gives():
    peft = pytest.importorskip('peft')
    theirs = peft.get_peft_model(bert(), peft.LoraConfig(r=3, lora_alpha=6, target_modules=['query', 'dense'])).eval()
    ours = bert()
    assert len(add_adapters(ours, rank=3, targets=['*.query', '*.dense'])) == 8
    fill(ours)
    state = ours.state_dict()
    for name, parameter in theirs.named_parameters():
        if 'lora_' in name:
            plain = name.removeprefix('base_model.model.').replace('.lora_A.default.weight', '.lora_a')
            parameter.data.copy_(state[plain.replace('.lora_B.default.weight', '.lora_b')])
    found, expected = ours(IDS, MASK), theirs(IDS, MASK)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)
    assert (found - bert()(IDS, MASK)).abs().max() > 1e-3
    trained = {name for name, parameter in ours.named_parameters() if parameter.requires_grad}
    assert len(trained) == sum(parameter.requires_grad for parameter in theirs.parameters()) == 16


def test_fresh_adapters_change_nothing():
    ours = bert()
    add_adapters(ours, rank=2)
    assert torch.equal(ours(IDS, MASK), bert()(IDS, MASK))


def inputs_of(cfg):
    torch.manual_seed(3)
    side = 32 if 'raam' in cfg.filename else 64
    ids = torch.randint(5, 20, (2, 6))
    return dict(images=torch.rand(2, 3, side, side), input_ids=ids, text_mask=torch.ones_like(ids, dtype=torch.bool))


def adapted(config, **lora):
    cfg = read(config)
    torch.manual_seed(0)
    plain = MODELS.build(cfg.model).eval()
    cfg.model.lora = dict(rank=2, **lora)
    check_config(cfg)
    model = MODELS.build(cfg.model).eval()
    load_state_dict(model, plain.state_dict(), 'plain')
    fill(model)
    return cfg, plain, model


def outputs(model, inputs):
    with torch.no_grad():
        return {name: value for name, value in model(inputs).items() if isinstance(value, torch.Tensor)}


@pytest.mark.parametrize('system', SYSTEMS)
def test_merged_adapters_answer_as_those_beside_the_weights(system):
    """None is passed over by a part that reads weights without calling the layer."""
    cfg, plain, model = adapted(f'{system}/tiny.py')
    inputs = inputs_of(cfg)
    found = outputs(model, inputs)
    merged = merge_adapters(model.state_dict())
    assert merged.keys() == plain.state_dict().keys()
    load_state_dict(plain, model.state_dict(), 'adapted')  # which merges them
    assert all(torch.equal(merged[name], value) for name, value in plain.state_dict().items())
    torch.testing.assert_close(outputs(plain, inputs), found, atol=2e-4, rtol=1e-4)


@pytest.mark.parametrize('system', SYSTEMS)
def test_every_adapter_has_a_part_in_the_answer(system):
    cfg, _, model = adapted(f'{system}/tiny.py')
    model.train()
    features = model.extract_features(inputs_of(cfg))
    total = sum(x.square().sum() for x in (*features.images, features.text) if x is not None)
    if features.sentence is not None:
        total = total + features.sentence.square().sum()
    total.backward()
    adapters = {name: p for name, p in model.named_parameters() if is_adapter(name)}
    idle = [name for name, parameter in adapters.items() if parameter.grad is None or not parameter.grad.any()]
    assert adapters
    assert not idle
    assert all(p.requires_grad == is_adapter(name) for name, p in model.named_parameters())


def test_statistics_of_what_is_not_trained_stay():
    _, _, model = adapted('instancevg/tiny.py', trained=['head'])
    model.train()
    norms = [module for module in model.backbone.modules() if isinstance(module, nn.BatchNorm2d)]
    assert norms
    assert not any(norm.training for norm in norms)
    assert model.head.training
    assert all(parameter.requires_grad for parameter in model.head.parameters())


def test_attention_of_torch_gets_no_adapter_that_it_would_not_see():
    names = {name for name, module in build('cris/tiny.py', 'model.lora.rank=2').named_modules()
             if isinstance(module, LoRALinear)}  # fmt: skip
    assert names
    assert not any('attn' in name for name in names)


def test_a_target_without_such_a_layer_is_an_error():
    with pytest.raises(
        ValueError, match=r'none of bert.embeddings holds a linear layer .* such as bert.encoder.layer.0'
    ):
        add_adapters(bert(), rank=2, targets=['bert.embeddings'])
    with pytest.raises(
        ValueError, match=r"--lora-targets bert.encodr: no part of the model is called so.*'bert.encoder'"
    ):
        add_adapters(bert(), rank=2, targets=['bert.encodr'])
    with pytest.raises(ValueError, match='rank and alpha must be 1 or more, not 0'):
        add_adapters(bert(), rank=0)


def test_towers_without_gradients_cannot_be_adapted():
    with pytest.raises(ValueError, match=r'no block of the encoders holds a linear layer .* has a gradient'):
        build('lggd/tiny.py', 'model.lora.rank=2')


def test_a_misspelt_setting_is_found():
    cfg = read('lavt/tiny.py')
    cfg.model.lora = dict(rnak=2)
    with pytest.raises(ConfigError, match="did you mean 'rank'"):
        check_config(cfg)


def test_a_file_of_adapters_fits_the_weights_that_it_was_trained_on_only():
    model, base = bert(), bert().state_dict()
    add_adapters(model, rank=2)
    fill(model)
    state, names = model.state_dict(), trained_names(model)
    file = {name: state[name] for name in [*names, *(n for n in state if n.endswith('lora_alpha'))]}
    notes = adapter_notes(state, list(file), 'bert')
    merged = with_adapters(base, file, notes, 'adapters.safetensors')
    assert all(torch.equal(value, merge_adapters(state)[name]) for name, value in merged.items())
    base['bert.embeddings.LayerNorm.bias'] += 1
    with pytest.raises(CheckpointError, match='belong to other weights: they were trained on bert'):
        with_adapters(base, file, notes, 'adapters.safetensors')
    with pytest.raises(CheckpointError, match='holds no adapters'):
        with_adapters(base, base, {}, 'model.safetensors')


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(lora_a=None), r'odd\.pth: an adapter is not whole: fc\.lora_a not there'),
        (dict(lora_a=None, lora_alpha=None), r'fc\.lora_a, fc\.lora_alpha not there'),
        (dict(weight=None), r'fc\.weight not there'),
        (dict(lora_a=torch.ones(1, 4)), r'do not go together: fc\.lora_a \(1, 4\)'),
        (dict(lora_b=torch.ones(2, 3)), r'do not go together'),
        (dict(lora_a=torch.ones(0, 3), lora_b=torch.ones(2, 0)), r'do not go together'),
        (dict(lora_b=torch.ones(2)), r'do not go together'),
        (dict(lora_alpha=torch.ones(2)), r'do not go together'),
    ],
)
def test_half_an_adapter_is_an_error(change, message):
    whole = dict(weight=torch.zeros(2, 3), lora_a=torch.ones(1, 3), lora_b=torch.ones(2, 1), lora_alpha=torch.tensor(4))
    state = {f'fc.{name}': value for name, value in (whole | change).items() if value is not None}
    model = nn.ModuleDict(dict(fc=nn.Linear(3, 2, bias=False)))
    with pytest.raises(CheckpointError, match=message):
        load_state_dict(model, state, 'odd.pth')
    load_state_dict(model, {f'fc.{name}': value for name, value in whole.items()}, 'whole.pth')
    assert model['fc'].weight.sum() == 24


def test_a_folder_of_an_adapted_model_is_one_of_a_plain_model(tmp_path):
    cfg, plain, model = adapted('lavt/tiny.py')
    folder = model.save_pretrained(tmp_path / 'model', Config(dict(model=cfg.model)))
    again = type(plain).from_pretrained(folder)
    assert not any(map(is_adapter, again.state_dict()))
    torch.testing.assert_close(again.state_dict(), merge_adapters(model.state_dict()))


def test_another_alpha_of_a_file_counts():
    layer = LoRALinear(nn.Linear(4, 4), rank=2, alpha=2)
    state = layer.state_dict()
    state['lora_alpha'] = torch.tensor(8)
    layer.load_state_dict(state)
    assert layer.scale == 4
