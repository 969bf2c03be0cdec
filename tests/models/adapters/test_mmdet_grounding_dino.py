"""Grounding DINO of mmdetection, built tiny from one of its own configs."""

import numpy as np
import pytest
import torch
from mmdet.registry import TRANSFORMS
from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.dataset import Compose
from transformers import BertModel

from mmvg.config import read_config
from mmvg.models.adapters import MMDetGroundingDINO
from mmvg.registry import MODELS
from tests.models.adapters.conftest import as_pil, ask


def settings_of(folder, **more):
    files = dict(mmdet_config='config.py', checkpoint='detector.pth', bert_folder='bert')
    return {key: str(folder / name) for key, name in files.items()} | dict(box_rule='all') | more


@pytest.fixture(scope='module')
def make(folder_of):
    """Function: the model of ``configs/mmdet/grounding_dino_refcoco.py`` with tiny weights."""

    def build(**more):
        settings = settings_of(folder_of('mmdet_grounding_dino'), **more)
        return MODELS.build(read_config('mmdet/grounding_dino_refcoco', settings).model).eval()

    return build


@pytest.fixture(scope='module')
def model(make):
    return make()


def test_the_answer_is_that_of_mmdetection_with_its_own_pipeline(model, folder_of, pictures, tmp_path):
    as_pil(pictures[2]).save(tmp_path / 'scene.png')
    steps = Config.fromfile(folder_of('mmdet_grounding_dino') / 'config.py').test_pipeline
    load = Compose([TRANSFORMS.build(dict(step, _scope_='mmdet')) for step in steps if step.type != 'LoadAnnotations'])
    packed = load(dict(img_path=str(tmp_path / 'scene.png'), img_id=0, text='the red ring.', tokens_positive=-1))
    batch = dict(inputs=[packed['inputs']], data_samples=[packed['data_samples']])
    with torch.no_grad():
        (theirs,) = model.library.model.test_step(batch)
    assert isinstance(theirs, DetDataSample)
    (ours,) = ask(model, pictures[2:], ['The red ring'])
    torch.testing.assert_close(ours.pred_instances.scores, theirs.pred_instances.scores)
    torch.testing.assert_close(ours.pred_instances.bboxes, theirs.pred_instances.bboxes)
    width = pictures[2].shape[1]
    assert theirs.pred_instances.bboxes[:, 2].max() <= width + 1e-3
    assert 0 < theirs.pred_instances.scores.max() < 1


@pytest.mark.parametrize(('rule', 'expected'), [('max', 0.999877), ('mean', 0.5)])
def test_the_score_is_that_of_the_best_token_or_the_mean_of_the_words(rule, expected, make, pictures, monkeypatch):
    made = make(token_rule=rule)
    logits = torch.full((1, 1, 20, 256), -torch.inf)
    logits[..., 0, :6] = torch.tensor([9.0, 0.0, 2.0, -2.0, 9.0, 9.0])  # [CLS] the red ring . [SEP]
    boxes = torch.tensor([0.5, 0.5, 0.5, 0.5]).expand(1, 1, 20, 4)
    monkeypatch.setattr(made.library.model.bbox_head, 'forward', lambda *args: (logits, boxes))
    (sample,) = ask(made, pictures[:1], ['the red ring'])
    assert float(sample.pred_instances.scores.max()) == pytest.approx(expected, abs=1e-5)
    height, width = pictures[0].shape[:2]
    middle = torch.tensor([[width / 4, height / 4, 3 * width / 4, 3 * height / 4]])
    torch.testing.assert_close(sample.pred_instances.bboxes[:1], middle)


def test_words_are_attended_to_as_transformers_does_with_the_same_bert(model, folder_of):
    """mmdetection's masks (B, L, L) keep sub-sentences apart; in transformers 5 they must not be lost on the way."""
    language = model.library.model.language_model
    bert = BertModel.from_pretrained(folder_of('mmdet_grounding_dino') / 'bert', add_pooling_layer=False).eval()
    with torch.no_grad():
        ours = language(['the red ring.'])['embedded']
        apart = language(['the red ring. both stars.'])['embedded']
        tokens = language.tokenizer(['the red ring.'], return_tensors='pt')
        length = tokens['input_ids'].shape[1]
        mask = torch.zeros(1, 1, length, length, dtype=torch.bool)
        mask[..., 0, 0] = mask[..., -1, -1] = True
        mask[..., 1:-1, 1:-1] = True
        places = torch.tensor([[0, *range(length - 2), 0]])
        theirs = bert(
            tokens['input_ids'], attention_mask=mask, position_ids=places, token_type_ids=tokens['token_type_ids']
        )
    torch.testing.assert_close(ours, theirs.last_hidden_state, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(apart[:, 1 : length - 1], ours[:, 1:-1], atol=1e-5, rtol=1e-4)  # of the first phrase


def test_positions_are_encoded_with_the_frequencies_that_weights_were_trained_with(model):
    """OneDL's mmdetection hands over twice as many; mmdetection 3.3 encodes with 128 per coordinate."""
    from mmdet.models.layers import coordinate_to_encoding

    from mmvg.models.adapters.mmdet_grounding_dino import _thin_encoding

    boxes = torch.rand(1, 5, 4)
    trained, wide = (coordinate_to_encoding(boxes, num_feats=count) for count in (128, 256))
    head = model.library.model.decoder.ref_point_head
    for given in (trained, wide):
        torch.testing.assert_close(_thin_encoding(head, (given,))[0], trained, atol=1e-5, rtol=1e-4)


def test_an_answer_depends_on_picture_and_sentence_and_on_no_neighbour(model, pictures):
    texts = ['the red ring', 'both stars left', 'the red ring']
    together = ask(model, pictures, texts)
    for sample, picture, text in zip(together, pictures, texts, strict=True):
        (alone,) = ask(model, [picture], [text])
        assert torch.equal(sample.pred_instances.bboxes, alone.pred_instances.bboxes)
    (other,) = ask(model, pictures[:1], ['both stars left'])
    assert not torch.equal(other.pred_instances.scores, together[0].pred_instances.scores)
    assert not torch.equal(together[0].pred_instances.scores, together[1].pred_instances.scores)


def test_bfloat16_answers_nearly_the_same(model, make, pictures):
    (half,) = ask(make(dtype='bfloat16'), pictures[:1], ['the red ring'])
    (whole,) = ask(model, pictures[:1], ['the red ring'])
    assert half.pred_instances.scores.dtype == torch.float32
    assert float(half.pred_instances.scores.max()) == pytest.approx(float(whole.pred_instances.scores.max()), abs=0.1)
    assert np.isfinite(half.pred_instances.bboxes.numpy()).all()


@pytest.mark.parametrize(
    ('setting', 'message'),
    [
        ('mmdet_config', r'neither this file nor .*mim/configs/mm_grounding_dino/lost\.py is there'),
        ('bert_folder', 'hf download google-bert/bert-base-uncased .* and set bert_folder='),
        ('checkpoint', 'lost.py: no such file'),
    ],
)
def test_a_file_that_is_not_there_is_named(setting, message, make):
    with pytest.raises(FileNotFoundError, match=message):
        make(**{setting: './mm_grounding_dino/lost.py'})


def test_weights_of_another_size_are_refused(folder_of):
    folder = folder_of('mmdet_grounding_dino')
    files = [str(folder / name) for name in ('config.py', 'detector.pth', 'bert')]
    with pytest.raises(ValueError, match=r'query_embedding\.weight'):
        MMDetGroundingDINO(*files, detector=dict(num_queries=21))
