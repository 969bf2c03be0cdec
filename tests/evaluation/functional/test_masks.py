"""Pixel counts against decoded masks, run lengths against itertools."""

from itertools import groupby

import numpy as np
import pytest
import torch
from pycocotools import mask as coco_mask

from mmvg.evaluation.functional import encode_mask, intersection_and_union, mask_area, mask_size, read_mask, rle_runs


def random_mask(rng, height, width):
    """Blocks of random coarseness and density, often empty or full."""
    coarse = rng.random((rng.integers(1, 5), rng.integers(1, 5))) < rng.choice([0, 0.2, 0.5, 0.9, 1])
    rows = np.arange(height) * coarse.shape[0] // height
    columns = np.arange(width) * coarse.shape[1] // width
    return coarse[rows][:, columns] ^ (rng.random((height, width)) < rng.choice([0, 0, 0.1]))


def slow_runs(mask):
    """Run lengths in column order, the first one background."""
    runs = [(value, len(list(group))) for value, group in groupby(mask.T.ravel().tolist())]
    return [0] * bool(runs[0][0]) + [length for _, length in runs]


def forms(rng, mask):
    """The same mask in every accepted form."""
    compressed = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    return [
        mask,
        mask[None],
        mask.astype(np.uint8),
        torch.from_numpy(mask)[None],
        torch.from_numpy(mask.astype(np.int64)),
        compressed,
        dict(size=list(mask.shape), counts=compressed['counts'].decode()),
        dict(size=list(mask.shape), counts=slow_runs(mask)),
    ]


def test_every_form_of_a_mask_gives_the_counts_of_its_pixels():
    rng = np.random.default_rng(0)
    for _ in range(2000):
        height, width = rng.integers(1, 40, 2)
        pred, gt = random_mask(rng, height, width), random_mask(rng, height, width)
        i, j = rng.integers(0, 8, 2)
        found = intersection_and_union(forms(rng, pred)[i], forms(rng, gt)[j])
        assert found == (sum((pred & gt).ravel()), sum((pred | gt).ravel()))
        assert mask_area(forms(rng, pred)[j]) == sum(pred.ravel())


def test_run_lengths_are_read_from_the_compressed_string():
    rng = np.random.default_rng(1)
    for _ in range(2000):
        mask = random_mask(rng, *rng.integers(1, 200, 2))
        assert rle_runs(encode_mask(mask)['counts']).tolist() == slow_runs(mask)


def test_a_run_of_millions_of_pixels_is_read():
    assert rle_runs(encode_mask(np.zeros((3000, 4000), bool))['counts']).tolist() == [12_000_000]


def test_an_image_without_pixels_has_no_runs():
    assert rle_runs(b'').tolist() == []


def test_encoding_and_reading_back_changes_nothing():
    mask = random_mask(np.random.default_rng(2), 20, 30)
    rle = encode_mask(torch.from_numpy(mask))
    np.testing.assert_array_equal(coco_mask.decode(rle).astype(bool), mask)
    assert encode_mask(rle) == rle
    assert mask_size(rle) == mask_size(mask) == mask_size(mask[None]) == (20, 30)


@pytest.mark.parametrize(
    ('mask', 'message'),
    [
        (np.zeros((2, 3, 4), bool), r'\(H, W\) or \(1, H, W\)'),
        (np.zeros((3, 4)), 'threshold it first'),
        (torch.full((3, 4), 255, dtype=torch.uint8), 'from 255 to 255'),
        (np.full((3, 4), -1), 'from -1 to -1'),
        (dict(size=[3, 4]), "'counts'"),
        (dict(size=[3, 4], counts=[5, 6]), 'add up to 11 pixels, but its size is 3 x 4'),
        (dict(size=[3, 4], counts=[20, -8]), '3 x 4'),
        (dict(size=[3, 5], counts=encode_mask(np.ones((3, 4), bool))['counts']), 'add up to 12 .* 3 x 5'),
        (dict(size=[3, 4], counts='<html>\x7f'), 'not a COCO run-length string'),
        (dict(size=[3, 4], counts=b'PPPP'), 'not a COCO run-length string'),  # every digit says: another one follows
        (dict(size=[3, 4], counts=b'P' * 9 + b'0'), 'longer than any image'),
    ],
)
def test_a_malformed_mask_is_refused(mask, message):
    with pytest.raises(ValueError, match=message):
        read_mask(mask)


def test_masks_of_different_size_are_refused():
    with pytest.raises(ValueError, match=r'predicted mask is \(4, 3\) .* true one \(3, 4\)'):
        intersection_and_union(np.zeros((4, 3), bool), encode_mask(np.zeros((3, 4), bool)))
