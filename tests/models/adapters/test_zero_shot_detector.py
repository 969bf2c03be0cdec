"""What the open-vocabulary detectors of transformers answer here is what they answer there."""

import pytest
import torch
from transformers import AutoModelForZeroShotObjectDetection, AutoProcessor, pipeline

from mmvg.models.adapters import ZeroShotDetector
from tests.models.adapters.conftest import as_pil, ask

FAMILIES = ['grounding_dino', 'mm_grounding_dino', 'omdet_turbo', 'owlv2']
DINO = FAMILIES[:2]
#: What each library is given for 'The red ring'.
SAID = dict.fromkeys(DINO, 'the red ring.') | dict(omdet_turbo='The red ring', owlv2='the red ring')


def answers_of_the_library(folder, family, picture, said):
    """Boxes and scores, best first, as transformers' own post-processing gives them."""
    processor = AutoProcessor.from_pretrained(folder, local_files_only=True)
    model = AutoModelForZeroShotObjectDetection.from_pretrained(folder, local_files_only=True).eval()
    text = said if family in DINO else [[said]]
    inputs = processor(images=as_pil(picture), text=text, return_tensors='pt')
    with torch.no_grad():
        outputs = model(**inputs)
    sizes = [picture.shape[:2]]
    (found,) = processor.post_process_grounded_object_detection(outputs, threshold=-1.0, target_sizes=sizes)
    order = found['scores'].argsort(descending=True, stable=True)
    return found['boxes'][order], found['scores'][order]


def ranked(sample):
    """Boxes and scores of a sample, best first."""
    order = sample.pred_instances.scores.argsort(descending=True, stable=True)
    return sample.pred_instances.bboxes[order], sample.pred_instances.scores[order]


@pytest.mark.parametrize('family', FAMILIES)
def test_the_answer_is_that_of_the_library(family, built, folder_of, pictures):
    model = built(family, box_rule='all')
    for picture in pictures[1:]:
        boxes, scores = answers_of_the_library(folder_of(family), family, picture, SAID[family])
        (sample,) = ask(model, [picture], ['The red ring'])
        height, width = picture.shape[:2]
        inside = boxes.clamp(min=0).minimum(boxes.new_tensor([width, height] * 2))  # the house cuts at the border
        assert len(scores) > 2
        torch.testing.assert_close(ranked(sample)[1], scores)
        torch.testing.assert_close(ranked(sample)[0], inside)


@pytest.mark.parametrize('family', ['grounding_dino', 'mm_grounding_dino', 'owlv2'])
def test_the_answer_is_that_of_the_pipeline_to_the_pixel_that_it_rounds_to(family, built, folder_of, pictures):
    detect = pipeline('zero-shot-object-detection', model=str(folder_of(family)), local_files_only=True)
    found = detect(as_pil(pictures[0]), candidate_labels=[SAID[family]], threshold=-1.0)
    (sample,) = ask(built(family, box_rule='all'), pictures[:1], ['The red ring'])
    boxes, scores = ranked(sample)
    expected = torch.tensor([[entry['box'][side] for side in ('xmin', 'ymin', 'xmax', 'ymax')] for entry in found])
    height, width = pictures[0].shape[:2]
    expected = expected.clamp(min=0).minimum(expected.new_tensor([width, height] * 2))
    torch.testing.assert_close(scores, torch.tensor([entry['score'] for entry in found]))
    assert (boxes.int() - expected).abs().max() <= 1


def outputs_by_hand(family, queries):
    """Raw outputs of a family whose boxes (cx, cy, w, h) and logits are given."""
    boxes, logits = torch.tensor([[box for box, _ in queries]]), torch.tensor([[logits for _, logits in queries]])
    if family == 'omdet_turbo':
        return dict(decoder_coord_logits=boxes, decoder_class_logits=logits, classes_structure=torch.tensor([1]))
    return dict(pred_boxes=boxes, logits=logits, input_ids=torch.tensor([[2, 82, 83, 87, 5, 3]]))


class Outputs(dict):
    __getattr__ = dict.__getitem__


