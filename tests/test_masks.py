"""Pixel counts against decoded masks, run lengths against itertools."""

import json
import re
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
import torch
from pycocotools import mask as coco_mask

from mmvg.masks import (
    PackedMasks,
    decode_mask,
    encode_mask,
    intersection_and_union,
    mask_area,
    mask_box,
    mask_size,
    polygons_to_rle,
    read_mask,
)
from mmvg.run_lengths import rle_runs


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
        assert rle_runs(encode_mask(mask)).tolist() == slow_runs(mask)


def test_a_run_of_millions_of_pixels_is_read():
    assert rle_runs(encode_mask(np.zeros((3000, 4000), bool))).tolist() == [12_000_000]


def test_an_image_without_pixels_has_no_runs():
    assert rle_runs(dict(size=[0, 4], counts=b'')).tolist() == []


def test_encoding_and_reading_back_changes_nothing():
    mask = random_mask(np.random.default_rng(2), 20, 30)
    rle = encode_mask(torch.from_numpy(mask))
    np.testing.assert_array_equal(coco_mask.decode(rle).astype(bool), mask)
    np.testing.assert_array_equal(decode_mask(rle), mask)
    assert json.loads(json.dumps(rle)) == rle
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
        (dict(size=[3, 4], counts=[5, 6]), 'sum to 11, not to 3 \\* 4 = 12'),
        (dict(size=[3, 4], counts=[20, -8]), 'whole number >= 0'),
        (dict(size=[3, 4], counts=[12.0]), 'whole number >= 0'),
        (dict(size=[3, 4], counts=7), 'counts is a int'),
        (dict(size=None, counts=[12]), 'size None is not'),
        (dict(size=[3, 4], counts='@'), 'negative run'),
        (dict(size=[3, 5], counts=encode_mask(np.ones((3, 4), bool))['counts']), 'sum to 12, not to 3 \\* 5 = 15'),
        (dict(size=[3, 4], counts='<html>\x7f'), 'foreign character'),
        (dict(size=[3, 4], counts=b'PPPP'), 'end inside a number'),  # every digit says: another one follows
        (dict(size=[3, 4], counts=b'P' * 9 + b'0'), 'longer than any image'),
    ],
)
def test_a_malformed_mask_is_refused(mask, message):
    with pytest.raises(ValueError, match=message):
        read_mask(mask)


def test_masks_of_different_size_are_refused():
    with pytest.raises(ValueError, match=r'predicted mask is \(4, 3\) .* true one \(3, 4\)'):
        intersection_and_union(np.zeros((4, 3), bool), encode_mask(np.zeros((3, 4), bool)))


def test_a_box_is_around_the_pixels_and_zero_without_any():
    mask = np.zeros((6, 8), bool)
    assert mask_box(mask) == [0, 0, 0, 0]
    mask[2:4, 3:7] = True
    assert mask_box(mask) == mask_box(encode_mask(mask)) == [3, 2, 7, 4]


def test_polygons_become_their_union():
    left, right = [1, 1, 4, 1, 4, 3, 1, 3], [3, 1, 6, 1, 6, 3, 3, 3]
    expected = np.zeros((5, 8), bool)
    expected[1:3, 1:6] = True
    np.testing.assert_array_equal(decode_mask(polygons_to_rle([left, right], 5, 8)), expected)


@pytest.mark.parametrize('polygons', [[], None, [[1, 1, 2, 2]], [[0, 0, 4, 0, 4, float('nan')]]])
def test_what_is_no_polygon_is_refused(polygons):
    with pytest.raises(ValueError, match='polygon'):
        polygons_to_rle(polygons, 5, 8)


def test_no_other_module_calls_pycocotools():
    files = sorted((Path(__file__).parents[1] / 'mmvg').rglob('*.py'))
    callers = [file.name for file in files if re.search(r'^ *(import|from) pycocotools', file.read_text(), re.M)]
    assert callers == ['masks.py']


def test_what_was_checked_once_is_not_checked_again():
    rle = encode_mask(np.eye(4, dtype=bool))
    assert read_mask(rle) is rle
    assert rle == dict(rle)
    foreign = dict(rle, size=[3, 4])  # a plain dict again
    with pytest.raises(ValueError, match='runs sum to 16'):
        read_mask(foreign)


@pytest.mark.parametrize('count', [0, 1, 3])
def test_packed_masks_stand_in_for_arrays(count):
    masks = np.random.default_rng(0).random((count, 5, 7)) < 0.5
    packed = PackedMasks.of(masks)
    assert len(packed) == count
    assert packed.shape == masks.shape
    assert [decode_mask(rle).tolist() for rle in packed] == masks.tolist()
    assert np.array_equal(packed.any(0), masks.any(0))
    for which in (np.arange(count)[::-1], np.arange(count) > 0, np.zeros(0, dtype=int)):
        assert [decode_mask(rle).tolist() for rle in packed[which]] == masks[which].tolist()
        assert np.array_equal(packed[which].any(0), masks[which].any(0))
    assert packed.nbytes == sum(len(rle['counts']) for rle in packed)
