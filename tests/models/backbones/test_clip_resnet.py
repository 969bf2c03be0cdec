import hashlib
import logging

import open_clip
import pytest
import torch
import torch.nn.functional as F
from mmengine.logging import MMLogger

from mmvg.models.backbones import CLIPResNet
from mmvg.registry import MODELS
from mmvg.weights.checkpoint import CheckpointError

TINY = dict(
    image_layers=(1, 1, 1, 1),
    image_channels=4,
    pool_grid=2,
    head_channels=8,
    embed_dims=8,
    text_channels=16,
    text_layers=2,
    vocab_size=50,
    max_text_positions=7,
)


def tiny(**options):
    torch.manual_seed(0)
    return MODELS.build(dict(type='CLIPResNet', **TINY | options)).eval()


def tiny_clip(quick_gelu=True):
    """CLIP itself, as open_clip builds it, with weights that a test can tell from fresh ones."""
    clip = open_clip.model.CLIP(
        8,
        open_clip.model.CLIPVisionCfg(layers=(1, 1, 1, 1), width=4, head_width=8, image_size=64),
        open_clip.model.CLIPTextCfg(context_length=7, vocab_size=50, width=16, heads=2, layers=2),
        quick_gelu=quick_gelu,
    )
    with torch.no_grad():
        for parameter in clip.parameters():
            parameter.normal_(std=0.3)
        for name, buffer in clip.named_buffers():
            if name.endswith('running_var'):
                buffer.uniform_(0.5, 2)
    return clip.eval()


def batch(size=(64, 64), lengths=(7, 3), max_length=7):
    """Images, ids in which the end of text (49) is the highest id, and the mask."""
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(1, 40, (len(lengths), max_length), generator=generator)
    mask = torch.arange(max_length)[None] < torch.tensor(lengths)[:, None]
    ids[~mask] = 0
    for row, length in zip(ids, lengths, strict=True):
        row[max(length - 1, 0)] = 49
    return torch.randn(len(lengths), 3, *size, generator=generator), ids, mask


def saved(clip, path, half=False):
    state = {name: value.half() if half else value for name, value in clip.state_dict().items()}
    torch.save(state, path)
    return str(path)


@torch.no_grad()
def test_gives_stages_the_pooled_map_tokens_and_a_sentence():
    out = tiny(out_indices=(0, 2))(*batch((64, 96)))
    assert [tuple(x.shape) for x in out.images] == [(2, 16, 16, 24), (2, 64, 4, 6), (2, 128, 2, 3)]
    assert out.text.shape == (2, 7, 16)
    assert out.sentence.shape == (2, 8)
    assert out.text_mask.tolist() == [[True] * 7, [True] * 3 + [False] * 4]
    assert tiny(pooling='proj')(*batch()).images[-1].shape == (2, 8, 2, 2)


@torch.no_grad()
@pytest.mark.parametrize('half', [False, True])
def test_loaded_towers_give_what_open_clip_gives(tmp_path, half):
    clip = tiny_clip()
    model = tiny(pooling='proj', out_indices=(3,), checkpoint=saved(clip, tmp_path / 'clip.pt', half))
    model.init_weights()
    if half:
        clip.load_state_dict({name: value.half().float() for name, value in clip.state_dict().items()})
    images, ids, mask = batch()
    out = model(images, ids, mask)
    assert out.text.dtype == torch.float32
    torch.testing.assert_close(out.sentence, clip.encode_text(ids))
    visual = clip.visual
    stage4 = visual.layer4(visual.layer3(visual.layer2(visual.layer1(visual.stem(images)))))
    torch.testing.assert_close(out.images[0], stage4)
    # open_clip's pooling with every location as the query: torch's own attention over the locations alone
    pool = clip.visual.attnpool
    tokens = stage4.flatten(2).permute(2, 0, 1) + pool.positional_embedding[1:, None]
    expected, _ = F.multi_head_attention_forward(
        tokens, tokens, tokens, 128, pool.num_heads, None,
        torch.cat([pool.q_proj.bias, pool.k_proj.bias, pool.v_proj.bias]), None, None, False, 0.0,
        pool.c_proj.weight, pool.c_proj.bias, training=False, need_weights=False, use_separate_proj_weight=True,
        q_proj_weight=pool.q_proj.weight, k_proj_weight=pool.k_proj.weight, v_proj_weight=pool.v_proj.weight,
    )  # fmt: skip
    torch.testing.assert_close(out.images[-1].flatten(2).permute(2, 0, 1), expected, rtol=1e-4, atol=1e-4)


