"""Parameters and multiply-accumulates, against formulas on paper."""

import pytest
import torch
from mmengine.config import Config
from torch import nn

from mmvg.analysis.complexity import build_blank, dummy_inputs, total, true_complexity
from mmvg.analysis.table16 import has_table16_parts, rounded_steps, table16_complexity
from mmvg.registry import MODELS

TOKENS, CELLS, LENGTH = 16 + 1 + 6, 16, 6  # 32 pixels in patches of 8, with CLS and 6 text tokens
PYRAMID = [16 * CELLS, 4 * CELLS, CELLS, CELLS // 4]


@pytest.fixture
def tiny(tiny_model_cfg):
    pipeline = [dict(type='Resize', scale=(32, 32)), dict(type='Tokenize', max_length=LENGTH)]
    cfg = Config(dict(model=tiny_model_cfg, test_dataloader=dict(dataset=dict(pipeline=pipeline))))
    return build_blank(cfg), dummy_inputs(cfg)


def test_true_numbers_are_those_of_the_formulas(tiny, tiny_model_cfg):
    rows = {row.part: row for row in true_complexity(*tiny)}
    assert list(rows) == ['backbone', *(f'neck.{name}' for name in tiny_model_cfg.neck_order), 'head']
    width, channels = 16, 32
    layer = (4 * width**2 + 2 * 4 * width**2) * TOKENS + 2 * TOKENS**2 * width
    assert rows['backbone'].macs == CELLS * 3 * 8 * 8 * width + 2 * layer
    assert rows['neck.projection'].macs == (CELLS + LENGTH) * width * channels
    assert rows['neck.projection'].parameters == 2 * width * channels
    assert rows['neck.pixel_decoder'].macs == sum((2 + 1) * 9 * channels**2 * n for n in PYRAMID[:3])
    upsampled = (32 * 16 * 4 + 4 * 16 * 8 * 4) * CELLS + 32 * 16 * 4 * CELLS
    convolved = sum((wide + 9 * channels) * channels * n for wide, n in zip((8, 16, 32, 32), PYRAMID, strict=True))
    assert rows['neck.pyramid'].macs == upsampled + convolved
    boxes = 3 * 3 * (2 * channels**2 + 4 * channels + 2 * channels)  # layers, queries
    masks = PYRAMID[0] * (2 * channels**2 + 2 * channels + channels + 3 * channels)
    assert rows['head'].macs == boxes + masks
    model = MODELS.build(tiny_model_cfg)
    assert total(rows.values()).parameters == sum(p.numel() for p in model.parameters())


def test_frozen_parameters_are_not_learnable(tiny):
    model, inputs = tiny
    before = true_complexity(model, inputs)[0].parameters
    model.backbone.text_embed.requires_grad_(False)
    assert true_complexity(model, inputs)[0].parameters == before - 30 * 16


def test_frozen_encoders_of_pytorch_cost_as_much_as_others(tiny):
    model, inputs = tiny
    forward = model.head.forward

    def macs():
        return next(row.macs for row in true_complexity(model, inputs) if row.part == 'head')

    without = macs()
    layer = torch.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    model.head.extra = torch.nn.TransformerEncoder(layer, 1)
    model.head.forward = lambda features: (model.head.extra(torch.zeros(1, 5, 8)), forward(features))[1]
    learned = macs()
    assert learned == without + 2960
    model.head.extra.requires_grad_(False)
    assert macs() == learned
    assert torch.backends.mha.get_fastpath_enabled()


def test_table_16_counts_only_called_modules_of_known_kinds(tiny):
    model, inputs = tiny
    assert has_table16_parts(model)
    rows = {row.part: row for row in table16_complexity(model, inputs)}
    width, c = 16, 32
    norms = 3 * 2 * width + 2 * 4 * width
    layer = 2 * (4 * (width**2 + width) + 2 * 4 * width**2 + 4 * width + width + norms)
    assert rows['encoder'].parameters == width * 3 * 64 + width + 2 * layer + 2 * 2 * width
    linears = TOKENS * (4 * width**2 + 2 * 4 * width**2) + 4 * TOKENS * (3 * width + 4 * width)
    assert rows['encoder'].macs == CELLS * 3 * 64 * width + 2 * linears + 4 * TOKENS * width
    assert rows['+ UNet'].parameters == 3 * (3 * 9 * c**2 + 2 * 2 * c)
    assert rows['+ UNet'].macs == sum((3 * 9 * c**2 + 2 * 4 * c) * n for n in PYRAMID[:3])
    assert rows['+ PIPH'].parameters == 2 * (c**2 + c) + 2 * c + 2 + c + 1
    assert rows['+ PIPH'].macs == PYRAMID[0] * (2 * c**2 + 2 * c + c)
    # the authors project CLS too; all three projections, transposed convolutions counted stride^2 times
    transposed = 4 * ((32 * 16 * 4 + 4 * 16 * 8 * 4) * CELLS + 32 * 16 * 4 * CELLS)
    convolved = sum((wide + 9 * c) * c * n for wide, n in zip((8, 16, 32, 32), PYRAMID, strict=True))
    assert rows['+ SimFPN'].macs == (CELLS + LENGTH + 1) * width * c + transposed + convolved


def test_table_16_is_only_for_models_with_its_parts(tiny):
    model, inputs = tiny
    del model.neck['pyramid']
    assert not has_table16_parts(model)
    with pytest.raises(ValueError, match='not all of its parts'):
        table16_complexity(model, inputs)


def test_counting_leaves_the_model_as_it_was(tiny):
    model, inputs = tiny
    table16_complexity(model, inputs)
    assert not any(module._forward_hooks for module in model.modules())
    assert not any(p.grad is not None for p in model.parameters())


def test_steps_are_differences_of_rounded_sums():
    # Table 16 prints 2.94 for 2.9344, since 174.3115 and 177.2459 round to 174.31 and 177.25
    assert rounded_steps([170_886_912, 3_424_576, 2_934_408], 1e6) == ['170.89', '3.42', '2.94']
    assert rounded_steps([], 1e6) == []


@pytest.mark.parametrize('size', [dict(scale=(48, 32)), dict(size=(48, 32))])
def test_inputs_have_the_sizes_of_the_test_pipeline(size):
    pipeline = [dict(type='Resize', **size), dict(type='Tokenize', max_length=7)]
    for dataset in (
        dict(pipeline=pipeline),
        dict(dataset=dict(pipeline=pipeline)),
        dict(datasets=[dict(pipeline=pipeline)]),
    ):
        inputs = dummy_inputs(Config(dict(test_dataloader=dict(dataset=dataset))))
        assert inputs['images'].shape == (1, 3, 32, 48)
        assert inputs['input_ids'].shape == inputs['text_mask'].shape == (1, 7)
        assert inputs['text_mask'].all()


@pytest.mark.parametrize(
    ('cfg', 'message'),
    [
        ({}, 'the config has no test_dataloader'),
        (dict(test_dataloader=dict(dataset=dict(pipeline=[dict(scale=(1, 1))]))), 'no transform has'),
    ],
)
def test_unknown_input_sizes_are_an_error(cfg, message):
    with pytest.raises(ValueError, match=message):
        dummy_inputs(Config(cfg))


def test_a_blank_model_is_real_and_zero(tiny):
    model, _ = tiny
    assert isinstance(model, nn.Module)
    assert all(p.device == torch.device('cpu') and not p.any() for p in model.parameters())
