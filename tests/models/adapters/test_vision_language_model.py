"""What models that write boxes down answer, and how it is read."""

from types import SimpleNamespace

import pytest
import torch
from transformers import AutoModelForImageTextToText, AutoProcessor

from mmvg.masks import decode_mask, polygons_to_rle
from mmvg.models.adapters import VisionLanguageModel
from mmvg.scoring import ParsedText
from tests.models.adapters.conftest import as_pil, ask

FAMILIES = ['qwen2_5_vl', 'qwen3_vl', 'florence2']
SETTINGS = dict(box_rule='all', max_new_tokens=8, dtype='float32')


@pytest.fixture
def model_of(built):
    return lambda family, **more: built(family, **SETTINGS | more)


def let_write(model, answer, monkeypatch):
    """Put ``answer`` in the place of what the model would write."""
    tokenizer = model.library.processor.tokenizer

    def generate(input_ids, **inputs):
        written = torch.tensor([tokenizer(answer, add_special_tokens=False)['input_ids'] + [tokenizer.eos_token_id]])
        written = written.expand(len(input_ids), -1)
        begun = input_ids[:, :0] if model.library.model.config.is_encoder_decoder else input_ids
        return SimpleNamespace(sequences=torch.cat([begun, written], 1))

    monkeypatch.setattr(model.library.model, 'generate', generate)
    monkeypatch.setattr(model.library, 'unparsed', 0)


@pytest.mark.parametrize('family', FAMILIES)
def test_what_is_written_is_what_the_library_writes(family, model_of, folder_of, pictures):
    processor = AutoProcessor.from_pretrained(folder_of(family), local_files_only=True)
    theirs = AutoModelForImageTextToText.from_pretrained(folder_of(family), local_files_only=True).eval()
    model = model_of(family)
    said = model.library.prompt('the red ring')
    for picture in pictures[1:]:
        if family == 'florence2':
            inputs = processor(images=as_pil(picture), text=said, return_tensors='pt')
        else:
            parts = [dict(type='image', image=as_pil(picture)), dict(type='text', text=said)]
            asked = dict(add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors='pt')
            inputs = processor.apply_chat_template([dict(role='user', content=parts)], **asked)
        beams = 3 if family == 'florence2' else 1
        with torch.no_grad():
            tokens = theirs.generate(**inputs, max_new_tokens=8, do_sample=False, num_beams=beams)
        start = 0 if family == 'florence2' else inputs['input_ids'].shape[1]
        expected = processor.batch_decode(tokens[:, start:], skip_special_tokens=False)[0]
        for mark in ('<s>', '</s>', '<pad>', '<|im_end|>', '<|endoftext|>'):
            expected = expected.replace(mark, '')
        (sample,) = ask(model, [picture], ['the red ring'])
        assert sample.raw_answer == expected.strip()
        assert sample.raw_answer


def test_pixels_of_qwen2_5_are_those_of_the_picture_that_it_saw(model_of, pictures, monkeypatch):
    model = model_of('qwen2_5_vl')
    picture = pictures[2]
    height, width = picture.shape[:2]
    saw = model.library._encode(torch.from_numpy(picture).permute(2, 0, 1), 'the red ring')['image_grid_thw']
    rows, columns = (14 * int(count) for count in saw[0, 1:])
    assert (rows, columns) != (height, width)
    let_write(model, '```json\n[{"bbox_2d": [14, 28, 42, 56], "label": "ring"}]\n```', monkeypatch)
    (sample,) = ask(model, [picture], ['the red ring'])
    x, y = width / columns, height / rows
    torch.testing.assert_close(sample.pred_instances.bboxes, torch.tensor([[14 * x, 28 * y, 42 * x, 56 * y]]))
    assert sample.pred_instances.scores.tolist() == [1.0]
    assert not sample.pred_no_target


