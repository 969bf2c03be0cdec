"""Curves of trainings, from the ``scalars.json`` that MMEngine writes: losses, rates and scores over iterations."""

import json
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

import numpy as np

from mmvg.visualization.plots import plain_name, plot_kind, save_plot

#: Not drawn unless asked for.
_ABOUT_THE_RUN = ('time', 'data_time', 'memory', 'iter', 'epoch', 'step', 'lr', 'base_lr', 'grad_norm')
#: Curves that are drawn where none are named, at most.
MOST = 9

Curve = tuple[list[int], list[float]]


class CurveError(ValueError):
    """A run has no curves to draw, or not those that were asked for."""


def read_curves(run: str | Path) -> dict[str, Curve]:
    """Read what a training wrote down.

    Args:
        run: Its work dir, the folder of one start of it, or a ``scalars.json``. A training that was resumed has one
            file per start; later ones replace what they repeat.

    Returns:
        Name of a scalar -> iterations and values. Scores of a validation stand at the iteration of the training before
        it.

    Raises:
        FileNotFoundError: If there is no such file.
        CurveError: If it is none, holds no number, or holds several trainings.
    """
    curves: dict[str, dict[int, float]] = {}
    iteration = 0  # a start that goes on may validate before it logs
    for file in _files_of(Path(run)):
        for number, line in enumerate(file.read_text(encoding='utf-8').splitlines(), start=1):
            record = _parse(file, number, line)
            if record is None:
                continue
            if 'iter' in record:
                iteration = int(record['iter'])
                _cut(curves, iteration, record)
            for name, value in record.items():
                if isinstance(value, (int, float)) and name not in ('iter', 'epoch', 'step'):
                    curves.setdefault(name, {})[iteration] = float(value)
    if not curves:
        raise CurveError(f'{run}: holds no number to draw')
    return {name: (sorted(points), [points[x] for x in sorted(points)]) for name, points in curves.items()}


def _files_of(run: Path) -> list[Path]:
    if run.is_file():
        return [run]
    places = ('*/vis_data/scalars.json', 'vis_data/scalars.json', 'scalars.json')
    found = next((files for files in (sorted(run.glob(place)) for place in places) if files), [])
    if not found and (deeper := sorted({str(file.parents[2]) for file in run.glob('*/**/vis_data/scalars.json')})):
        raise CurveError(f'{run}: holds several trainings; name them, each for itself: {", ".join(deeper)}')
    if not found:
        raise FileNotFoundError(f'{run}: no scalars.json in it; name the work dir of a training')
    return found


def _parse(file: Path, number: int, line: str) -> dict | None:
    try:
        record = json.loads(line) if line.strip() else None
    except ValueError as error:
        raise CurveError(f'{file}, line {number}: is no JSON ({error}); is this a scalars.json of MMEngine?') from error
    if record is not None and not isinstance(record, dict):
        raise CurveError(f'{file}, line {number}: is no JSON object; is this a scalars.json of MMEngine?')
    return record


def _cut(curves: dict[str, dict[int, float]], iteration: int, record: Mapping) -> None:
    """Forget what an earlier start wrote of this iteration and later ones, where a later start goes back."""
    latest = max(curves.get('loss', {}), default=0)
    if 'loss' in record and iteration <= latest:
        for points in curves.values():
            for known in [x for x in points if x >= iteration]:
                del points[known]


def names_to_draw(runs: Mapping[str, Mapping[str, Curve]], keys: Sequence[str] | None = None) -> list[str]:
    """Choose curves: those named, or the loss and the scores, at most ``MOST``, some of every run.

    Raises:
        CurveError: If no run has a curve of a name; lists those there are.
    """
    known = [name for names in zip_longest(*runs.values()) for name in names if name is not None]
    known = list(dict.fromkeys(known))
    for key in keys or ():
        if key not in known:
            raise CurveError(f'no run has {key!r}; there are {", ".join(known)}')
    if keys:
        return list(keys)
    scores = [name for name in known if '/' in name and not name.rpartition('/')[2].startswith('num_')]
    chosen = [*(['loss'] if 'loss' in known else []), *scores]
    return (chosen or [name for name in known if name not in _ABOUT_THE_RUN] or known)[:MOST]


def smooth(values: Sequence[float], window: int) -> np.ndarray:
    """Mean of each value and the ``window`` - 1 before it, as far as there are so many.

    Example:
        >>> smooth([1, 3, 5, 7], 2)
        array([1., 2., 4., 6.])
    """
    values = np.asarray(values, dtype=np.float64)
    return np.array([values[max(0, end - window) : end].mean() for end in range(1, len(values) + 1)])


def draw_curves(
    runs: Mapping[str, Mapping[str, Curve]], file: str | Path, keys: Sequence[str] | None = None, window: int = 1
) -> list[str]:
    """Draw several runs into one picture, a panel for each scalar.

    Args:
        runs: Name of a run -> its curves.
        file: The picture; its ending says which kind, such as .png or .svg.
        keys: Which scalars, see :func:`names_to_draw`.
        window: Of :func:`smooth`, for what is logged while training; scores are drawn as they are.

    Returns:
        The scalars that were drawn.

    Raises:
        CurveError: See :func:`names_to_draw`.
        ValueError: If the kind of picture is not known.
    """
    from matplotlib.figure import Figure

    plot_kind(file)
    names = names_to_draw(runs, keys)
    columns = min(3, len(names))
    rows = -(-len(names) // columns)
    figure = Figure(figsize=(4.5 * columns, 3.2 * rows), layout='constrained')
    for axes, name in zip(figure.subplots(rows, columns, squeeze=False).flat, names, strict=False):
        for number, (run, curves) in enumerate(runs.items()):
            if name in curves:
                x, y = curves[name]
                score = '/' in name
                y, marker = (y, 'o') if score else (smooth(y, window), None)
                axes.plot(x, y, marker=marker, color=f'C{number}', label=plain_name(run))
        axes.set(title=name, xlabel='iteration')
        axes.grid(alpha=0.3)
    for axes in figure.axes[len(names) :]:
        axes.remove()
    handles = {
        label: line for axes in figure.axes for line, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    if len(runs) > 1:
        figure.legend(handles.values(), handles.keys(), loc='outside lower center', ncols=min(4, len(runs)))
    save_plot(figure, file, dpi=110)
    return names
