"""Compare what all configs of two checkouts tell the Runner, key by key.

Write a snapshot of each checkout, then compare the two:

    python tools/analysis_tools/compare_configs.py dump before.json
    python tools/analysis_tools/compare_configs.py compare before.json after.json --rename old.Name=new.Name

A snapshot holds one line for each value: ``model.backbone.out_indices(0)`` is the first entry of a tuple,
``val_evaluator[0].type`` belongs to the first entry of a list, and a type is its dotted name. Settings and imported
names, which the Runner does not read, are left out. The order of keys does not matter.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest='command', required=True)
    dump = commands.add_parser('dump', help='write a snapshot of the configs')
    dump.add_argument('out', type=Path, help='a JSON file')
    dump.add_argument('--root', type=Path, default=Path(), help='the checkout, which must also be on PYTHONPATH')
    compare = commands.add_parser('compare', help='list what differs between two snapshots')
    compare.add_argument('before', type=Path)
    compare.add_argument('after', type=Path)
    compare.add_argument(
        '--rename',
        nargs='*',
        default=[],
        metavar='OLD=NEW',
        help='replace OLD in keys and values of the first snapshot',
    )
    return parser.parse_args()


def flatten(value: Any, path: str = '') -> Iterator[tuple[str, str]]:
    """Yield the path and the text of every value below ``value``."""
    if isinstance(value, dict) and value:
        for key, entry in value.items():
            yield from flatten(entry, f'{path}.{key}' if path else str(key))
    elif isinstance(value, (list, tuple)) and value:
        for index, entry in enumerate(value):
            yield from flatten(entry, f'{path}[{index}]' if isinstance(value, list) else f'{path}({index})')
    else:
        yield path, repr(value)


def snapshot(root: Path) -> dict[str, dict[str, str]]:
    """Flatten every config below ``root / 'configs'``, those of ``_base_/datasets`` among them."""
    from mmengine.config import Config

    from mmvg import config

    read = getattr(config, 'read_config', Config.fromfile)  # before there were settings, nothing had to be replaced
    folder = root / 'configs'
    files = [*folder.glob('[!_]*/*.py'), *folder.glob('_base_/datasets/*.py')]
    return {
        str(file.relative_to(folder)): dict(flatten(config.runner_config(read(str(file))).to_dict()))
        for file in sorted(files)
    }


def differences(before: dict[str, dict[str, str]], after: dict[str, dict[str, str]]) -> Iterator[str]:
    """Yield one line for each value that only one snapshot has, or that is not the same in both."""
    for file in sorted({*before, *after}):
        old, new = before.get(file, {}), after.get(file, {})
        for key in sorted({*old, *new}):
            if old.get(key) != new.get(key):
                yield f'{file}: {key}: {old.get(key, "(missing)")} -> {new.get(key, "(missing)")}'


def rename(configs: dict[str, dict[str, str]], pairs: list[str]) -> dict[str, dict[str, str]]:
    """Replace ``OLD`` by ``NEW`` in the keys and values of a snapshot, for each pair ``OLD=NEW``."""

    def new(text: str) -> str:
        for pair in pairs:
            text = text.replace(*pair.split('=', 1))
        return text

    return {file: {new(key): new(value) for key, value in values.items()} for file, values in configs.items()}


def main() -> None:
    args = parse_args()
    if args.command == 'dump':
        configs = snapshot(args.root)
        args.out.write_text(json.dumps(configs, indent=1, sort_keys=True), encoding='utf-8')
        print(f'{args.out}: {len(configs)} configs, {sum(map(len, configs.values()))} values')
        return
    before, after = (json.loads(path.read_text(encoding='utf-8')) for path in (args.before, args.after))
    lines = list(differences(rename(before, args.rename), after))
    print(*lines, f'{len(lines)} differences in {len(after)} configs', sep='\n')
    if lines:
        raise SystemExit(1)


if __name__ == '__main__':
    main()
