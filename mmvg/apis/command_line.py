"""What the command-line tools share: how a mistake of the user ends."""

import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator

from mmengine.config.utils import ConfigParsingError

#: Set it to anything to see where an error came from.
DEBUG_VARIABLE = 'MMVG_DEBUG'


def run_command(main: Callable[[], None]) -> None:
    """Run ``main``; a mistake of the user ends with its message and exit code 2 instead of a traceback.

    Such mistakes are files that cannot be opened, configs that cannot be parsed, and every ``ValueError`` that mmvg
    itself raises: about configs, data and checkpoints. With ``MMVG_DEBUG`` set, the traceback is shown for those too.
    """
    try:
        main()
    except (ConfigParsingError, OSError, ValueError) as error:
        if os.environ.get(DEBUG_VARIABLE) or not is_explained(error):
            raise
        print(f'\n{_message(error)}\n({DEBUG_VARIABLE}=1 shows where this came from)', file=sys.stderr)
        sys.exit(2)


def is_explained(error: BaseException) -> bool:
    """Whether the message was written for users: by the operating system, the config parser, or mmvg."""
    if isinstance(error, (OSError, ConfigParsingError)):
        return True
    return any(_comes_from_mmvg(cause) for cause in _chain(error))


def _comes_from_mmvg(error: BaseException) -> bool:
    if type(error).__module__.split('.')[0] == 'mmvg':
        return True
    if _in_worker(error):  # the traceback is part of the message
        files = re.findall(r'^ *File "([^"]+)", line', str(error), re.MULTILINE)
        return bool(files) and os.path.dirname(os.path.dirname(__file__)) in files[-1]
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    return bool(frames) and frames[-1].f_globals.get('__name__', '').split('.')[0] == 'mmvg'


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _in_worker(error: BaseException) -> bool:
    return str(error).startswith('Caught ') and 'DataLoader worker' in str(error)


def _message(error: BaseException) -> str:
    """Type and text; of an error in a worker of a DataLoader only what stands after its traceback."""
    if _in_worker(error) and (ends := list(re.finditer(r'^[\w.]+(?:Error|Exception): ', str(error), re.MULTILINE))):
        return str(error)[ends[-1].start() :].strip()
    return f'{type(error).__name__}: {error}'
