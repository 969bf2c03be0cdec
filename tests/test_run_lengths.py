"""Rows of bits against the COCO API and plain arrays."""

from itertools import pairwise

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from mmvg.masks import decode_mask, encode_mask, intersection_and_union
from mmvg.run_lengths import count_bits, pack_rows, rle_runs, rows_of_runs, unpack_rows

SIZES = [(1, 1), (3, 5), (7, 64), (5, 65), (40, 63), (1, 200), (200, 1), (33, 129), (0, 4), (4, 0)]


def random_masks(height, width):
    """Masks of every density; those that touch the border have runs over several columns."""
    rng = np.random.default_rng(height * 1000 + width)
    for share in (0, 0.02, 0.3, 0.7, 0.98, 1):
        yield rng.random((height, width)) < share
        yield np.repeat(rng.random((1, width)) < share, height, axis=0)  # whole columns


@pytest.mark.parametrize(('height', 'width'), SIZES)
def test_rows_are_those_of_the_pixels_whether_they_come_from_runs_or_from_an_array(height, width):
    for mask in random_masks(height, width):
        rows = pack_rows(mask)
        assert rows.shape == (height, -(-width // 64))
        np.testing.assert_array_equal(rows_of_runs(rle_runs(encode_mask(mask)), height, width), rows)
        np.testing.assert_array_equal(unpack_rows(rows, width), mask)
        assert count_bits(rows) == mask.sum()


@pytest.mark.parametrize(('height', 'width'), SIZES[:-2])
def test_a_mask_is_decoded_as_the_coco_api_does(height, width):
    for mask in random_masks(height, width):
        rle = encode_mask(mask)
        decoded = decode_mask(dict(rle))
        np.testing.assert_array_equal(decoded, coco_mask.decode(rle).astype(bool))
        assert decoded.dtype == bool
        assert decoded.flags.c_contiguous


def test_empty_runs_within_a_list_change_nothing():
    rle = dict(size=[3, 4], counts=[2, 0, 1, 3, 0, 2, 4, 0, 0])
    expected = np.zeros(12, bool)
    expected[3:8] = True
    np.testing.assert_array_equal(decode_mask(rle), expected.reshape(4, 3).T)


@pytest.mark.parametrize(('height', 'width'), SIZES[:-2])
def test_arrays_and_run_lengths_are_counted_alike(height, width):
    masks = list(random_masks(height, width))
    for pred, gt in pairwise(masks):
        counts = int((pred & gt).sum()), int((pred | gt).sum())
        pairs = [
            (pred, gt),
            (pred, encode_mask(gt)),
            (dict(encode_mask(pred)), gt),
            (encode_mask(pred), encode_mask(gt)),
        ]
        assert all(intersection_and_union(*pair) == counts for pair in pairs)