@pytest.mark.parametrize('family', FAMILIES)
def test_boxes_and_scores_of_outputs_made_by_hand(family, built, folder_of, monkeypatch):
    tokens = 6 if family in DINO else 1
    queries = [
        ([0.5, 0.5, 0.5, 0.5], [0.0, *[-4.0] * (tokens - 1)]),  # score 0.5, the middle
        ([0.25, 0.25, 0.5, 0.5], [2.0, *[-4.0] * (tokens - 1)]),  # score 0.8808, the upper left quarter
        ([0.875, 0.875, 0.25, 0.25], [-2.0, *[-4.0] * (tokens - 1)]),  # score 0.1192, the lower right corner
    ]
    made = Outputs(outputs_by_hand(family, queries))
    model = built(family, box_rule='all')
    monkeypatch.setattr(model.library.model, 'forward', lambda **inputs: made)
    picture = torch.zeros(100, 200, 3, dtype=torch.uint8).numpy()
    (sample,) = ask(model, [picture], ['the red ring'])
    height = 200 if family == 'owlv2' else 100  # OWLv2 counts in the square that it pads the picture to
    expected = torch.tensor([[50.0, 0.25 * height, 150, 0.75 * height], [0, 0, 100, 0.5 * height], [150, 75, 200, 100]])
    expected[2, 1], expected[2, 3] = 0.75 * height, height
    torch.testing.assert_close(
        sample.pred_instances.bboxes, expected.clamp(max=200).minimum(torch.tensor([200, 100] * 2))
    )
    torch.testing.assert_close(sample.pred_instances.scores, torch.tensor([0.5, 0.880797, 0.119203]))

    processor = AutoProcessor.from_pretrained(folder_of(family), local_files_only=True)
    (theirs,) = processor.post_process_grounded_object_detection(made, threshold=-1.0, target_sizes=[(100, 200)])
    torch.testing.assert_close(ranked(sample)[1], theirs['scores'].sort(descending=True).values)


def test_a_sentence_of_grounding_dino_counts_as_its_best_token_or_as_the_mean_of_its_words(built, monkeypatch):
    # [CLS] the red ring . [SEP]; the mean leaves out marks: (0.5 + 0.8808 + 0.1192) / 3
    logits = [9.0, 0.0, 2.0, -2.0, 9.0, 9.0]
    made = Outputs(outputs_by_hand('grounding_dino', [([0.5, 0.5, 1.0, 1.0], logits)]))
    for rule, expected in (('max', 0.999877), ('mean', 0.5)):
        model = built('grounding_dino', token_rule=rule)
        monkeypatch.setattr(model.library.model, 'forward', lambda **inputs: made)
        (sample,) = ask(model, [torch.zeros(50, 60, 3, dtype=torch.uint8).numpy()], ['the red ring'])
        assert float(sample.pred_instances.scores) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize('family', FAMILIES)
def test_an_answer_depends_on_picture_and_sentence_and_on_no_neighbour(family, built, pictures):
    model = built(family, box_rule='all')
    texts = ['the red ring', 'both stars to the left of the small square', 'the red ring']
    together = ask(model, pictures, texts)
    for sample, picture, text in zip(together, pictures, texts, strict=True):
        (alone,) = ask(model, [picture], [text])
        torch.testing.assert_close(sample.pred_instances.scores, alone.pred_instances.scores, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(sample.pred_instances.bboxes, alone.pred_instances.bboxes, rtol=1e-4, atol=1e-2)
    other_text, other_picture = ask(model, pictures[:2], ['the blue mug', texts[0]])
    assert not torch.equal(other_text.pred_instances.scores, together[0].pred_instances.scores)
    assert not torch.equal(other_picture.pred_instances.scores, together[0].pred_instances.scores)


@pytest.mark.parametrize('dtype', ['bfloat16', 'float16'])
@pytest.mark.parametrize('family', FAMILIES)
def test_half_precision_answers_nearly_the_same(family, dtype, built, pictures):
    model = built(family, box_rule='all', dtype=dtype)
    assert {weight.dtype for weight in model.parameters()} == {getattr(torch, dtype)}
    (half,) = ask(model, pictures[:1], ['the red ring'])
    (whole,) = ask(built(family, box_rule='all'), pictures[:1], ['the red ring'])
    best = float(whole.pred_instances.scores.max())
    assert half.pred_instances.scores.dtype == torch.float32
    assert float(half.pred_instances.scores.max()) == pytest.approx(best, abs=0.1)


def test_a_sentence_that_is_cut_is_said_once(built, pictures, capfd, monkeypatch):
    model = built('owlv2')
    monkeypatch.setattr(model.library, '_cut', False)
    long = 'the small red ring to the left of the large blue star in the middle of all'
    ask(model, pictures[:2], [long, long])
    out, err = capfd.readouterr()
    said = f'ZeroShotDetector reads at most 16 tokens; longer sentences are cut, first {long!r}'
    assert out.count(said) == 1
    assert 'indexing errors' not in err


def test_another_kind_of_model_is_refused(folder_of):
    with pytest.raises(ValueError, match=r'holds a sam3; ZeroShotDetector runs grounding-dino, .*owlv2'):
        ZeroShotDetector(str(folder_of('sam3')), 'facebook/sam3')


def test_an_unknown_rule_for_tokens_is_refused():
    with pytest.raises(ValueError, match="token_rule must be 'max' or 'mean', not 'best'"), torch.device('meta'):
        ZeroShotDetector('x', 'y', token_rule='best')
