"""What the command-line tools share: how a mistake of the user ends."""

import os
import re
import sys
import traceback
from collections.abc import Callable

from mmvg.error_chain import error_chain

#: Set it to anything to see where an error came from.
DEBUG_VARIABLE = 'MMVG_DEBUG'

#: What the light core of mmvg does without, and the extra that brings it.
EXTRAS = {
    'train': ('torch', 'torchvision', 'mmengine', 'mmcv', 'mmdet', 'mmseg', 'transformers', 'timm', 'open_clip'),
    'grasps': ('cv2',),
    'ros': ('rosbags',),
    'sim': ('mujoco', 'mink', 'qpsolvers', 'daqp', 'imageio', 'imageio_ffmpeg', 'mujoco_menagerie'),
    'web': ('gradio',),
    'label': ('pyarrow',),
    'ray': ('ray',),
    'serve': ('fastapi', 'starlette', 'pydantic', 'uvicorn', 'multipart', 'python_multipart', 'prometheus_client'),
    'export': ('onnx', 'onnxscript', 'onnxruntime', 'openvino'),
}


def run_command(main: Callable[[], None]) -> None:
    """Run ``main``; a mistake of the user ends with its message and exit code 2 instead of a traceback.

    Such mistakes are files that cannot be opened, configs that cannot be parsed, and every ``ValueError`` that mmvg
    itself raises: about configs, data and checkpoints; and a command that needs more than is installed. With
    ``MMVG_DEBUG`` set, the traceback is shown for those too. A run that cannot go on brings an exit code of its own.
    """
    try:
        main()
    except _run_errors() as error:
        if os.environ.get(DEBUG_VARIABLE):
            raise
        print(f'\n{_message(error)}', file=sys.stderr)
        sys.exit(error.exit_code)
    except (*_config_errors(), ImportError, OSError, ValueError) as error:
        if os.environ.get(DEBUG_VARIABLE) or not is_explained(error):
            raise
        print(f'\n{_message(error)}\n({DEBUG_VARIABLE}=1 shows where this came from)', file=sys.stderr)
        sys.exit(2)


def is_explained(error: BaseException) -> bool:
    """Whether the message was written for users: by the operating system, the config parser, or mmvg."""
    if isinstance(error, ImportError):
        return missing_extra(error) is not None
    if isinstance(error, (OSError, *_config_errors())):
        return True
    return any(_comes_from_mmvg(cause) for cause in error_chain(error))


def missing_extra(error: ImportError) -> str | None:
    """Return the extra of mmvg that brings the package that an import did not find; None if it is none of those.

    Example:
        >>> missing_extra(ModuleNotFoundError("No module named 'torch'", name='torch'))
        'train'
    """
    package = (error.name or '').split('.')[0]
    return next((extra for extra, packages in EXTRAS.items() if package in packages), None)


def _config_errors() -> tuple[type[Exception], ...]:
    """MMEngine's error about configs, which nothing can have raised before its module was imported."""
    module = sys.modules.get('mmengine.config.utils')
    return () if module is None else (module.ConfigParsingError,)


def _run_errors() -> tuple[type[Exception], ...]:
    """What ends a training, a test or a labelling, which nothing can have raised before its module was imported."""
    places = (('mmvg.engine.errors', 'RunError'), ('mmvg.labelling.worker', 'LabelError'))
    return tuple(getattr(sys.modules[module], name) for module, name in places if module in sys.modules)


def _comes_from_mmvg(error: BaseException) -> bool:
    if type(error).__module__.split('.')[0] == 'mmvg':
        return True
    if _in_worker(error):  # the traceback is part of the message
        files = re.findall(r'^ *File "([^"]+)", line', str(error), re.MULTILINE)
        return bool(files) and os.path.dirname(os.path.dirname(__file__)) in files[-1]
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    return bool(frames) and frames[-1].f_globals.get('__name__', '').split('.')[0] == 'mmvg'


def _in_worker(error: BaseException) -> bool:
    return str(error).startswith('Caught ') and 'DataLoader worker' in str(error)


def _message(error: BaseException) -> str:
    """Type and text; of an error in a worker of a DataLoader only what stands after its traceback."""
    if isinstance(error, ImportError) and (extra := missing_extra(error)):
        return f"{error.name} is not installed, which this needs: pip install 'mmvg[{extra}]'"
    if _in_worker(error) and (ends := list(re.finditer(r'^[\w.]+(?:Error|Exception): ', str(error), re.MULTILINE))):
        return str(error)[ends[-1].start() :].strip()
    return f'{type(error).__name__}: {error}'
