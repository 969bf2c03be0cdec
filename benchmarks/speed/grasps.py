"""Time the decisions whether grasps match, and the reading of grasps from maps.

    python benchmarks/speed/grasps.py [--before CHECKOUT]

Grasps are drawn as :mod:`benchmarks/grasp_matching.py` does: five predictions beside thirty true ones of an object.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from harness import Pieces, main

from mmvg.evaluation.functional import crog_matches, strict_matches
from mmvg.structures.grasp_maps import grasps_to_maps, maps_to_grasps

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from grasp_matching import draw_sample


def ours() -> Pieces:
    """Prepare grasps of 20 samples, and maps with bells and some noise."""
    rng = np.random.default_rng(0)
    samples = [draw_sample(rng) for _ in range(20)]
    maps, _ = grasps_to_maps(samples[0][1], (480, 640))
    maps[0] = np.clip(maps[0] * 0.9 + rng.uniform(0, 0.1, maps[0].shape), 0, 1)
    quality, cos, sin, width = torch.from_numpy(maps)

    return {
        'grasp decisions, 20 samples, exact': lambda: [strict_matches(*sample) for sample in samples],
        "grasp decisions, 20 samples, CROG's protocol": lambda: [crog_matches(*sample) for sample in samples],
        'one grasp pair, exact': lambda: [strict_matches(pred[:1], gt[:1]) for pred, gt in samples],
        'grasps from maps 640 x 480': lambda: maps_to_grasps(quality, cos, sin, 100 * width, count=5),
    }


if __name__ == '__main__':
    main(__doc__, ours)
