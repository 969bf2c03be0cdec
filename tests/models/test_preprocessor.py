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


def test_images_of_several_sizes_are_padded_at_the_right_and_bottom():
    batch = GroundingPreprocessor(pad_size_divisor=4)(
        pseudo_collate([packed(torch.ones(3, 3, 5, dtype=torch.uint8)), packed(torch.ones(3, 4, 2, dtype=torch.uint8))])
    )
    images = batch['inputs']['images']
    assert images.shape == (2, 3, 4, 8)
    assert images[0].sum() == 45
    assert images[0, :, :3, :5].all()


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
