"""The models that ``configs/*/metafile.yml`` describe."""

from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

#: Root of the repository, which holds ``configs``.
ROOT = Path(__file__).resolve().parents[2]


def model_index() -> dict[str, dict[str, Any]]:
    """Name -> entry of the metafile (``In Collection``, ``Config``, ``Results``, perhaps ``Weights``), sorted by name.

    Raises:
        FileNotFoundError: If there are no metafiles beside the package.
    """
    files = sorted(ROOT.glob('configs/*/metafile.yml'))
    if not files:
        raise FileNotFoundError(
            f'{ROOT / "configs"}: no */metafile.yml there. Models by name need a clone of the repository, installed '
            'with pip install --editable'
        )
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
        near = get_close_matches(name, index, n=3, cutoff=0.5)
        hint = f'perhaps {" or ".join(near)}' if near else f'there are {", ".join(index)}'
        raise ValueError(
            f'{name!r} is neither a config (.py), nor a checkpoint that is there, nor a model of the index: {hint}'
        )
    weights = index[name].get('Weights')
    return str(ROOT / index[name]['Config']), str(ROOT / weights) if weights else None
