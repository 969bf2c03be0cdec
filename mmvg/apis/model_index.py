"""The models that the ``metafile.yml`` of each paper describes."""

import os.path as osp
from collections.abc import Sequence
from difflib import get_close_matches
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml

from mmvg.config.library import LIBRARY, find_config

#: Models that come with mmvg, a folder each (:mod:`mmvg.weights.model_folder`).
PRETRAINED = Path(__file__).resolve().parents[1] / 'pretrained'


def pretrained_models() -> list[str]:
    """Names of the models that come with mmvg and answer without a training or a download, sorted."""
    return sorted(file.parent.name for file in PRETRAINED.glob('*/config.json'))


def find_pretrained(name: str) -> Path | None:
    """Folder of a model that comes with mmvg, or None.

    Args:
        name: As :func:`pretrained_models` gives it, ``'instancevg_refshapes'``, or as its config is called,
            ``'instancevg/refshapes'``.
    """
    plain = name.replace('/', '_')
    return PRETRAINED / plain if plain in pretrained_models() else None


def weights_of(checkpoint: str) -> str:
    """Path of a checkpoint that may be named as a model that comes with mmvg; files go before names, ``~`` is home.

    Example:
        >>> weights_of('last.pth'), Path(weights_of('lggd_refshapes')).name
        ('last.pth', 'lggd_refshapes')
    """
    checkpoint = osp.expanduser(checkpoint)
    shipped = None if Path(checkpoint).exists() else find_pretrained(checkpoint)
    return checkpoint if shipped is None else str(shipped)


def model_index() -> dict[str, dict[str, Any]]:
    """Name -> entry of the metafile, sorted by name: ``In Collection``, ``Config``, ``Results``.

    Perhaps it also has ``Weights``, a checkpoint, or ``Folder``, of a model of another library.

    Raises:
        ValueError: If two models have one name.
    """
    files = sorted(LIBRARY.glob('*/metafile.yml'))
    entries = {}
    for file in files:
        for entry in yaml.safe_load(file.read_text(encoding='utf-8')).get('Models', []):
            if entry['Name'] in entries:
                raise ValueError(f'{file}: there are two models called {entry["Name"]!r}')
            entries[entry['Name']] = entry
    return dict(sorted(entries.items()))


def list_models() -> list[str]:
    """Names of the model index."""
    return list(model_index())


def find_model(name: str) -> tuple[str, str | None]:
    """Config of a model, and its weights if the index names a file that is there.

    Raises:
        ValueError: If the index has no such model; names the nearest ones.
    """
    index = model_index()
    if name not in index:
        near = get_close_matches(name, [*index, *pretrained_models()], n=3, cutoff=0.5)
        hint = f'perhaps {" or ".join(near)}' if near else f'there are {", ".join(index)}'
        raise ValueError(
            f'{name!r} is neither a config (.py), nor a checkpoint that is there, nor a model of the index: {hint}'
        )
    weights = index[name].get('Weights')
    return str(find_config(index[name]['Config'])), weights


def results_of(
    metafiles: Sequence[str | Path], dataset: str, metrics: Sequence[str] | None = None, source: str | None = None
) -> dict[str, dict[str, float]]:
    """Scores of the models of some metafiles on one data set.

    Args:
        metafiles: Files.
        dataset: As the metafile names data set and split; ``*`` stands for anything.
        metrics: Which scores; by default all.
        source: Such as ``'paper'``; by default all.

    Returns:
        Name of the model, with the data set and source where they tell several rows apart -> score -> value.

    Raises:
        FileNotFoundError: If a file is not there.
        ValueError: If one is no metafile, there is no such result (names the data sets that there are), or two have
            the same name, data set and source.
    """
    found, known = [], {}
    for file in metafiles:
        for name, data, origin, scores in _results_in(file):
            known[data] = None
            scores = {k: v for k, v in scores.items() if metrics is None or k in metrics}
            if fnmatch(data, dataset) and source in (None, origin) and scores:
                found.append((name, data, origin, scores))
    if not found:
        raise ValueError(f'no result on {dataset!r} with these scores and this source; there are {", ".join(known)}')
    names = [name for name, *_ in found]
    rows = {}
    for name, data, origin, scores in found:
        row = name if names.count(name) == 1 else f'{name}, {data} ({origin})'
        if row in rows:
            raise ValueError(f'two results are called {row!r}; give each model of the metafiles a name of its own')
        rows[row] = scores
    return rows


def _results_in(metafile: str | Path) -> list[tuple[str, str, str, dict[str, float]]]:
    """Model, data set, source and scores of each result of a metafile."""
    try:
        content = yaml.safe_load(Path(metafile).read_text(encoding='utf-8'))
        return [
            (
                entry['Name'],
                str(result['Dataset']),
                result['Source'],
                {k: float(v) for k, v in result['Metrics'].items()},
            )
            for entry in content.get('Models', [])
            for result in entry.get('Results', [])
        ]
    except (yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f'{metafile}: is no metafile, whose "Models" have a Name and "Results" with Dataset, Source and Metrics '
            f'({type(error).__name__}: {error})'
        ) from error