def test_numbers_of_qwen3_are_thousandths(model_of, pictures, monkeypatch):
    model = model_of('qwen3_vl')
    let_write(model, '[{"bbox_2d": [100, 200, 300, 1000]}, {"bbox_2d": [0, 0, 500, 500]}]', monkeypatch)
    (sample,) = ask(model, pictures[:1], ['the red ring'])
    height, width = pictures[0].shape[:2]
    expected = [[0.1 * width, 0.2 * height, 0.3 * width, height], [0, 0, 0.5 * width, 0.5 * height]]
    torch.testing.assert_close(sample.pred_instances.bboxes, torch.tensor(expected))
    (first,) = ask(model_with_rule(model, 'first', monkeypatch), pictures[:1], ['the red ring'])
    torch.testing.assert_close(first.pred_instances.bboxes, torch.tensor(expected[:1]))


def model_with_rule(model, rule, monkeypatch):
    monkeypatch.setattr(model.head.postprocess, 'box_rule', rule)
    return model


def test_boxes_of_florence_are_those_of_its_processor(model_of, folder_of, pictures, monkeypatch):
    model = model_of('florence2')
    answer = 'ring<loc_100><loc_200><loc_300><loc_999>star<loc_0><loc_0><loc_499><loc_499>'
    let_write(model, answer, monkeypatch)
    (sample,) = ask(model, pictures[:1], ['the red ring'])
    height, width = pictures[0].shape[:2]
    processor = AutoProcessor.from_pretrained(folder_of('florence2'), local_files_only=True)
    task = '<CAPTION_TO_PHRASE_GROUNDING>'
    theirs = processor.post_process_generation(text=answer, task=task, image_size=(width, height))[task]['bboxes']
    assert sample.raw_answer == answer
    assert sample.pred_instances.bboxes.shape == (2, 4)
    assert (sample.pred_instances.bboxes - torch.tensor(theirs)).abs().max() < 1  # theirs are cut to whole pixels
    assert (sample.pred_instances.bboxes >= torch.tensor(theirs)).all()


def test_polygons_of_florence_are_masks_with_the_boxes_around_them(model_of, folder_of, pictures, monkeypatch):
    task = '<REFERRING_EXPRESSION_SEGMENTATION>'
    model = model_of('florence2', text_format='florence2_polygons', **{'prompt.template': task + '{text}'})
    drawn = '<loc_100><loc_200><loc_500><loc_200><loc_500><loc_600><loc_100><loc_600>'
    let_write(model, f'{drawn}<sep><loc_700><loc_700><loc_900><loc_700><loc_900><loc_900>', monkeypatch)
    (sample,) = ask(model, pictures[:1], ['the red ring'])
    height, width = pictures[0].shape[:2]
    processor = AutoProcessor.from_pretrained(folder_of('florence2'), local_files_only=True)
    answer = processor.post_process_generation(text=sample.raw_answer, task=task, image_size=(width, height))
    theirs = torch.zeros(height, width, dtype=torch.bool)
    for polygon in answer[task]['polygons'][0]:
        theirs |= torch.from_numpy(decode_mask(polygons_to_rle([polygon], height, width))).bool()
    ours = sample.pred_sem_seg.sem_seg[0]
    assert (ours & theirs).sum() / (ours | theirs).sum() > 0.92  # theirs are cut to whole pixels
    square = ours[: int(0.65 * height), : int(0.65 * width)]
    assert float(square.sum()) == pytest.approx(0.4 * width * 0.4 * height, rel=0.03)
    sides = torch.tensor([[0.1005 * width, 0.2005 * height, 0.9005 * width, 0.9005 * height]])
    torch.testing.assert_close(sample.pred_instances.bboxes, sides)
    let_write(model, 'no ring', monkeypatch)
    (nothing,) = ask(model, pictures[:1], ['the red ring'])
    assert nothing.pred_no_target
    assert not nothing.pred_sem_seg.sem_seg.any()


