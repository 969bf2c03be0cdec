"""Whether learning rates come down when a run ends: schedules that end elsewhere are warned about."""

from collections.abc import Iterator
from typing import Any

from mmengine.config import Config

#: Schedulers that bring a rate down to its last value at their ``end``.
_DECAYS = ('CosineAnnealing', 'Poly', 'OneCycle', 'CosineRestart')


def schedule_warnings(cfg: Config) -> list[str]:
    """Compare every scheduler of ``cfg`` with the length of the run.

    A decay that is longer than the run never comes down; one that is shorter leaves the rest of the run with nothing to
    learn; one that counts iterations in a run of epochs fits one data set and one batch size only.

    Returns:
        One sentence for each that does not fit; none where there is no training, or no end to compare.

    Example:
        >>> train = dict(max_epochs=50)
        >>> schedule_warnings(Config(dict(train_cfg=train, param_scheduler=[dict(type='PolyLR', end=40)])))
        ['param_scheduler.0 ends after 40 epochs, the run after 50']
    """
    train = cfg.get('train_cfg') or {}
    unit = 'epochs' if 'max_epochs' in train else 'iterations'
    length = train.get('max_epochs', train.get('max_iters'))
    schedulers = cfg.get('param_scheduler') or []
    schedulers = schedulers if isinstance(schedulers, (list, tuple)) else [schedulers]
    if length is None:
        return []
    return [
        warning
        for index, scheduler in enumerate(schedulers)
        for warning in _compare(f'param_scheduler.{index}', scheduler, length, unit)
    ]


def _compare(path: str, scheduler: dict, length: int, unit: str) -> Iterator[str]:
    own_unit = 'epochs' if scheduler.get('by_epoch', True) else 'iterations'
    end = scheduler.get('end')
    late = [step for step in scheduler.get('milestones', ()) if own_unit == unit and step >= length]
    if late:
        yield f'{path} has milestones at {late}, the run ends after {length} {unit}'
    if end is None or not _is_decay(scheduler.get('type')):
        return
    if own_unit != unit:
        cure = '; by_epoch=True with convert_to_iter_based=True follows it' if unit == 'epochs' else ''
        yield f'{path} ends after {end} {own_unit}, whatever the length of the run, which counts {unit}{cure}'
    elif end != length:
        yield f'{path} ends after {end} {unit}, the run after {length}'


def _is_decay(kind: Any) -> bool:
    name = kind if isinstance(kind, str) else getattr(kind, '__name__', str(kind))
    return name.rpartition('.')[2].startswith(_DECAYS)
