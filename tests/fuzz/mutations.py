"""Random damage to the files of a data set: to their values, or to their bytes."""

import copy
import json
import pickle
import random
from pathlib import Path
from typing import Any

#: What stands in place of a value: of another type, absurd, or just a little wrong.
ODD = (
    None, True, False, 0, 1, -1, 2, 7, 10**9, -(10**9), 2**31, 2**63, 10**25, 0.5, -0.5, 1.5, 1e-9, 1e9, 1e308,
    float('nan'), float('inf'), -float('inf'), '', ' ', 'x', '0', '1', '7', '1.5', 'nan', 'train', 'val', 'trian',
    '../x.png', '/etc/passwd', 'a\0b', '\ud800', '\u2028', '\ufffd', 'é', 'Ã©', 'a' * 300, '1.png', [], [[]],
    'testA', [None], [0], [1, 2, 3], [1, 2, 3, 4], [0.1, 0.2, 0.3, 0.4], [[1, 2, 3, 4, 5, 6]], {}, {'a': 1},
    {'id': 1}, [{}], [{'raw': 'x'}], {'size': [3, 3], 'counts': [9]}, {'size': [48, 64], 'counts': 'abc'}, [-1], [[[]]],
)  # fmt: skip


def nested(depth: int) -> list:
    value: list = []
    for _ in range(depth):
        value = [value]
    return value


def places(content: Any, path: tuple = (), most: int = 6) -> list[tuple]:
    """The paths of all values below ``content``, to a depth of ``most``."""
    if len(path) == most:
        return []
    keys = content if isinstance(content, dict) else range(len(content)) if isinstance(content, list) else ()
    return [found for key in keys for found in ((*path, key), *places(content[key], (*path, key), most))]


def mutate_values(content: Any, rng: random.Random) -> tuple[Any, tuple, str]:
    """Change one value somewhere in ``content``.

    Returns:
        The changed copy, the path of the value, and what was done to it.
    """
    content = copy.deepcopy(content)
    path = rng.choice(places(content))
    owner = content
    for key in path[:-1]:
        owner = owner[key]
    key, value = path[-1], owner[path[-1]]
    what = rng.choice(('odd', 'odd', 'odd', 'near', 'delete', 'double', 'swap', 'rename', 'wrap', 'deep'))
    if what == 'odd':
        owner[key] = copy.deepcopy(rng.choice(ODD))
    elif what == 'near':
        owner[key] = _near(value, rng)
    elif what == 'delete':
        del owner[key]
    elif what == 'double' and isinstance(owner, list):
        owner.insert(key, copy.deepcopy(value))
    elif what == 'swap':
        other = rng.choice(list(owner) if isinstance(owner, dict) else range(len(owner)))
        owner[key], owner[other] = owner[other], owner[key]
    elif what == 'rename' and isinstance(owner, dict):
        owner[rng.choice((f'{key}s', f'{key}_', key[:-1], 'x'))] = owner.pop(key)
    elif what == 'wrap':
        owner[key] = rng.choice(([value], {'value': value}, str(value)))
    elif what == 'deep':
        owner[key] = nested(rng.choice((3, 70, 250)))
    return content, path, what


def _near(value: Any, rng: random.Random) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return rng.choice(
            (value + 1, value - 1, -value, value * 2, value * 1000, value / 1000, float(value), value + 0.5)
        )
    if isinstance(value, str):
        position = rng.randrange(len(value) + 1)
        return value[:position] + rng.choice(('', 'x', ' ', '\n', 'é', '/', '\t', '\x1b')) + value[position + 1 :]
    if isinstance(value, list):
        return rng.choice((value[::-1], value[1:], value + value, value[:1]))
    return rng.choice(ODD)


def mutate_bytes(content: bytes, rng: random.Random) -> bytes:
    """Flip, remove, add, repeat or cut off bytes."""
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        if not changed:
            break
        start = rng.randrange(len(changed))
        end = min(len(changed), start + rng.choice((1, 1, 2, 4, 16, 200)))
        what = rng.choice(('flip', 'flip', 'set', 'remove', 'add', 'repeat', 'cut', 'zero'))
        if what == 'flip':
            changed[start] ^= 1 << rng.randrange(8)
        elif what == 'set':
            changed[start] = rng.randrange(256)
        elif what == 'remove':
            del changed[start:end]
        elif what == 'add':
            changed[start:start] = rng.randbytes(end - start)
        elif what == 'repeat':
            changed[start:start] = changed[start:end]
        elif what == 'cut':
            del changed[start:]
        elif what == 'zero':
            changed[start:end] = bytes(end - start)
    return bytes(changed)


def read_values(file: Path) -> Any:
    """The content of a JSON file, a file of JSON lines (as a list) or a pickle; None for other files."""
    if file.suffix == '.json':
        return json.loads(file.read_text())
    if file.suffix == '.jsonl':
        return [json.loads(line) for line in file.read_text().splitlines()]
    if file.suffix in ('.p', '.obj'):
        return pickle.loads(file.read_bytes())
    return None


def write_values(file: Path, content: Any) -> None:
    """Write what :func:`read_values` read, changed or not."""
    if file.suffix == '.jsonl':
        file.write_text(''.join(json.dumps(line) + '\n' for line in content))
    elif file.suffix == '.json':
        file.write_text(json.dumps(content))
    else:
        file.write_bytes(pickle.dumps(content, 2))
