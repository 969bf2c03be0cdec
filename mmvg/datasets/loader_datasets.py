"""The datasets that the dataloaders of a config read, those inside of others too."""

from collections.abc import Collection, Iterator, Mapping
from itertools import chain, count
from typing import TYPE_CHECKING, Any

from mmvg.datasets.referring_dataset import ReferringDataset
from mmvg.registry import DATASETS

if TYPE_CHECKING:
    from mmengine.config import Config

LOADERS = ('train', 'val', 'test')


def settings_of_loader(cfg: 'Config', loader: str) -> list[dict[str, Any]]:
    """Return the settings of each dataset in a loader, without pipelines; none if there is no such loader.

    Args:
        cfg: The config.
        loader: ``'train'``, ``'val'`` or ``'test'``.

    Example:
        >>> from mmvg.config import read_config
        >>> [each['dataset'] for each in settings_of_loader(read_config('configs/instancevg/rrefcoco.py'), 'train')]
        ['rrefcoco', 'rrefcoco+', 'rrefcocog']
    """
    found = cfg.get(f'{loader}_dataloader')
    return [] if found is None else [{**each, 'pipeline': []} for each in _innermost(found['dataset'])]


def pipeline_of_loader(cfg: 'Config', loader: str) -> list[dict[str, Any]]:
    """Return the pipeline that all datasets in a loader share.

    Args:
        cfg: The config.
        loader: ``'train'``, ``'val'`` or ``'test'``.

    Raises:
        ValueError: If there is no such loader, or its datasets have no pipeline or different ones.

    Example:
        >>> from mmvg.config import read_config
        >>> [step['type'].__name__ for step in pipeline_of_loader(read_config('configs/lavt/tiny.py'), 'test')][:2]
        ['LoadImage', 'Resize']
    """
    found = cfg.get(f'{loader}_dataloader')
    if found is None:
        raise ValueError(f'the config has no {loader}_dataloader, whose pipeline says how images and text are prepared')
    first, *others = [each.get('pipeline') for each in _innermost(found['dataset'])]
    if first is None or any(other != first for other in others):
        problem = 'has no pipeline' if first is None else 'joins data sets whose pipelines differ; give them one'
        raise ValueError(f'{loader}_dataloader.dataset: {problem}, which says how images and text are prepared')
    return first


def datasets_of_loaders(cfg: 'Config', splits: Collection[str] | None = None) -> dict[str, ReferringDataset]:
    """Build the datasets of all loaders, by split.

    Those that share a loader have their own name before that of the split, and a split that two loaders read is called
    after the second loader. The loader for testing is left out if it reads what that for validation does.

    Args:
        cfg: The config.
        splits: Which; by default all.

    Example:
        >>> from mmvg.config import read_config
        >>> list(datasets_of_loaders(read_config('configs/instancevg/tiny.py')))
        ['train', 'val']
    """
    datasets: dict[str, ReferringDataset] = {}
    for loader in LOADERS:
        settings = settings_of_loader(cfg, loader)
        if loader == 'test' and settings == settings_of_loader(cfg, 'val'):
            continue
        for each in settings:
            split = each.get('split', loader)
            if splits is None or split in splits:
                dataset = DATASETS.build(each)
                wanted = (f'{dataset.name}_{split}',) if len(settings) > 1 else (split, loader)
                datasets[_free_key(datasets, *wanted)] = dataset
    return datasets


def _free_key(taken: Collection[str], *wanted: str) -> str:
    numbered = (f'{wanted[-1]}_{number}' for number in count(2))
    return next(key for key in chain(wanted, numbered) if key not in taken)


def _innermost(settings: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the settings of the datasets inside of wrappers, which have them as ``dataset`` or ``datasets``."""
    inside = settings.get('datasets', settings.get('dataset'))  # in a dataset of its own, names
    inside = [inside] if isinstance(inside, Mapping) else inside
    if isinstance(inside, list | tuple) and inside and all(isinstance(one, Mapping) for one in inside):
        for one in inside:
            yield from _innermost(one)
    else:
        yield settings
