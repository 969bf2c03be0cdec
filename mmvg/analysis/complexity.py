"""Count parameters and multiply-accumulates of a grounder."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from mmdet.structures.mask import BitmapMasks
from mmengine.config import Config
from mmengine.structures import InstanceData, PixelData
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from mmvg.datasets.loader_datasets import pipeline_of_loader
from mmvg.models import Grounder
from mmvg.registry import MODELS
from mmvg.structures import GroundingSample


@dataclass
class Complexity:
    """Cost of one part of a model.

    Args:
        part: Its name.
        parameters: Learnable numbers.
        macs: Multiply-accumulates for one image.
        frozen: Numbers that are not learned.

    Example:
        >>> Complexity('head', parameters=20, macs=400)
        Complexity(part='head', parameters=20, macs=400, frozen=0)
    """

    part: str
    parameters: int
    macs: int
    frozen: int = 0


def build_blank(cfg: Config) -> Grounder:
    """Build ``cfg.model`` with all weights zero, which takes no time.

    What it costs does not depend on them, but for a part that leaves out cells as it goes (EEVG's ``elimination`` with
    ``compact=True``), which then leaves out none.

    Example:
        >>> from mmvg.config import read_config
        >>> model = build_blank(read_config('configs/lavt/tiny.py'))
        >>> any(parameter.any() for parameter in model.parameters())
        False
    """
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
    model.to_empty(device='cpu')
    for tensor in (*model.parameters(), *model.buffers()):
        tensor.detach().zero_()
    return model


def dummy_inputs(cfg: Config) -> dict[str, Tensor]:
    """Make one empty image and text of the sizes that the test pipeline of ``cfg`` makes; every token is real.

    Returns:
        ``images`` (1, 3, H, W), ``input_ids`` (1, L) and ``text_mask`` (1, L).

    Raises:
        ValueError: If there is no test pipeline, or it does not fix both sizes.

    Example:
        >>> from mmvg.config import read_config
        >>> {name: tuple(value.shape) for name, value in dummy_inputs(read_config('configs/lavt/tiny.py')).items()}
        {'images': (1, 3, 64, 64), 'input_ids': (1, 14), 'text_mask': (1, 14)}
    """
    size, length = None, None
    for transform in pipeline_of_loader(cfg, 'test'):
        size = transform.get('scale') or transform.get('size') or size
        length = transform.get('max_length', length)
    if size is None or length is None:
        raise ValueError('test_dataloader.dataset.pipeline: no transform has a scale or size and a max_length')
    width, height = (size, size) if isinstance(size, int) else size
    return dict(
        images=torch.zeros(1, 3, height, width),
        input_ids=torch.zeros(1, length, dtype=torch.long),
        text_mask=torch.ones(1, length, dtype=torch.bool),
    )


def grounder_parts(model: Grounder) -> dict[str, nn.Module]:
    """Return backbone, necks and head by name, in the order in which they run, without the auxiliary heads.

    Example:
        >>> from mmvg.config import read_config
        >>> list(grounder_parts(build_blank(read_config('configs/lavt/tiny.py'))))
        ['backbone', 'neck.decoder', 'head']
    """
    necks = {f'neck.{name}': part for name, part in model.neck.items()}
    return dict(backbone=model.backbone, **necks, head=model.head)


def true_complexity(model: Grounder, inputs: dict[str, Tensor]) -> list[Complexity]:
    """Count every tensor of weights once, and all matrix products and convolutions, those of attention included.

    Args:
        model: Any grounder.
        inputs: As :func:`dummy_inputs` makes them.

    Returns:
        One row per part of :func:`grounder_parts`.

    Example:
        >>> from mmvg.config import read_config
        >>> cfg = read_config('configs/lavt/tiny.py')
        >>> [(row.part, row.parameters) for row in true_complexity(build_blank(cfg), dummy_inputs(cfg))]
        [('backbone', 119559), ('neck.decoder', 11856), ('head', 18)]
    """
    model.eval()
    with _countable(), FlopCounterMode(display=False) as counter:
        model(inputs, mode='tensor')
    flops = {name.partition('.')[2]: sum(counts.values()) for name, counts in counter.get_flop_counts().items()}
    return [
        Complexity(
            name,
            sum(p.numel() for p in part.parameters() if p.requires_grad),
            flops.get(name, 0) // 2,
            sum(p.numel() for p in part.parameters() if not p.requires_grad),
        )
        for name, part in grounder_parts(model).items()
    ]


def training_complexity(model: Grounder, inputs: dict[str, Tensor]) -> list[Complexity]:
    """Count what the auxiliary heads add to the forward pass in training, for an image whose upper half is the target.

    The text that a head lets the encoder read again counts; heads that draw at random do so from their own seed.

    Args:
        model: Any grounder.
        inputs: As :func:`dummy_inputs` makes them.

    Returns:
        One row per auxiliary head.

    Example:
        >>> from mmvg.config import read_config
        >>> cfg = read_config('configs/magnet/tiny.py')
        >>> [row.part for row in training_complexity(build_blank(cfg), dummy_inputs(cfg))]
        ['aux_heads.alignment', 'aux_heads.grounding']
    """
    model.eval()
    sample = _half_target(inputs['images'].shape[-2:])
    rows = []
    with _countable():
        features = model.extract_features(inputs)
        for name, head in model.aux_heads.items():
            with FlopCounterMode(display=False) as counter:
                model.aux_loss(name, features, [sample])
            parameters = sum(p.numel() for p in head.parameters())
            rows.append(Complexity(f'aux_heads.{name}', parameters, counter.get_total_flops() // 2))
    return rows


@contextmanager
def _countable() -> Iterator[None]:
    """Let PyTorch run operations that the counter knows: with gradients, and without fused attention and encoders."""
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # which frozen layers take even where gradients are on
    try:
        with torch.enable_grad(), sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


def _half_target(size: tuple[int, int]) -> GroundingSample:
    """Make the ground truth of an image of ``size`` (H, W) whose upper half is the target."""
    height, width = size
    mask = np.zeros((1, height, width), np.uint8)
    mask[:, : height // 2] = 1
    sample = GroundingSample(
        gt_instances=InstanceData(
            bboxes=torch.tensor([[0.0, 0.0, width, height // 2]]), masks=BitmapMasks(mask, height, width)
        ),
        gt_sem_seg=PixelData(sem_seg=torch.from_numpy(mask)),
    )
    sample.no_target = False
    sample.set_metainfo(dict(img_shape=(height, width), gt_frame='input'))
    return sample


def total(rows: Sequence[Complexity]) -> Complexity:
    """Add up ``rows``.

    Example:
        >>> total([Complexity('backbone', 10, 200), Complexity('head', 20, 400)])
        Complexity(part='total', parameters=30, macs=600, frozen=0)
    """
    return Complexity(
        'total', sum(row.parameters for row in rows), sum(row.macs for row in rows), sum(row.frozen for row in rows)
    )
