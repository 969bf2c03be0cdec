"""SAM 3 answers here as it does in transformers."""

import pytest
import torch
from transformers import AutoProcessor, Sam3Model

from mmvg.models.adapters import SAM3
from tests.models.adapters.conftest import as_pil, ask


@pytest.fixture(scope='module')
def model(built):
    return built('sam3', box_rule='all')


def by_place(found):
    """Order instances by their boxes, for both sides list them differently."""
    return found['boxes'].sum(-1).argsort()


def test_boxes_scores_and_masks_are_those_of_the_library(model, folder_of, pictures):
    processor = AutoProcessor.from_pretrained(folder_of('sam3'), local_files_only=True)
    theirs = Sam3Model.from_pretrained(folder_of('sam3'), local_files_only=True).eval()
    picture = pictures[2]
    inputs = processor(images=as_pil(picture), text='the red ring', return_tensors='pt')
    with torch.no_grad():
        outputs = theirs(**inputs)
    (found,) = processor.post_process_instance_segmentation(outputs, threshold=-1.0, target_sizes=[picture.shape[:2]])
    (sample,) = ask(model, [picture], ['the red ring'])
    ours = sample.pred_instances
    height, width = picture.shape[:2]
    torch.testing.assert_close(ours.scores, found['scores'])
    inside = found['boxes'].clamp(min=0).minimum(torch.tensor([width, height] * 2))
    torch.testing.assert_close(ours.bboxes, inside)
    assert ours.masks.shape == (7, *picture.shape[:2])
    assert torch.equal(ours.masks, found['masks'].bool())
    assert 0 < ours.masks.float().mean() < 1


class Outputs(dict):
    __getattr__ = dict.__getitem__


def test_the_score_is_that_of_the_query_times_that_of_the_phrase_being_there(model, monkeypatch):
    masks = torch.full((1, 2, 4, 4), -5.0)
    masks[0, 0, :, :2] = 5.0  # the left half
    masks[0, 1, :2] = 5.0  # the upper half
    made = Outputs(
        pred_boxes=torch.tensor([[[0.0, 0, 0.5, 1], [0, 0, 1, 0.5]]]),
        pred_logits=torch.tensor([[0.0, 3.0]]),
        presence_logits=torch.tensor([[0.0]]),
        pred_masks=masks,
    )
    monkeypatch.setattr(model.library.model, 'forward', lambda **inputs: made)
    monkeypatch.setattr(model.head.postprocess, 'score_thr', 0.4)
    (sample,) = ask(model, [torch.zeros(40, 80, 3, dtype=torch.uint8).numpy()], ['rings'])
    torch.testing.assert_close(sample.pred_instances.scores, torch.tensor([0.25, 0.476287]))
    torch.testing.assert_close(sample.pred_instances.bboxes, torch.tensor([[0.0, 0, 40, 40], [0, 0, 80, 20]]))
    union = sample.pred_sem_seg.sem_seg[0]  # of the one that passes
    assert torch.equal(union, sample.pred_instances.masks[1])
    assert union[:16].all()
    assert not union[24:].any()
    assert not sample.pred_no_target

    monkeypatch.setattr(model.head.postprocess, 'score_thr', 0.5)
    (sample,) = ask(model, [torch.zeros(40, 80, 3, dtype=torch.uint8).numpy()], ['rings'])
    assert sample.pred_no_target
    assert not sample.pred_sem_seg.sem_seg.any()


def test_a_phrase_that_is_longer_than_the_model_reads_is_cut_and_said(model, pictures, capfd, monkeypatch):
    monkeypatch.setattr(model.library, '_cut', False)
    ask(model, pictures[:1], ['the small red ring to the left of the large blue star ' * 4])
    assert 'SAM3 reads at most 32 tokens' in capfd.readouterr().out


def test_no_neighbour_changes_an_answer(model, pictures):
    texts = ['the red ring', 'both stars', 'the red ring']
    for sample, picture, text in zip(ask(model, pictures, texts), pictures, texts, strict=True):
        (alone,) = ask(model, [picture], [text])
        torch.testing.assert_close(sample.pred_instances.scores, alone.pred_instances.scores, rtol=1e-4, atol=1e-5)
        assert (sample.pred_instances.masks ^ alone.pred_instances.masks).float().mean() < 1e-3


def test_a_picture_that_several_phrases_ask_about_is_encoded_once(model, pictures):
    sizes = []
    encoder = model.library.model.vision_encoder
    hook = encoder.register_forward_hook(lambda module, args, outputs: sizes.append(len(args[0])))
    picture, other = pictures[:2]
    texts = ['the red ring', 'both stars', 'the red ring', 'the blue mug']
    together = ask(model, [picture, picture, other, picture], texts)
    hook.remove()
    assert sizes == [2]
    for sample, shown, text in zip(together, [picture, picture, other, picture], texts, strict=True):
        (alone,) = ask(model, [shown], [text])
        torch.testing.assert_close(sample.pred_instances.scores, alone.pred_instances.scores, rtol=1e-4, atol=1e-5)


def test_bfloat16_answers_nearly_the_same(built, model, pictures):
    (half,) = ask(built('sam3', box_rule='all', dtype='bfloat16'), pictures[:1], ['the red ring'])
    (whole,) = ask(model, pictures[:1], ['the red ring'])
    assert (half.pred_instances.scores - whole.pred_instances.scores).abs().max() < 0.1


def test_another_kind_of_model_is_refused(folder_of):
    with pytest.raises(ValueError, match='holds a owlv2, not a SAM 3'):
        SAM3(str(folder_of('owlv2')), 'facebook/sam3')
