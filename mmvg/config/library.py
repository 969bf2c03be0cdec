"""The configs that come with mmvg, found by name from anywhere."""

import importlib.util
import re
from difflib import get_close_matches
from pathlib import Path

#: The folder of the configs: in a clone a link to ``configs/``, in a wheel a copy of it.
LIBRARY = Path(__file__).resolve().parents[1] / 'configs'
#: How the names of configs end; MMEngine reads them all, and mmvg's are in Python.
CONFIG_SUFFIXES = ('.py', '.json', '.yaml', '.yml')


def config_names() -> list[str]:
    """Return the names of all configs, such as ``'instancevg/grefcoco'``, sorted; base files are left out.

    Example:
        >>> 'instancevg/grefcoco' in config_names()
        True
    """
    files = LIBRARY.glob('[!_]*/*.py')
    return sorted(file.relative_to(LIBRARY).with_suffix('').as_posix() for file in files)


def find_config(config: str | Path) -> Path:
    """Return the file of a config that is given by path or by name.

    Args:
        config: A file, or a name with or without ``configs/`` and ``.py``.

    Raises:
        FileNotFoundError: If there is neither; names the nearest names.

    Example:
        >>> find_config('instancevg/grefcoco').name
        'grefcoco.py'
        >>> find_config('instancevg/grefcocos')
        Traceback (most recent call last):
            ...
        FileNotFoundError: instancevg/grefcocos: no such config; perhaps instancevg/grefcoco...
    """
    if Path(config).is_file():
        return Path(config)
    name = Path(config).as_posix().removesuffix('.py').removeprefix('configs/')
    file = LIBRARY / f'{name}.py'
    if not name.startswith('/') and '..' not in Path(name).parts and file.is_file():
        return file
    near = get_close_matches(name, config_names(), n=3, cutoff=0.6)
    hint = f'perhaps {" or ".join(near)}' if near else '`mmvg config` lists those that come with mmvg'
    raise FileNotFoundError(f'{config}: no such config; {hint}')


def portable_source(config: str | Path) -> str:
    """Return the text of a config with its relative imports made absolute, so that it works in any folder.

    Raises:
        FileNotFoundError: If there is no such config.
    """
    file = find_config(config).resolve()
    text = file.read_text(encoding='utf-8')
    library = LIBRARY.resolve()
    if library not in file.parents:
        return text
    folder = file.parent.relative_to(library).parts

    def absolute(match: re.Match) -> str:
        up = len(match['dots']) - 1
        parents = folder[: len(folder) - up]
        return f'{match["start"]}{".".join(("mmvg", "configs", *parents, match["module"]))} import'

    return re.sub(r'^(?P<start>\s*from )(?P<dots>\.+)(?P<module>[\w.]+) import', absolute, text, flags=re.MULTILINE)


def installed_path(package: str) -> str:
    """Return the folder of a package, installed in whatever way.

    Raises:
        ModuleNotFoundError: If there is no such package.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f'there is no package {package!r} whose configs could be inherited')
    return next(iter(spec.submodule_search_locations))