def test_a_torchscript_archive_is_read_and_its_checksum_is_logged(tmp_path):
    class Archive(torch.nn.Module):
        """Parameters by CLIP's names and OpenAI's three integers, in half precision."""

        def __init__(self, clip):
            super().__init__()
            self.clip = clip

        def forward(self):
            return torch.zeros(1)

    clip = tiny_clip()
    path = tmp_path / 'RN50.pt'
    # an archive names its parameters by attributes, so the scripted module is a tree of plain modules
    root = torch.nn.Module()
    for name, value in clip.state_dict().items():
        node = root
        *parents, leaf = name.split('.')
        for parent in parents:
            if not hasattr(node, parent):
                node.add_module(parent, torch.nn.Module())
            node = getattr(node, parent)
        node.register_buffer(leaf, value.half())
    root.register_buffer('input_resolution', torch.tensor(64))
    torch.jit.save(torch.jit.script(root), path)
    records = []
    logger = MMLogger.get_instance('clip_resnet_test', log_level='INFO')
    handler = logging.Handler()
    handler.emit = lambda record: records.append(record.getMessage())
    logger.addHandler(handler)
    model = tiny(pooling='proj', checkpoint=str(path))
    model.init_weights()
    torch.testing.assert_close(model.clip.token_embedding.weight, clip.token_embedding.weight.half().float())
    assert any(hashlib.sha256(path.read_bytes()).hexdigest() in message for message in records)


def test_weights_of_another_size_are_refused_by_name(tmp_path):
    clip = open_clip.model.CLIP(
        8,
        open_clip.model.CLIPVisionCfg(layers=(1, 2, 1, 1), width=4, head_width=8, image_size=64),
        open_clip.model.CLIPTextCfg(context_length=7, vocab_size=50, width=16, heads=2, layers=2),
    )
    model = tiny(pooling='proj', checkpoint=saved(clip, tmp_path / 'clip.pt'))
    with pytest.raises(CheckpointError, match=r'(?s)clip\.pt.*visual\.layer2\.1'):
        model.init_weights()
    with pytest.raises(FileNotFoundError, match='never downloaded'):
        tiny(checkpoint=str(tmp_path / 'nothing.pt')).init_weights()


@torch.no_grad()
def test_what_stands_after_the_end_of_text_changes_nothing():
    model = tiny()
    images, ids, mask = batch()
    out = model(images, ids, mask)
    ids = ids.clone()
    ids[~mask] = 17
    again = model(images, ids, mask)
    torch.testing.assert_close(again.sentence, out.sentence)
    torch.testing.assert_close(again.text[mask], out.text[mask])


@torch.no_grad()
def test_the_sentence_may_be_normalised_or_left_in_the_width_of_the_text():
    assert tiny(project_sentence=False)(*batch()).sentence.shape == (2, 16)
    torch.testing.assert_close(tiny(normalize_sentence=True)(*batch()).sentence.norm(dim=-1), torch.ones(2))


@torch.no_grad()
def test_a_text_alone_is_the_text_of_the_pair():
    model = tiny()
    images, ids, mask = batch()
    assert torch.equal(model.encode_text(ids, mask), model(images, ids, mask).text)
    assert torch.equal(model.encode_text(ids, mask, model.token_table[ids]), model.encode_text(ids, mask))


def test_frozen_towers_get_no_gradient_and_never_train(unlearned):
    model = tiny(frozen=True, connect=True).train()
    assert not any(module.training for module in model.clip.modules())
    assert model.connect.training
    before = {name: value.clone() for name, value in model.clip.state_dict().items()}
    out = model(*batch())
    sum(x.mean() for x in out.images).backward()
    assert all(p.grad is None for p in model.clip.parameters())
    assert unlearned(model.connect) == []
    assert all(torch.equal(value, before[name]) for name, value in model.clip.state_dict().items())


@pytest.mark.parametrize('options', [{}, dict(pooling='proj', connect=True), dict(project_sentence=False)])
def test_trained_towers_have_no_parameter_without_a_gradient(options, awake, unlearned):
    model = awake(tiny(out_indices=(), **options)).train()
    out = model(*batch())
    (out.images[-1].square().mean() + out.text.square().mean() + out.sentence.square().mean()).backward()
    assert unlearned(model) == []


def test_the_sizes_are_those_of_openai():
    with torch.device('meta'):
        rn50 = CLIPResNet(frozen=True)
        rn101 = CLIPResNet(image_layers=(3, 4, 23, 3), embed_dims=512, pooling='proj')
    dropped = 2048 + 1  # the mean token's position and the temperature
    assert sum(p.numel() for p in rn50.parameters()) == 102_007_137 - dropped
    assert sum(p.numel() for p in rn50.clip.visual.parameters()) == 38_316_896 - 2048
    assert sum(p.numel() for p in rn101.clip.visual.parameters()) == pytest.approx(56.26e6, rel=1e-3)


def test_bad_settings_and_inputs_are_explained():
    with pytest.raises(ValueError, match="pooling must be 'pre' or 'proj', not 'mean'"):
        tiny(pooling='mean')
    with pytest.raises(ValueError, match='out_indices must be among 0 to 3'):
        tiny(out_indices=(4,))
    images, ids, mask = batch()
    with pytest.raises(ValueError, match='multiples of 32'):
        tiny()(images[..., :50], ids, mask)
    with pytest.raises(ValueError, match='at most 7 tokens'):
        tiny()(images, ids.repeat(1, 2), mask.repeat(1, 2))
