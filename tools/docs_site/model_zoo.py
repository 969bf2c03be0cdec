"""Write tables of all models and configs, in Markdown: ``python tools/docs_site/model_zoo.py`` prints the models.

With ``small`` behind it, it prints the table of what was trained on RefShapes, which docs/model_zoo.md has. Tables are
read from ``configs/*/metafile.yml`` and from the docstrings of ``configs/*/*.py``; a new paper needs no change here.
"""

import ast
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]


def read_metafiles(root: Path = ROOT) -> list[dict[str, Any]]:
    """Read the metafiles, one per folder; ``folder`` is added.

    Raises:
        ValueError: If a file lacks ``Collections`` or ``Models``, or a model its name, config or a known collection.
    """
    found = []
    for file in sorted(root.glob('configs/*/metafile.yml')):
        content = yaml.safe_load(file.read_text(encoding='utf-8')) or {}
        for key in ('Collections', 'Models'):
            if not isinstance(content.get(key), list):
                raise ValueError(f'{file}: no list {key!r}')
        names = {collection['Name'] for collection in content['Collections']}
        for model in content['Models']:
            if missing := [key for key in ('Name', 'Config', 'In Collection') if key not in model]:
                raise ValueError(f'{file}: model {model.get("Name", model)!r} lacks {", ".join(missing)}')
            if model['In Collection'] not in names:
                raise ValueError(f'{file}: {model["Name"]!r} is in the collection {model["In Collection"]!r}, not here')
        found.append(dict(content, folder=file.parent.name))
    return found


def zoo_by_paper(metafiles: list[dict[str, Any]]) -> str:
    """Write a section per collection: paper, code, and a table of its models. Links start at ``docs/``."""
    lines = []
    for content in metafiles:
        for collection in content['Collections']:
            lines += [f'### {collection["Name"]}', '', _about(collection, content['folder']), '']
            lines += ['| model | data | scores | source |', '| --- | --- | --- | --- |']
            for model in content['Models']:
                if model['In Collection'] == collection['Name']:
                    lines += _model_rows(model)
            lines.append('')
    return '\n'.join(lines)


def zoo_by_data(metafiles: list[dict[str, Any]]) -> str:
    """Write a table per data set and split, with the models as rows and the scores as columns."""
    tables: dict[str, list[tuple[dict, dict]]] = {}
    for content in metafiles:
        for model in content['Models']:
            for result in model.get('Results') or []:
                tables.setdefault(result['Dataset'], []).append((model, result))
    lines = []
    for data, rows in tables.items():
        metrics = list(dict.fromkeys(name for _, result in rows for name in result['Metrics']))
        lines += [f'### {data}', '', f'| model | source | {" | ".join(metrics)} |', '| --- ' * (len(metrics) + 2) + '|']
        for model, result in rows:
            scores = ' | '.join(str(result['Metrics'].get(name, '')) for name in metrics)
            lines.append(f'| {_link(model)} | {_source(result)} | {scores} |')
        lines.append('')
    return '\n'.join(lines)


#: The columns of the table of small models.
SMALL_METRICS = ('mIoU', 'P@0.5', 'gIoU', 'N-acc', 'F1', 'J@1_strict')


def zoo_small(metafiles: list[dict[str, Any]]) -> str:
    """Write the table of all models that were trained here on RefShapes, with one row each and CPU minutes as a column.

    Of a model whose metafile has several results there, that on ``RefShapes small val`` counts.
    """
    columns = ['model', *SMALL_METRICS, 'CPU minutes', 'seeds']
    lines = [f'| {" | ".join(columns)} |', '| --- ' * len(columns) + '|']
    for content in metafiles:
        for model in content['Models']:
            for result in model.get('Results') or []:
                if result['Dataset'] == 'RefShapes small val' and result['Source'] == 'trained here':
                    scores = [str(result['Metrics'].get(name, '')) for name in SMALL_METRICS]
                    minutes = str(round(60 * result['Hours']))
                    lines.append(f'| {" | ".join([_link(model), *scores, minutes, str(result["Seeds"])])} |')
    return '\n'.join(lines)


def config_list(root: Path = ROOT) -> str:
    """Write a table of all configs with the first sentence of their docstrings."""
    lines = ['| config | what it is |', '| --- | --- |']
    for file in sorted(root.glob('configs/*/*.py')):
        if file.parent.name != '_base_':
            doc = ast.get_docstring(ast.parse(file.read_text(encoding='utf-8'))) or ''
            first = ' '.join(doc.split('\n\n')[0].split()).replace('|', '\\|')
            path = file.relative_to(root).as_posix()
            lines.append(f'| [{path.removeprefix("configs/")}](../{path}) | {first} |')
    return '\n'.join(lines)


def _about(collection: dict, folder: str) -> str:
    paper, code = collection.get('Paper') or {}, collection.get('Code') or {}
    parts = [f'[README](../configs/{folder}/README.md)']
    if paper.get('URL'):
        parts.append(f'[{paper.get("Title", "paper")}]({paper["URL"]})')
    if code.get('URL'):
        version = f' ({code["Version"]})' if code.get('Version') else ''
        parts.append(f"[authors' code]({code['URL']}){version}")
    return ', '.join(parts)


def _model_rows(model: dict) -> list[str]:
    """Write a row per result; name and config stand in the first one only."""
    name, rows = _link(model), []
    for result in model.get('Results') or [dict(Dataset='', Metrics={}, Source='')]:
        scores = ', '.join(f'{key} {value}' for key, value in result['Metrics'].items())
        rows.append(f'| {name} | {result["Dataset"]} | {scores} | {_source(result)} |')
        name = ''
    return rows


def _source(result: dict) -> str:
    """Write where a score is from, with the seeds and hours of what was trained."""
    seeds, hours = result.get('Seeds'), result.get('Hours')
    plural = '' if seeds == 1 else 's'
    return ', '.join(
        [result['Source'], *([f'{seeds} seed{plural}'] if seeds else []), *([f'{hours} h'] if hours else [])]
    )


def _link(model: dict) -> str:
    return f'[`{model["Name"]}`](../{model["Config"]})'


if __name__ == '__main__':
    print((zoo_small if sys.argv[1:] == ['small'] else zoo_by_paper)(read_metafiles()))
