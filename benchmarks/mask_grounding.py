"""Measure what Mask Grounding adds to a training step of LAVT, which MagNet's paper gives as 4.76 percent.

    python benchmarks/mask_grounding.py --rounds 3 --batch-size 2

Forward and backward of configs/magnet/refcoco_224.py without the alignment loss, with and without the auxiliary head,
in turn, on random pictures and texts of 20 tokens.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData, PixelData

from mmvg.config import read_config
from mmvg.models import Grounder
from mmvg.registry import MODELS
from mmvg.structures import GroundingSample

CONFIG = Path(__file__).parents[1] / 'configs/magnet/refcoco_224.py'


def random_batch(batch_size: int, side: int = 224, length: int = 20) -> tuple[dict, list[GroundingSample]]:
    """Make inputs of the model, and samples whose target is the upper left quarter."""
    mask = np.zeros((1, side, side), np.uint8)
    mask[:, : side // 2, : side // 2] = 1
    samples = []
    for _ in range(batch_size):
        sample = GroundingSample(
            gt_instances=InstanceData(bboxes=torch.zeros(1, 4), masks=BitmapMasks(mask, side, side)),
            gt_sem_seg=PixelData(sem_seg=torch.from_numpy(mask)),
        )
        sample.no_target = False
        sample.set_metainfo(dict(img_shape=(side, side), gt_frame='input'))
        samples.append(sample)
    inputs = dict(
        images=torch.randn(batch_size, 3, side, side),
        input_ids=torch.randint(1000, 30000, (batch_size, length)),
        text_mask=torch.ones(batch_size, length, dtype=torch.bool),
    )
    return inputs, samples


def step(model: Grounder, inputs: dict, samples: list[GroundingSample]) -> float:
    """Return the seconds of one forward and backward pass."""
    start = time.perf_counter()
    sum(model(inputs, samples, 'loss').values()).backward()
    seconds = time.perf_counter() - start
    model.zero_grad()
    return seconds


def main() -> None:
    """Print the median seconds of a step both ways, and the difference in percent."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--batch-size', type=int, default=2)
    args = parser.parse_args()
    torch.manual_seed(0)
    cfg = read_config(CONFIG)
    cfg.model.aux_heads.alignment = None
    model = MODELS.build(cfg.model).train()
    heads, none = model.aux_heads, torch.nn.ModuleDict()
    inputs, samples = random_batch(args.batch_size)
    seconds = {'without': [], 'with': []}
    for round_number in range(args.rounds + 1):
        for name, auxiliary in (('without', none), ('with', heads)):
            model.aux_heads = auxiliary
            taken = step(model, inputs, samples)
            if round_number:  # the first round warms up
                seconds[name].append(taken)
    medians = {name: float(np.median(values)) for name, values in seconds.items()}
    print(f'without {medians["without"]:.2f} s, with {medians["with"]:.2f} s', end=': ')
    print(f'{100 * (medians["with"] / medians["without"] - 1):+.1f} percent')


if __name__ == '__main__':
    main()
