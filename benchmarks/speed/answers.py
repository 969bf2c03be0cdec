"""Time the choice of points on score maps, and the way from logits to masks.

    python benchmarks/speed/answers.py [--before CHECKOUT]

Score maps have 40 x 40 cells and ten points are chosen. Of 16 samples with ten queries each, one to three pass; logits
have 80 x 80 cells, the input has 320 x 320 pixels, and the answer either these or the 640 x 480 of the picture. The
mask of a query is an object that takes 13 % of the picture on average, that of the expression three of them. Those that
are ``scattered`` are smooth noise all over the picture, so that no part of it is spared.
"""

from collections.abc import Callable

import numpy as np
import torch
from harness import Pieces, main

from mmvg.models.layers.point_selector import select_points
from mmvg.models.postprocess import InstancePostprocess
from mmvg.structures import GroundingSample

QUERIES, SAMPLES, SIDE = 10, 16, 320


def logits_of_objects() -> torch.Tensor:
    """Draw logits (B, Q + 1, h, w) of an ellipse for each query, and of the first three together."""
    x, y, a, b = torch.rand(4, SAMPLES, QUERIES, 1, 1)
    cells = torch.linspace(0, 1, SIDE // 4)
    apart = ((cells - x) / (0.1 + 0.2 * a)) ** 2 + ((cells[:, None] - y) / (0.1 + 0.2 * b)) ** 2
    logits = (8 * (1 - apart)).clamp(min=-12)
    return torch.cat([logits, logits[:, :3].amax(1, keepdim=True)], dim=1)


def scattered_logits() -> torch.Tensor:
    """Draw logits (B, Q + 1, h, w) of smooth noise."""
    coarse = torch.randn(SAMPLES, QUERIES + 1, 10, 10) - 1
    return torch.nn.functional.interpolate(coarse, size=(SIDE // 4, SIDE // 4), mode='bicubic')


def outputs_of_a_head(logits: torch.Tensor) -> dict[str, torch.Tensor | None]:
    """Draw the other raw outputs of an instance head, of which few queries pass."""
    torch.manual_seed(0)
    wanted = torch.zeros(1, SAMPLES, QUERIES)
    for number in range(SAMPLES):
        wanted[0, number, : 1 + number % 3] = 1
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
    objects, scattered = (outputs_of_a_head(draw()) for draw in (logits_of_objects, scattered_logits))
    print('share of pixels:', *(f'{(x["instance_mask_logits"] > 0).float().mean():.3f}' for x in (objects, scattered)))
    return {
        'point selector, 16 maps': lambda: select_points(maps, 10),
        'point selector, one map': lambda: select_points(maps[:1], 10),
        'mask post-processing, 16 samples, 320': answered(objects, SIDE, SIDE),
        'mask post-processing, 16 samples, to 640 x 480': answered(objects, 480, 640),
        'mask post-processing, scattered, 320': answered(scattered, SIDE, SIDE),
        'mask post-processing, scattered, to 640 x 480': answered(scattered, 480, 640),
    }


if __name__ == '__main__':
    main(__doc__, ours)
