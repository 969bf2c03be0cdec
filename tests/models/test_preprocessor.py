import pytest
import torch
from mmengine.dataset import pseudo_collate

from mmvg.models import GroundingPreprocessor
from mmvg.structures import GroundingSample

MEAN, STD = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]  # RGB


def packed(image: torch.Tensor, length: int = 4) -> dict:
    sample = GroundingSample()
    sample.input_ids = torch.arange(length)
    sample.text_mask = torch.arange(length) < 3
    return {'inputs': image, 'data_samples': sample}


def test_images_become_rgb_and_normalised_and_tokens_are_stacked():
    bgr = torch.randint(0, 256, (2, 3, 5, 6), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    preprocess = GroundingPreprocessor(mean=MEAN, std=STD, bgr_to_rgb=True)
    batch = preprocess(pseudo_collate([packed(image) for image in bgr]))
    inputs = batch['inputs']
    expected = (bgr.flip(1).float() - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
    torch.testing.assert_close(inputs['images'], expected)
    assert inputs['input_ids'].tolist() == [[0, 1, 2, 3]] * 2
    assert inputs['text_mask'].tolist() == [[True, True, True, False]] * 2
    assert inputs['text_mask'].dtype == torch.bool
    assert len(batch['data_samples']) == 2


def test_images_of_several_sizes_are_an_error():
    """Boxes are fractions of the input, which padding would change without a word."""
    images = [packed(torch.ones(3, *size, dtype=torch.uint8)) for size in ((3, 5), (4, 2))]
    with pytest.raises(ValueError, match=r'\(3, 3, 5\), \(3, 4, 2\).*Letterbox'):
        GroundingPreprocessor()(pseudo_collate(images))


def test_different_numbers_of_tokens_are_an_error():
    image = torch.zeros(3, 2, 2, dtype=torch.uint8)
    with pytest.raises(ValueError, match=r'\[4, 5\].*same max_length'):
        GroundingPreprocessor()(pseudo_collate([packed(image), packed(image, length=5)]))


def test_images_without_samples_are_an_error():
    with pytest.raises(ValueError, match='Tokenize'):
        GroundingPreprocessor()({'inputs': [torch.zeros(3, 2, 2, dtype=torch.uint8)]})
    with pytest.raises(ValueError, match=r'\[None\].*Tokenize'):
        GroundingPreprocessor()(
            {'inputs': [torch.zeros(3, 2, 2, dtype=torch.uint8)], 'data_samples': [GroundingSample()]}
        )


def test_an_image_that_several_samples_ask_about_is_there_once():
    a, b = torch.randint(0, 256, (2, 3, 4, 6), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    preprocess = GroundingPreprocessor(mean=MEAN, std=STD)
    inputs = preprocess(pseudo_collate([packed(image) for image in (a, b.clone(), a.clone())]))['inputs']
    assert inputs['image_index'].tolist() == [0, 1, 0]
    alone = preprocess(pseudo_collate([packed(a), packed(b)]))['inputs']
    assert torch.equal(inputs['images'], alone['images'])
    assert 'image_index' not in alone
    assert len(inputs['input_ids']) == 3


@pytest.mark.parametrize(('real', 'kept'), [((3, 5), 8), ((3, 8), 8), ((9, 2), 12), ((0, 3), 12)])
def test_padding_that_all_texts_have_is_cut_off_in_steps(real, kept):
    image = torch.zeros(3, 2, 2, dtype=torch.uint8)
    data = [packed(image, length=12) for _ in real]
    for item, count in zip(data, real, strict=True):
        item['data_samples'].text_mask = torch.arange(12) < count
    inputs = GroundingPreprocessor()(pseudo_collate(data))['inputs']
    assert inputs['input_ids'].shape == inputs['text_mask'].shape == (2, kept)
    assert inputs['text_mask'].sum(1).tolist() == list(real)
    assert GroundingPreprocessor(trim_text=False)(pseudo_collate(data))['inputs']['input_ids'].shape == (2, 12)


def test_samples_stay_on_the_host():
    image = torch.zeros(3, 2, 2, dtype=torch.uint8)
    batch = GroundingPreprocessor().to('meta')(pseudo_collate([packed(image)]))
    assert all(value.is_meta for value in batch['inputs'].values())
    assert not batch['data_samples'][0].input_ids.is_meta
