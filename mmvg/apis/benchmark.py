"""Time a model as the papers' "Time" columns do, on made-up pictures: no data set is needed."""

import os.path as osp
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.logging import print_log
from mmengine.registry import init_default_scope

from mmvg.analysis.latency import Timing, dummy_batch, measure_latency
from mmvg.apis.inferencer import check_device
from mmvg.apis.model_index import weights_of
from mmvg.apis.preparing import answering_pipeline, data_item
from mmvg.checks import check_choice
from mmvg.registry import MODELS
from mmvg.weights.checkpoint import load_weights, use_safe_checkpoint_loading

SENTENCE = 'the red ring on the left'
_PRECISIONS = dict(bf16=torch.bfloat16, fp16=torch.float16)


def benchmark(
    cfg: Config,
    checkpoint: str | None = None,
    batch: int = 1,
    device: str | None = None,
    amp: str | None = None,
    picture: tuple[int, int] = (640, 480),
    sentence: str = SENTENCE,
    warm_up: int = 3,
    repetitions: int = 20,
) -> tuple[dict[str, Timing], list[str]]:
    """Answer a batch of pictures of noise again and again, and time each phase.

    Args:
        cfg: A checked config.
        checkpoint: Weights; without them they are random, and how long post-processing takes depends on the answers.
        batch: Pictures, with a sentence each.
        device: By default a GPU if there is one.
        amp: ``'bf16'`` or ``'fp16'``; None for float32.
        picture: Width and height.
        sentence: What is asked about each.
        warm_up: Answers that are not counted.
        repetitions: Answers that are.

    Returns:
        Times per batch by phase (:data:`mmvg.analysis.latency.PHASES`), and remarks about what they mean.

    Raises:
        FileNotFoundError: If the checkpoint is not there.
        ValueError: If the device is not there, or a number is not positive.
    """
    check_device(device)
    check_choice('--amp', amp, (None, *_PRECISIONS))
    if min(batch, repetitions, *picture) < 1 or warm_up < 0:
        raise ValueError('batch, repetitions and the sides of the picture are 1 or more, warm_up is 0 or more')
    device = device or ('cuda' if torch.cuda.is_available() else 'cpu')
    remarks = []
    if checkpoint is None:
        _forget_checkpoints(cfg.model)
        remarks.append('weights are random: post-processing takes another time with trained ones (--checkpoint)')
    elif not osp.exists(checkpoint := weights_of(checkpoint)):
        raise FileNotFoundError(f'{checkpoint}: no such checkpoint')
    init_default_scope(cfg.get('default_scope', 'mmvg'))
    use_safe_checkpoint_loading()
    model = MODELS.build(cfg.model)
    if checkpoint is not None:
        load_weights(model, checkpoint)
    model = model.to(device).eval()
    if (postprocess := getattr(model.head, 'postprocess', None)) is not None:
        postprocess.frame = 'original'
    noise = np.random.default_rng(0).integers(0, 256, (picture[1], picture[0], 3), dtype=np.uint8)
    pipeline, data = None, None
    try:
        pipeline = answering_pipeline(cfg)
    except FileNotFoundError as error:  # of a tokenizer
        remarks.append(f'preprocessing is left out, all but normalisation: {error}')
        data = dummy_batch(cfg, batch, picture)

    def prepare() -> Any:
        if pipeline is None:
            return data
        return pseudo_collate([pipeline(data_item(i, i, sentence, noise)) for i in range(batch)])

    return measure_latency(model, prepare, device, _PRECISIONS.get(amp), warm_up, repetitions), remarks


def _forget_checkpoints(part: Any) -> None:
    """Set every ``checkpoint`` of a config of a model to None."""
    if isinstance(part, dict):
        if part.get('checkpoint') is not None:
            print_log(f'random weights in place of {part["checkpoint"]}', 'current')
            part['checkpoint'] = None
        for value in part.values():
            _forget_checkpoints(value)
    elif isinstance(part, (list, tuple)):
        for value in part:
            _forget_checkpoints(value)
