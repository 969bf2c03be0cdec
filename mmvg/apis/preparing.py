"""From questions to inputs of a model: what is done with a picture alone is done once for all its sentences."""

import copy
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.dataset import Compose

from mmvg.datasets.loader_datasets import pipeline_of_loader
from mmvg.datasets.transforms import Letterbox, Resize
from mmvg.structures import USER_DATASET

_LOADING = (
    'LoadImage',
    'LoadImageFromFile',
    'LoadGroundingAnnotations',
    'LoadGraspAnnotations',
    'LoadAnnotations',
)
#: Steps that see the picture and its size, and draw nothing.
_OF_PICTURES = (Letterbox, Resize)


class QuestionPipeline:
    """Runs a pipeline on questions; the steps before the first that may read the sentence run once a picture.

    Args:
        pipeline: Of :func:`answering_pipeline`.

    Example:
        >>> picture = np.zeros((48, 64, 3), np.uint8)
        >>> prepare = QuestionPipeline(Compose([Resize(scale=(32, 32))]))
        >>> items = [prepare(0, 'scene.jpg', text, picture) for text in ('the ring', 'the star')]
        >>> [item['text'] for item in items], items[1]['img'].shape
        (['the ring', 'the star'], (32, 32, 3))
    """

    def __init__(self, pipeline: Compose) -> None:
        steps = pipeline.transforms
        count = next((i for i, step in enumerate(steps) if type(step) not in _OF_PICTURES), len(steps))
        self.of_picture, self.of_sentence = Compose(steps[:count]), Compose(steps[count:])
        self._last: tuple[np.ndarray, dict] | None = None

    def __call__(self, number: int, name: str | int, expression: str, picture: np.ndarray) -> Any:
        """Return what the pipeline makes of a question; see :func:`data_item`."""
        if self._last is None or self._last[0] is not picture:
            self._last = picture, self.of_picture(data_item(number, name, expression, picture))
        item = copy.deepcopy(self._last[1])
        return self.of_sentence(item | _of_question(number, name, expression))


def answering_pipeline(cfg: Config) -> Compose:
    """The test pipeline of a config without its loading steps, for what :func:`data_item` makes.

    Raises:
        ValueError: If there is none, or data sets that are joined have different ones.
    """
    steps = [step for step in pipeline_of_loader(cfg, 'test') if _type_name(step) not in _LOADING]
    return Compose([copy.deepcopy(step) for step in steps])


def data_item(number: int, name: str | int, expression: str, picture: np.ndarray) -> dict[str, Any]:
    """What a pipeline gets in place of a loaded data item.

    Args:
        number: Of the question.
        name: What the answer calls the picture.
        expression: The sentence.
        picture: (H, W, 3) uint8 BGR.
    """
    height, width = picture.shape[:2]
    return dict(
        img=picture.copy(),
        img_shape=(height, width),
        ori_shape=(height, width),
        height=height,
        width=width,
        dataset=USER_DATASET,
        instances=[],
        no_target=False,
        **_of_question(number, name, expression),
    )


def _of_question(number: int, name: str | int, expression: str) -> dict[str, Any]:
    return dict(
        img_path=name,
        img_id=number,
        ref_id=number,
        sent_id=number,
        text=expression,
        expression=expression,
    )


def _type_name(step: dict) -> str:
    kind = step.get('type', '')
    return kind.split('.')[-1] if isinstance(kind, str) else kind.__name__
