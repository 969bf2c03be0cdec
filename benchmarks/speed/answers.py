"""Time the choice of points on score maps, and the way from logits to masks.

    python benchmarks/speed/answers.py [--before CHECKOUT]

Score maps have 40 x 40 cells and ten points are chosen. Of 16 samples with ten queries each, one to three pass; logits
have 80 x 80 cells, the input has 320 x 320 pixels, and the answer either these or the 640 x 480 of the picture.
"""

from collections.abc import Callable

import numpy as np
import torch
from harness import Pieces, main

from mmvg.models.layers.point_selector import select_points
from mmvg.models.postprocess import InstancePostprocess
from mmvg.structures import GroundingSample

QUERIES, SAMPLES, SIDE = 10, 16, 320


def outputs_of_a_head() -> dict[str, torch.Tensor | None]:
    """Draw raw outputs of an instance head: smooth logits, few queries that pass."""
    torch.manual_seed(0)
    wanted = torch.zeros(1, SAMPLES, QUERIES)
    for number in range(SAMPLES):
        wanted[0, number, : 1 + number % 3] = 1
    coarse = torch.randn(SAMPLES, QUERIES + 1, 10, 10) - 1
    logits = torch.nn.functional.interpolate(coarse, size=(SIDE // 4, SIDE // 4), mode='bicubic')
    return dict(
        class_logits=torch.stack([8 * wanted - 4, 4 - 8 * wanted], dim=-1),
        boxes_cxcywh_norm=0.1 + 0.5 * torch.rand(1, SAMPLES, QUERIES, 4),
        instance_mask_logits=logits[:, :QUERIES],
        global_mask_logits=logits[:, QUERIES:],
        no_target_logits=torch.tensor([[4.0, -4.0]]).expand(SAMPLES, 2),
        points=torch.rand(SAMPLES, QUERIES, 2),
    )


def answered(outputs: dict, height: int, width: int) -> Callable[[], list]:
    """Return a piece that answers samples whose pictures have a size, and reads the mask of each expression."""
    matrix = np.diag([SIDE / width, SIDE / height, 1.0])
    frames = dict(img_shape=(SIDE, SIDE), ori_shape=(height, width), homography_matrix=matrix)
    postprocess = InstancePostprocess()

    def answer() -> list:
        samples = [GroundingSample(metainfo=frames) for _ in range(SAMPLES)]
        return [sample.pred_sem_seg.sem_seg for sample in postprocess(outputs, samples)]

    return answer


def ours() -> Pieces:
    """Prepare maps and outputs."""
    torch.manual_seed(0)
    maps = torch.rand(16, 40, 40)
    outputs = outputs_of_a_head()
    return {
        'point selector, 16 maps': lambda: select_points(maps, 10),
        'point selector, one map': lambda: select_points(maps[:1], 10),
        'mask post-processing, 16 samples, 320': answered(outputs, SIDE, SIDE),
        'mask post-processing, 16 samples, to 640 x 480': answered(outputs, 480, 640),
    }


if __name__ == '__main__':
    main(__doc__, ours)
