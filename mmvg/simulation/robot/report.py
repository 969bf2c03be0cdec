"""Count trials: a table of success with Wilson's intervals, the causes of failure, and the files of a benchmark."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np

from mmvg.pictures import write_image
from mmvg.whole_files import write_whole

from .benchmark import NOTHING, Benchmark, TrialRecord
from .outcome import SUCCESSES, Outcome
from .pictures import failure_sheet

_MOST_FAILURES = 24


def wilson(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's interval of a share (Journal of the American Statistical Association 22, 1927).

    Example:
        >>> [round(bound, 3) for bound in wilson(19, 20)]
        [0.764, 0.991]
    """
    from scipy.stats import binomtest

    interval = binomtest(successes, trials).proportion_ci(confidence, method='wilson')
    return float(interval.low), float(interval.high)


def success_table(records: Sequence[TrialRecord], layouts: Sequence[str]) -> str:
    """A table in Markdown: objects down, layouts across; sentences that mean nothing are counted apart."""
    objects = list(dict.fromkeys(record.object for record in records if record.object != NOTHING))
    lines = ['| object | ' + ' | '.join(layouts) + ' |', '| --- |' + ' ---: |' * len(layouts)]
    for name in objects:
        lines.append(_row(name, records, layouts, [name], interval=False))
    if objects:
        lines.append(_row('all', records, layouts, objects))
    if any(record.object == NOTHING for record in records):
        lines.append(_row('nothing meant, refused', records, layouts, [NOTHING]))
    return '\n'.join(lines)


def _row(
    title: str, records: Sequence[TrialRecord], layouts: Sequence[str], objects: Sequence[str], interval: bool = True
) -> str:
    cells = []
    for layout in layouts:
        own = [record.success for record in records if record.layout == layout and record.object in objects]
        if not own:
            cells.append('-')
            continue
        cell = f'{sum(own)}/{len(own)}'
        if interval:
            low, high = wilson(sum(own), len(own))
            cell = f'{100 * np.mean(own):.1f} % ({cell}; {100 * low:.1f} to {100 * high:.1f})'
        cells.append(cell)
    return f'| {title} | ' + ' | '.join(cells) + ' |'


def cause_table(records: Sequence[TrialRecord], layouts: Sequence[str]) -> str:
    """A table in Markdown: outcomes down, layouts across."""
    counts = {layout: Counter(record.outcome for record in records if record.layout == layout) for layout in layouts}
    found = [outcome for outcome in Outcome if any(counts[layout][outcome.value] for layout in layouts)]
    lines = ['| outcome | ' + ' | '.join(layouts) + ' |', '| --- |' + ' ---: |' * len(layouts)]
    lines += [f'| {outcome.value} | ' + ' | '.join(str(counts[row][outcome.value]) for row in layouts) + ' |'
              for outcome in found]  # fmt: skip
    return '\n'.join(lines)


def summary(records: Sequence[TrialRecord], layouts: Sequence[str]) -> dict[str, dict]:
    """Per layout: trials, successes and Wilson's interval of the objects and of what means nothing, and outcomes."""
    result = {}
    for layout in layouts:
        own = [record for record in records if record.layout == layout]
        parts = {}
        for part, chosen in (
            ('picks', [record for record in own if record.object != NOTHING]),
            ('refusals', [record for record in own if record.object == NOTHING]),
        ):
            if chosen:
                good = sum(record.success for record in chosen)
                low, high = wilson(good, len(chosen))
                parts[part] = dict(trials=len(chosen), successes=good, rate=good / len(chosen), wilson=[low, high])
        causes = Counter(record.outcome for record in own)
        result[layout] = parts | dict(outcomes={str(cause): number for cause, number in causes.most_common()})
    return result


def write_report(out: Path, settings: Benchmark, records: Sequence[TrialRecord], title: str) -> list[Path]:
    """Write ``trials.json``, ``table.md`` and, if anything failed, ``failures.png`` into a folder; one of an earlier
    benchmark goes.

    Returns:
        What was written.
    """
    out.mkdir(parents=True, exist_ok=True)
    layouts = settings.layouts
    answered = {key: value for key, value in settings.answerer.items() if value is not None}
    about = dict(robot=settings.robot, seed=settings.seed, noise=settings.noise, trials=settings.trials)
    whole = dict(title=title, **about, answerer=answered, objects=list(settings.objects), layouts=list(layouts))
    whole |= dict(summary=summary(records, layouts), trials_done=[record.to_json() for record in records])
    written = [out / 'trials.json', out / 'table.md']
    write_whole(written[0], json.dumps(whole, indent=1) + '\n')
    seconds = np.mean([record.seconds for record in records])
    text = f'# {title}\n\n{success_table(records, layouts)}\n\n{cause_table(records, layouts)}\n\n'
    write_whole(written[1], text + f'{len(records)} trials, {seconds:.2f} s of computing each.\n')
    failures = [record for record in records if not record.success and record.pictures]
    if failures:
        written.append(out / 'failures.png')
        sheet = failure_sheet([_failure(record) for record in _spread(failures)])
        write_image(written[-1], sheet[..., ::-1])
    else:
        (out / 'failures.png').unlink(missing_ok=True)
    return written


def _failure(record: TrialRecord) -> tuple[str, list[np.ndarray]]:
    caption = f'{record.outcome}: "{record.sentence}" ({record.layout}, table {record.table}). {record.detail}'
    pictures = [cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR) for picture in record.pictures]
    return caption, [picture[..., ::-1] for picture in pictures]


def _spread(failures: Iterable[TrialRecord]) -> list[TrialRecord]:
    """At most ``_MOST_FAILURES``, of every cause the first ones."""
    by_cause: dict[str, list[TrialRecord]] = {}
    for record in failures:
        by_cause.setdefault(record.outcome, []).append(record)
    shown: list[TrialRecord] = []
    while len(shown) < _MOST_FAILURES and any(by_cause.values()):
        shown += [queue.pop(0) for queue in by_cause.values() if queue]
    order = [outcome.value for outcome in Outcome if outcome not in SUCCESSES]
    return sorted(shown[:_MOST_FAILURES], key=lambda record: order.index(record.outcome))
