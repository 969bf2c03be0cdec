"""Answered samples of a data set, for the figures of papers."""

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from mmengine.config import Config

from mmvg.analysis.attention_maps import AttentionMaps, attention_maps, words_of_tokens
from mmvg.analysis.similarity_probe import Similarity, collect_features, probe_similarity
from mmvg.datasets.transforms import LoadGroundingAnnotations, Tokenize
from mmvg.engine.hooks.grounding_visualization_hook import part_of, sample_image
from mmvg.models import Grounder
from mmvg.registry import DATASETS, MODELS
from mmvg.structures import GroundingSample
from mmvg.weights.checkpoint import load_weights


def open_figure_model(cfg: Config, checkpoint: str, device: str | None = None) -> Grounder:
    """Build the model of a checked config with the weights of ``checkpoint``, ready to answer.

    Args:
        cfg: A config.
        checkpoint: A file, a model folder, or the name of a model that comes with mmvg.
        device: By default a GPU if there is one.
    """
    from mmvg.apis.model_index import weights_of

    model = MODELS.build(cfg.model)
    load_weights(model, weights_of(checkpoint))
    return model.to(device or ('cuda' if torch.cuda.is_available() else 'cpu')).eval()


class FigureData:
    """The test split of a config, of which some samples are drawn.

    Args:
        cfg: A checked config.
        numbers: Which samples, by their place in the split.
        count: If ``numbers`` is None, so many, spread evenly.
        batch_size: Samples that are answered together.
    """

    def __init__(self, cfg: Config, numbers: list[int] | None = None, count: int = 6, batch_size: int = 4) -> None:
        self.dataset = DATASETS.build(cfg.test_dataloader.dataset)
        total = len(self.dataset)
        if wrong := [number for number in numbers or () if not 0 <= number < total]:
            raise ValueError(f'the split has {total} samples, from 0 to {total - 1}; there is no {wrong[0]}')
        spread = np.linspace(0, total - 1, min(count, total)).round().astype(int).tolist()
        self.numbers = sorted(set(spread)) if numbers is None else list(numbers)
        self.batch_size = batch_size

    def batches(self) -> Iterator[dict[str, list]]:
        """Batches as a loader gives them."""
        for start in range(0, len(self.numbers), self.batch_size):
            packed = [self.dataset[number] for number in self.numbers[start : start + self.batch_size]]
            yield dict(inputs=[one['inputs'] for one in packed], data_samples=[one['data_samples'] for one in packed])

    def image(self, sample: GroundingSample) -> np.ndarray:
        """The original image (H, W, 3) RGB of a sample."""
        return sample_image(self.dataset, sample)

    def words(self, sample: GroundingSample) -> list[tuple[str, slice]]:
        """The words of the text as the model reads it, and their tokens.

        Raises:
            ValueError: If the pipeline has no ``Tokenize``.
        """
        steps = part_of(self.dataset, sample).pipeline.transforms
        step = next((step for step in steps if isinstance(step, Tokenize)), None)
        if step is None:
            raise ValueError('test_dataloader: the pipeline has no Tokenize, so which token is which word is unknown')
        return words_of_tokens(step.tokenizer, sample.text, step.max_length)


@torch.no_grad()
def answered(model: Grounder, data: FigureData) -> Iterator[GroundingSample]:
    """The samples of ``data`` with the answers of ``model``."""
    for batch in data.batches():
        prepared = model.data_preprocessor(batch, training=False)
        for sample in model(prepared['inputs'], prepared['data_samples'], mode='predict'):
            yield sample.cpu()


def answered_with_attention(
    model: Grounder, data: FigureData
) -> Iterator[tuple[GroundingSample, list[AttentionMaps], int]]:
    """The samples of ``data`` with the answers of ``model``, the attention of their batch, and the place in it."""
    for batch in data.batches():
        maps, samples = attention_maps(model, batch)
        for index, sample in enumerate(samples):
            yield sample.cpu(), maps, index


def similarity(cfg: Config, checkpoint: str, count: int, part: str, device: str | None = None) -> Similarity:
    """Probe the encoder of a checkpoint on ``count`` samples of the split that is tested, see :func:`probe_similarity`.

    Args:
        cfg: A config whose test pipeline loads masks.
        checkpoint: See :func:`open_figure_model`.
        count: Samples.
        part: See :data:`mmvg.analysis.similarity_probe.IMAGE_PARTS`.
        device: See :func:`open_figure_model`.
    """
    model, cfg = open_figure_model(cfg, checkpoint, device), copy.deepcopy(cfg)
    _bring_targets_to_input(cfg.test_dataloader.dataset)
    return probe_similarity(*collect_features(model, FigureData(cfg, count=count, batch_size=16).batches(), part))


def _bring_targets_to_input(dataset: dict[str, Any]) -> None:
    """Let the pipelines of a data set, or of those that it joins, give masks in pixels of the input."""
    for part in dataset.get('datasets', ()):
        _bring_targets_to_input(part)
    for step in dataset.get('pipeline', ()):
        if step['type'] in (LoadGroundingAnnotations, LoadGroundingAnnotations.__name__):
            step['frame'] = 'input'


def cover_acc(cfg: Config, checkpoint: str, count: int, device: str | None = None) -> float:
    """CoverAcc (InstanceVG, Eq. 3) of a checkpoint in percent, on ``count`` samples of the split that is tested."""
    from mmvg.evaluation.metrics import CoverAcc

    metric = CoverAcc()
    data = FigureData(cfg, count=count, batch_size=16)
    for sample in answered(open_figure_model(cfg, checkpoint, device), data):
        metric.process({}, [sample.to_dict()])
    return metric.evaluate(size=len(data.numbers))['cover/CoverAcc']
