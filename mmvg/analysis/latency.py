"""How long an answer takes, phase by phase: preparing inputs, the network, and making answers of its outputs."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from torch import nn

from mmvg.analysis.complexity import dummy_inputs
from mmvg.structures import GroundingSample

#: The phases in the order in which they follow one another, and all of them.
PHASES = ('preprocessing', 'network', 'post-processing', 'total')


@dataclass(frozen=True)
class Timing:
    """Seconds that a phase took for one batch, once for every repetition.

    Example:
        >>> timing = Timing((0.010, 0.030, 0.020))
        >>> f'{timing.mean:.3f} {timing.percentile(50):.3f} {timing.percentile(95):.3f}'
        '0.020 0.020 0.029'
    """

    seconds: tuple[float, ...]

    @property
    def mean(self) -> float:
        return float(np.mean(self.seconds))

    def percentile(self, share: float) -> float:
        """Seconds that ``share`` percent of the repetitions do not exceed."""
        return float(np.percentile(self.seconds, share))


def measure_latency(
    model: nn.Module,
    prepare: Callable[[], dict[str, Any]],
    device: str = 'cpu',
    amp: torch.dtype | None = None,
    warm_up: int = 3,
    repetitions: int = 20,
) -> dict[str, Timing]:
    """Answer one batch again and again, and time each phase.

    Args:
        model: In eval mode, on ``device``.
        prepare: Makes what a dataloader gives for a batch: ``inputs`` and ``data_samples``.
        device: The device is waited for at the end of every phase.
        amp: Type of autocast; None for none.
        warm_up: Answers that are not counted.
        repetitions: Answers that are.

    Returns:
        Phase of ``PHASES`` -> its times. Moving the batch to the device and normalising it is preprocessing.
    """
    watch = _Stopwatch(device)
    autocast = nullcontext() if amp is None else torch.autocast(device.split(':')[0], amp)
    with torch.inference_mode(), _timed_postprocess(model, watch):
        for number in range(warm_up + repetitions):
            if number == warm_up:
                watch.times.clear()
            with watch('total'):
                with watch('preprocessing'):
                    batch = model.data_preprocessor(prepare(), False)
                with watch('network'), autocast:
                    model(**batch, mode='predict')
    after = watch.times.setdefault('post-processing', [0.0] * repetitions)
    watch.times['network'] = [whole - part for whole, part in zip(watch.times['network'], after, strict=True)]
    return {phase: Timing(tuple(watch.times[phase])) for phase in PHASES}


def dummy_batch(cfg: Config, size: int, picture: tuple[int, int]) -> dict[str, Any]:
    """Make a batch of noise and random words of the sizes of a config's test pipeline, without its tokenizer.

    Args:
        cfg: The config.
        size: Pictures with a sentence each.
        picture: Width and height of the pictures that answers are for.
    """
    inputs = dummy_inputs(cfg)
    (height, width), length = inputs['images'].shape[2:], inputs['input_ids'].shape[1]
    generator = torch.Generator().manual_seed(0)
    matrix = np.diag([width / picture[0], height / picture[1], 1.0])
    meta = dict(ori_shape=picture[::-1], img_shape=(height, width), homography_matrix=matrix)
    meta['scale_factor'] = (width / picture[0], height / picture[1])
    images = [torch.randint(0, 256, (3, height, width), generator=generator, dtype=torch.uint8) for _ in range(size)]
    samples = []
    for _ in range(size):
        sample = GroundingSample(metainfo=dict(meta))
        sample.input_ids = torch.randint(4, 90, (length,), generator=generator)
        sample.text_mask = torch.ones(length, dtype=torch.bool)
        samples.append(sample)
    return dict(inputs=images, data_samples=samples)


def peak_memory(device: str) -> tuple[int, str]:
    """Bytes that were in use at most, and what by: tensors on a GPU, or this whole process."""
    if device.startswith('cuda'):
        return torch.cuda.max_memory_allocated(device), 'tensors on the GPU'
    import resource
    import sys

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == 'darwin' else 1024), 'the process'


class _Stopwatch:
    """Collects the seconds of named blocks."""

    def __init__(self, device: str) -> None:
        self.device = device
        self.times: dict[str, list[float]] = defaultdict(list)

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        self._wait()
        start = time.perf_counter()
        yield
        self._wait()
        self.times[name].append(time.perf_counter() - start)

    def _wait(self) -> None:
        if self.device.startswith('cuda'):
            torch.cuda.synchronize(self.device)


@contextmanager
def _timed_postprocess(model: nn.Module, watch: _Stopwatch) -> Iterator[None]:
    """Time the postprocess of the head, if it has one."""
    postprocess = getattr(model.head, 'postprocess', None)
    if postprocess is None:
        yield
        return

    class Timed:
        def __call__(self, *arguments: Any, **named: Any) -> Any:
            with watch('post-processing'):
                return postprocess(*arguments, **named)

        def __getattr__(self, name: str) -> Any:
            return getattr(postprocess, name)

    model.head.postprocess = Timed()
    try:
        yield
    finally:
        model.head.postprocess = postprocess
