import open_clip
import pytest
import torch

from mmvg.models.backbones import CLIPTextEncoder
from mmvg.weights import CheckpointError

TINY = dict(embed_dims=16, num_layers=2, head_channels=8, vocab_size=50, max_positions=7)


def tiny_clip():
    torch.manual_seed(0)
    clip = open_clip.model.CLIP(
        8,
        open_clip.model.CLIPVisionCfg(layers=1, width=8, head_width=8, image_size=32, patch_size=16),
        open_clip.model.CLIPTextCfg(context_length=7, vocab_size=50, width=16, heads=2, layers=2),
        quick_gelu=True,
    )
    with torch.no_grad():
        for parameter in clip.parameters():
            parameter.normal_(std=0.3)
    return clip.eval()


@torch.no_grad()
@pytest.mark.parametrize('out_channels', [8, None])
def test_a_file_of_clip_gives_clips_sentence(out_channels, tmp_path):
    clip = tiny_clip()
    torch.save(clip.state_dict(), tmp_path / 'clip.pt')
    text = CLIPTextEncoder(**TINY, out_channels=out_channels, checkpoint=str(tmp_path / 'clip.pt')).eval()
    text.init_weights()
    ids = torch.tensor([[1, 5, 9, 8, 7, 3, 49], [1, 5, 49, 0, 0, 0, 0]])  # the end of text has the highest id
    mask = ids > 0
    sentence = text.sentence(text(ids, mask), mask)
    if out_channels is None:
        sentence = sentence @ clip.text_projection
    torch.testing.assert_close(sentence, clip.encode_text(ids))


@torch.no_grad()
def test_layers_in_two_runs_are_the_layers_in_one():
    text = CLIPTextEncoder(**TINY).eval()
    ids, mask = torch.randint(1, 50, (2, 5)), torch.ones(2, 5, dtype=torch.bool)
    half = text.run(text.embed(ids), mask, 0, 1)
    assert torch.equal(text.run(half, mask, 1, 2), text(ids, mask))
    assert torch.equal(text(ids, mask, text.token_table[ids]), text(ids, mask))


def test_what_does_not_fit_is_refused(tmp_path):
    torch.save(tiny_clip().state_dict(), tmp_path / 'clip.pt')
    with pytest.raises(CheckpointError, match='positional_embedding'):
        CLIPTextEncoder(**TINY | dict(max_positions=9), checkpoint=str(tmp_path / 'clip.pt')).init_weights()
    with pytest.raises(ValueError, match='reads at most 7 tokens'):
        CLIPTextEncoder(**TINY)(torch.ones(1, 8, dtype=torch.long), torch.ones(1, 8, dtype=torch.bool))
