"""The README of a model folder: what the model is, how it scores and by which protocol, and how to use it."""

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from mmvg.version import __version__

_USE = """## How to use it

Nothing in this folder is run when it is opened: the weights are safetensors, the config is data.

```python
from mmvg.apis import GroundingInferencer

find = GroundingInferencer.from_pretrained({place!r})
find('scene.jpg', ['the red ring', 'both stars'])['predictions']
```

```bash
mmvg demo scene.jpg "the red ring" --checkpoint {quoted}
```
"""


def model_card(
    name: str,
    config: dict,
    parameters: int,
    scores: Mapping[str, float] | None = None,
    license: str | None = None,
    half: bool = False,
    place: str | None = None,
) -> str:
    """Write a model card: Markdown with the YAML head that the Hugging Face hub reads.

    Args:
        name: Of the model.
        config: Plain data, see :func:`mmvg.config.to_data`.
        parameters: Numbers in the weights.
        scores: Metric to number, as ``mmvg test`` prints them; the config says by which protocol.
        license: Of the weights, as the hub calls it, such as ``'apache-2.0'``.
        half: Whether the weights are in half precision.
        place: How the model is called where it is used; by default ``name``.

    Example:
        >>> card = model_card('rings', dict(model=dict(type='mmvg.models.Grounder')), 1000, {'gres/gIoU': 66.1})
        >>> print(card[card.index('## Scores') :].split('##')[1])
         Scores
        <BLANKLINE>
        | metric | score |
        | --- | --- |
        | gres/gIoU | 66.1 |
        <BLANKLINE>
        <BLANKLINE>
    """
    dataset = _part(config, 'test_dataloader', 'dataset')
    data = _name(dataset) if dataset else 'unknown'
    head: dict[str, Any] = dict(library_name='mmvg', tags=['visual-grounding', 'referring-expression'])
    if license:
        head['license'] = license
    if scores:
        metrics = [dict(type=key, value=float(value)) for key, value in scores.items()]
        result = dict(task=dict(type='visual-grounding'), dataset=dict(name=data, type=data), metrics=metrics)
        head['model-index'] = [dict(name=name, results=[result])]
    sections = [
        f'---\n{yaml.safe_dump(head, sort_keys=False)}---\n',
        f'# {name}\n',
        f'{_about(config, parameters, half)}\n',
        _USE.format(place=place or name, quoted=shlex.quote(place or name)),
        f'## Scores\n\n{_table(scores)}\n',
        f'## Protocol\n\n{_protocol(config, dataset, data)}\n',
        f'## License\n\n{license or "Not stated: ask who published the model before you use it."}\n',
        f'Written by mmvg {__version__}.\n',
    ]
    return '\n'.join(sections)


def _about(config: dict, parameters: int, half: bool) -> str:
    model = config.get('model') or {}
    parts = [f'{role} `{_name(model[role])}`' for role in ('backbone', 'head') if _name(model.get(role))]
    precision = 'half precision (float16, computed in float32)' if half else 'full precision'
    return (
        'A model of language-guided visual grounding: it takes a picture and a sentence and answers what in the '
        f'picture is meant. `{_name(model)}`{" with " + " and ".join(parts) if parts else ""}; {parameters:,} numbers '
        f'in {precision}.'
    )


def _table(scores: Mapping[str, float] | None) -> str:
    if not scores:
        return 'None was given. `mmvg test CONFIG FOLDER` measures them.'
    rows = '\n'.join(f'| {key} | {value:g} |' for key, value in scores.items())
    return f'| metric | score |\n| --- | --- |\n{rows}'


def _protocol(config: dict, dataset: dict, data: str) -> str:
    lines = [f'- data: `{data}`' + ''.join(f', {key} `{dataset[key]}`' for key in _FACTS if key in dataset)]
    for step in dataset.get('pipeline') or ():
        facts = {key: step[key] for key in ('scale', 'size', 'max_length') if isinstance(step, dict) and key in step}
        if facts:
            lines.append(f'- `{_name(step)}`: ' + ', '.join(f'{key} {value}' for key, value in facts.items()))
    for metric in _metrics(config.get('test_evaluator')):
        settings = ', '.join(f'{key}={value!r}' for key, value in metric.items() if key != 'type')
        lines.append(f'- metric `{_name(metric)}`' + (f' ({settings})' if settings else ''))
    threshold = _part(config, 'model', 'head', 'postprocess').get('score_thr')
    if threshold is not None:
        lines.append(f'- what scores more than {threshold} is there')
    return '\n'.join(lines)


#: Arguments of a data set that say what is scored.
_FACTS = ('dataset', 'split', 'split_by', 'version')


def _metrics(evaluator: Any) -> Iterator[dict]:
    if isinstance(evaluator, dict):
        evaluator = evaluator.get('metrics', [evaluator])
        evaluator = [evaluator] if isinstance(evaluator, dict) else evaluator
    yield from (metric for metric in evaluator or () if isinstance(metric, dict))


def _part(config: dict, *path: str) -> dict:
    for key in path:
        config = config.get(key) if isinstance(config, dict) else None
    return config if isinstance(config, dict) else {}


def _name(part: Any) -> str:
    return str(part.get('type', '')).rpartition('.')[2] if isinstance(part, dict) else ''