@pytest.mark.parametrize(
    ('answer', 'unparsed'),
    [
        ('[]', 0),
        ('There is none.', 0),
        ('I cannot see a ring', 1),
        ('[{"label": "ring"}]', 1),
        ('[{"bbox_2d": [50, 60, 20, 30]}]', 1),  # reversed
        ('[{"bbox_2d": [NaN, 1, 20, 30]}]', 1),
        ('', 1),
    ],
)
def test_an_answer_without_a_box_means_nothing_and_one_that_cannot_be_read_is_counted(
    answer, unparsed, model_of, pictures, monkeypatch, capfd
):
    model = model_of('qwen3_vl')
    monkeypatch.setattr(model.library, 'nothing', {'there is none'})
    let_write(model, answer, monkeypatch)
    for sample in ask(model, pictures[:2], ['the red ring', 'both stars']):
        assert sample.pred_no_target
        assert sample.pred_instances.bboxes.shape == (0, 4)
        assert sample.raw_answer == answer
    assert model.library.unparsed == 2 * unparsed
    assert capfd.readouterr().out.count("answer 1 that is not of the format 'json'") == unparsed


def test_numbers_that_the_declared_unit_does_not_allow_are_warned_about(model_of, pictures, monkeypatch, capfd):
    model = model_of('qwen3_vl')
    monkeypatch.setattr(model.head.postprocess, '_warned', False)
    let_write(model, '[{"bbox_2d": [100, 200, 300, 1700]}]', monkeypatch)
    ask(model, pictures[:2], ['the red ring'] * 2)
    assert capfd.readouterr().out.count('an answer has 1700, but in permille of the original picture') == 1


@pytest.mark.parametrize('family', FAMILIES)
def test_an_answer_depends_on_no_neighbour(family, model_of, pictures):
    model = model_of(family)
    texts = ['the red ring', 'both stars to the left of the square', 'the red ring']
    together = ask(model, pictures, texts)
    for sample, picture, text in zip(together, pictures, texts, strict=True):
        (alone,) = ask(model, [picture], [text])
        assert sample.raw_answer == alone.raw_answer
    assert len({sample.raw_answer for sample in together}) > 1 or family == 'florence2'


def test_likelihood_is_the_geometric_mean_of_the_probabilities_of_the_tokens(model_of, pictures, monkeypatch):
    model = model_of('qwen3_vl', scores='likelihood')
    monkeypatch.setattr(model.library, 'read', lambda answer: ParsedText([[0.0, 0, 10, 10]]))
    (sample,) = ask(model, pictures[:1], ['the red ring'])
    library = model.library.model
    batch = model.library._encode(torch.from_numpy(pictures[0]).permute(2, 0, 1), 'the red ring')
    with torch.no_grad():
        tokens = library.generate(**batch, max_new_tokens=8, do_sample=False)
        start = batch['input_ids'].shape[1]
        logs = []
        for place in range(start, tokens.shape[1]):  # token by token, without a cache
            shown = dict(batch, input_ids=tokens[:, :place], attention_mask=torch.ones_like(tokens[:, :place]))
            kinds = torch.zeros_like(tokens[:, :place])
            kinds[:, :start] = batch['mm_token_type_ids']
            logits = library(**shown | dict(mm_token_type_ids=kinds)).logits[0, -1]
            logs.append(logits.log_softmax(-1)[tokens[0, place]])
    expected = float(torch.stack(logs).mean().exp())
    assert 0 < expected < 1
    assert float(sample.pred_instances.scores[0]) == pytest.approx(expected, rel=1e-3)


def test_half_precision_reads_the_same_way(model_of, pictures):
    model = model_of('qwen2_5_vl', dtype='bfloat16')
    assert {weight.dtype for weight in model.parameters()} == {torch.bfloat16}
    (sample,) = ask(model, pictures[:1], ['the red ring'])
    assert sample.raw_answer


def test_a_format_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match=r"text_format must be .*'json'.* not 'jsn'"), torch.device('meta'):
        VisionLanguageModel('x', 'y', text_format='jsn')
