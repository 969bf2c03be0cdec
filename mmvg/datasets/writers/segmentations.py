"""Masks of data items as JSON can hold them."""

import numpy as np

from mmvg.masks import encode_mask


def mask_to_json(mask: list | dict) -> list | dict:
    """Return polygons as lists of floats, or an RLE in its compressed form."""
    if isinstance(mask, dict):
        return encode_mask(mask)
    return [np.asarray(polygon, dtype=float).tolist() for polygon in mask]
