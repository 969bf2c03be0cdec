"""Pictures of what a model answers, during validation and testing."""

import os.path as osp
from collections.abc import Sequence
from pathlib import Path

import mmcv
import numpy as np
from mmengine.dist import get_world_size, is_main_process
from mmengine.hooks import Hook
from torch.utils.data import ConcatDataset, Dataset

from mmvg.datasets.referring_dataset import name_below
from mmvg.datasets.transforms import loads_upright
from mmvg.pictures import decode_picture
from mmvg.registry import HOOKS
from mmvg.structures import GroundingSample, sample_ids
from mmvg.visualization import GroundingVisualizer


@HOOKS.register_module()
class GroundingVisualizationHook(Hook):
    """Draws some samples of every validation and test run, and all of them on one sheet.

    The samples are spread evenly over the split, so they are the same ones each time. The sheet, worst answers first,
    is ``predictions.png`` in ``out_dir``; single pictures are in ``out_dir/val`` or ``out_dir/test``. Each run
    overwrites the one before; the backends of the visualizer keep the sheets of all. Of several processes only the main
    one draws, from its own share.

    Args:
        num_samples: How many samples to draw.
        out_dir: Folder to write to; by default ``show`` in the work dir.
        columns: Samples per row of the sheet.
    """

    priority = 'LOW'

    def __init__(self, num_samples: int = 24, out_dir: str | None = None, columns: int = 3) -> None:
        if num_samples < 1:
            raise ValueError(f'num_samples must be at least 1, not {num_samples}')
        self.num_samples = num_samples
        self.out_dir = out_dir
        self.columns = columns
        self._seen = 0
        self._chosen: set[int] = set()
        self._items: list[tuple[np.ndarray, GroundingSample]] = []

    def before_val_epoch(self, runner) -> None:
        self._begin(len(runner.val_dataloader.dataset))

    def before_test_epoch(self, runner) -> None:
        self._begin(len(runner.test_dataloader.dataset))

    def after_val_iter(
        self, runner, batch_idx: int, data_batch: dict | None = None, outputs: Sequence[GroundingSample] | None = None
    ) -> None:
        self._draw(runner, 'val', outputs)

    def after_test_iter(
        self, runner, batch_idx: int, data_batch: dict | None = None, outputs: Sequence[GroundingSample] | None = None
    ) -> None:
        self._draw(runner, 'test', outputs)

    def after_val_epoch(self, runner, metrics: dict[str, float] | None = None) -> None:
        self._finish(runner)

    def after_test_epoch(self, runner, metrics: dict[str, float] | None = None) -> None:
        self._finish(runner)

    def _begin(self, total: int) -> None:
        """Choose samples by their place among those that this process sees."""
        share = -(-total // get_world_size())
        self._chosen = set(np.linspace(0, share - 1, min(self.num_samples, share)).round().astype(int).tolist())
        self._seen = 0
        self._items = []

    def _draw(self, runner, split: str, outputs: Sequence[GroundingSample]) -> None:
        if not is_main_process():
            return
        for sample in outputs:
            if self._seen in self._chosen:
                loader = runner.val_dataloader if split == 'val' else runner.test_dataloader
                image = sample_image(loader.dataset, sample)
                self._items.append((image, sample.cpu()))
                name = '_'.join(map(str, sample_ids(sample).values()))
                picture = self._visualizer(runner).draw(image, sample)
                mmcv.imwrite(picture[..., ::-1], osp.join(self._folder(runner), split, f'{name}.png'))
            self._seen += 1

    def _finish(self, runner) -> None:
        if not self._items:
            return
        visualizer = self._visualizer(runner)
        sheet = visualizer.contact_sheet(self._items, self.columns, failures_first=True)
        file = osp.join(self._folder(runner), 'predictions.png')
        mmcv.imwrite(sheet[..., ::-1], file)
        step = runner.message_hub.runtime_info.get('iter', 0)  # runner.iter would build the training data in a test
        visualizer.add_image('predictions', sheet, step)
        runner.logger.info(f'{len(self._items)} predictions are drawn in {file}')
        self._items = []

    def _folder(self, runner) -> str:
        return self.out_dir or osp.join(runner.work_dir, 'show')

    @staticmethod
    def _visualizer(runner) -> GroundingVisualizer:
        """The runner's visualizer, or one without backends where the config names another class."""
        if isinstance(runner.visualizer, GroundingVisualizer):
            return runner.visualizer
        return GroundingVisualizer.get_instance('grounding_visualizer')


def part_of(dataset: Dataset, sample: GroundingSample) -> Dataset:
    """The data set that ``sample`` is from, by its name, where ``dataset`` joins several."""
    if not isinstance(dataset, ConcatDataset):
        return dataset
    parts = [part_of(part, sample) for part in dataset.datasets]
    return next((part for part in parts if getattr(part, 'name', None) == sample.get('dataset')), parts[0])


def sample_image(dataset: Dataset, sample: GroundingSample) -> np.ndarray:
    """The original image (H, W, 3) RGB of ``sample``, out of the packed file if ``dataset`` has one."""
    dataset = part_of(dataset, sample)
    packed = getattr(dataset, 'packed', None)
    pictures = getattr(dataset, 'pictures', None)
    if packed is not None:
        content = packed.image(sample.img_id)
    elif pictures is not None:
        content = pictures.read(name_below(dataset.root, sample.img_path))
    else:
        content = Path(sample.img_path).read_bytes()
    steps = getattr(getattr(dataset, 'pipeline', None), 'transforms', ())
    image = decode_picture(content, sample.img_path, upright=loads_upright(steps))
    return image[..., ::-1]  # BGR to RGB
