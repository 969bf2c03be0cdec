"""CRIS and SegVLM as a whole, built from their tiny configs."""

from pathlib import Path

import pytest
import torch
from mmengine.structures import PixelData

from mmvg.config import read_config
from mmvg.registry import MODELS
from mmvg.structures import GroundingSample

CONFIGS = Path(__file__).parents[3] / 'configs'
PAPERS = ['cris', 'segvlm']


def build(paper):
    torch.manual_seed(0)
    model = MODELS.build(read_config(CONFIGS / paper / 'tiny.py').model)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith('conv.offset.weight'):  # zero at the start
                parameter.normal_(std=0.1)
    return model.eval()


def batch(places, lengths=None, seed=0):
    """Inputs about the images ``places`` of three, each sample with tokens of its own; and empty samples."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(3, 3, 64, 64, generator=generator)[torch.tensor(places)]
    ids = torch.randint(4, 90, (len(places), 9), generator=generator)
    mask = torch.arange(9)[None] < torch.tensor(lengths or [9] * len(places))[:, None]
    meta = dict(img_shape=(64, 64), ori_shape=(64, 64), homography_matrix=torch.eye(3).numpy())
    samples = [GroundingSample(metainfo=meta) for _ in places]
    return dict(images=images, input_ids=ids.masked_fill(~mask, 0), text_mask=mask), samples


def part_of(inputs, index):
    return {name: value[index : index + 1] for name, value in inputs.items()}


def shared(inputs, places):
    """Inputs as the preprocessor makes them of samples that ask about few images."""
    images = torch.stack([inputs['images'][places.index(place)] for place in range(max(places) + 1)])
    return inputs | dict(images=images, image_index=torch.tensor(places))


@torch.no_grad()
@pytest.mark.parametrize('paper', PAPERS)
def test_expressions_about_one_image_share_its_encoding_and_get_the_answers_of_separate_runs(paper):
    model = build(paper)
    seen = []
    model.backbone.clip.visual.conv1.register_forward_hook(lambda module, args, out: seen.append(len(args[0])))
    places = [0, 0, 1, 0, 2, 1]
    inputs, samples = batch(places)
    together = model(shared(inputs, places), mode='tensor')['mask_logits']
    assert seen == [3]  # the image tower ran on three images, not on six
    alone = torch.cat([model(part_of(inputs, i), mode='tensor')['mask_logits'] for i in range(6)])
    assert torch.allclose(together, alone, atol=1e-5)
    assert not torch.allclose(together[0], together[1], atol=1e-3)  # the same image, another expression

    seen.clear()
    answers = model(shared(inputs, places), samples, mode='predict')
    assert seen == [3]
    for i, answer in enumerate(answers):
        (single,) = model(part_of(inputs, i), batch(places)[1][i : i + 1], mode='predict')
        assert torch.equal(answer.pred_sem_seg.sem_seg, single.pred_sem_seg.sem_seg)
        assert answer.target_score == pytest.approx(single.target_score, abs=1e-5)


def test_training_shares_nothing_for_batchnorm_counts_every_sample():
    model = build('segvlm').train()
    seen = []
    model.backbone.clip.visual.conv1.register_forward_hook(lambda module, args, out: seen.append(len(args[0])))
    model(shared(batch([0, 0, 1])[0], [0, 0, 1]), mode='tensor')
    assert seen == [3]


@torch.no_grad()
@pytest.mark.parametrize('paper', PAPERS)
def test_padded_words_do_not_change_the_mask(paper):
    model = build(paper)
    inputs, _ = batch([0, 1], lengths=[4, 4])
    logits = model(inputs, mode='tensor')['mask_logits']
    other = inputs | dict(input_ids=inputs['input_ids'].masked_fill(~inputs['text_mask'], 33))
    shorter = inputs | dict(input_ids=inputs['input_ids'][:, :4], text_mask=inputs['text_mask'][:, :4])
    for changed in (other, shorter):
        assert torch.allclose(model(changed, mode='tensor')['mask_logits'], logits, atol=1e-5)


@torch.no_grad()
def test_a_text_of_begin_and_end_only_has_an_answer():
    logits = build('segvlm')(batch([0], lengths=[2])[0], mode='tensor')['mask_logits']
    assert logits.shape == (1, 1, 16, 16)
    assert logits.isfinite().all()


@pytest.mark.parametrize('paper', PAPERS)
def test_one_step_reaches_every_parameter(paper, make_training_samples, awake, unlearned):
    model = awake(build(paper)).train()
    inputs, _ = batch([0, 1, 2], lengths=[9, 5, 2])
    losses = model(inputs, make_training_samples(3), mode='loss')
    expected = ['loss_bce'] if paper == 'cris' else ['loss_bce', 'loss_dice', 'loss_focal']
    assert sorted(name for name in losses if name.startswith('loss')) == expected
    sum(value for name, value in losses.items() if 'loss' in name).backward()
    assert unlearned(model) == []


@pytest.fixture
def make_training_samples():
    """Samples with a square of growing size; the first has none."""
    from mmdet.structures.mask import BitmapMasks
    from mmengine.structures import InstanceData

    def make(count):
        samples = []
        for i in range(count):
            union = torch.zeros(1, 64, 64, dtype=torch.uint8)
            union[:, 8 : 8 + 16 * i, 8 : 8 + 16 * i] = 1
            sample = GroundingSample(metainfo=dict(img_shape=(64, 64), gt_frame='input'))
            sample.gt_instances = InstanceData(
                bboxes=torch.tensor([[8.0, 8.0, 9.0 + 16 * i, 9.0 + 16 * i]]),
                masks=BitmapMasks(union.numpy(), 64, 64),
            )
            sample.gt_sem_seg = PixelData(sem_seg=union)
            sample.no_target = False
            samples.append(sample)
        return samples

    return make
