"""What several commands take, and the two forms of an option that Click does not know."""

from collections.abc import Sequence
from enum import Enum
from typing import Annotated, Any

import typer

#: Options that take all words that follow: ``--cfg-options a=1 b=2``, as OpenMMLab's tools do.
SEVERAL = (
    '--cfg-options',
    '--formats',
    '--freeze',
    '--fresh',
    '--keys',
    '--layers',
    '--lora-targets',
    '--lora-trained',
    '--metrics',
    '--objects',
    '--samples',
    '--splits',
)
#: Commands that take one word with an option of those.
_SINGLE = {('export', '--samples')}
#: Options whose value may be left out -> what that means.
OPTIONAL = {'--resume': 'auto', '--amp': 'bf16', '--ray': 'local', '--compile': 'inductor', '--ema': '0.0002'}


class Launcher(str, Enum):
    """Who starts the processes."""

    none = 'none'
    pytorch = 'pytorch'
    slurm = 'slurm'
    mpi = 'mpi'


ConfigArgument = Annotated[
    str, typer.Argument(help='A config: a file in Python, or a name such as instancevg/refshapes.')
]
WorkDirOption = Annotated[
    str | None, typer.Option(help='Where logs and checkpoints go; default: work_dirs/<paper>_<name>.')
]
CfgOptions = Annotated[
    list[str] | None,
    typer.Option(
        metavar='KEY=VALUE...', help='Change the config, such as train_dataloader.batch_size=4; keys are checked.'
    ),
]
LauncherOption = Annotated[Launcher, typer.Option(help='Who has started the processes.')]
LocalRankOption = Annotated[int, typer.Option('--local-rank', '--local_rank', hidden=True)]
DeviceOption = Annotated[str | None, typer.Option(help='Such as cpu or cuda:0; default: a GPU if there is one.')]
ModelOption = Annotated[
    str | None,
    typer.Option('--config', help='A config or a name of `mmvg models`; not needed if the checkpoint carries it.'),
]
CheckpointOption = Annotated[
    str | None, typer.Option(help='Weights (.pth or .safetensors), a model folder, or hf://user/name to download one.')
]
TrustOption = Annotated[
    bool,
    typer.Option(
        '--trust-config', help='Run the config that the checkpoint carries as a program: only if you trust its author.'
    ),
]


class Backend(str, Enum):
    """What runs an exported model."""

    onnxruntime = 'onnxruntime'
    openvino = 'openvino'
    torch = 'torch'


BackendOption = Annotated[
    Backend | None,
    typer.Option(help='What runs an exported model (mmvg export --to); default: what it was exported for.'),
]
ThresholdOption = Annotated[
    float | None, typer.Option('--score-thr', help='What scores more is there; default: the config.')
]
ExpressionsArgument = Annotated[list[str], typer.Argument(help='What to look for; several are allowed.')]


def normalise(words: Sequence[str]) -> list[str]:
    """Rewrite the command line so that Click reads it.

    >>> normalise(['train', 'x.py', '--cfg-options', 'a=1', 'b=2', '--resume', '--amp'])
    ['train', 'x.py', '--cfg-options', 'a=1', '--cfg-options', 'b=2', '--resume', 'auto', '--amp', 'bf16']
    """
    result: list[str] = []
    several = None
    for number, word in enumerate(words):
        if word == '--':  # what follows are no options
            return [*result, *words[number:]]
        if word.startswith('--'):
            several = word if word in SEVERAL and (words[0], word) not in _SINGLE else None
            result.append(word)
            following = words[number + 1] if number + 1 < len(words) else '--'
            if word in OPTIONAL and following.startswith('-') and words[0] != 'convert':  # whose --ema takes no value
                result.append(OPTIONAL[word])
        elif several and result[-1] != several and word != '-h':
            result += [several, word]
        else:
            result.append(word)
    return result


def parse_options(words: Sequence[str] | None) -> dict[str, Any] | None:
    """Turn ``KEY=VALUE`` words into a dict, with MMEngine's rules for numbers, lists and tuples.

    Text with spaces stays as it is, where MMEngine would take the spaces out.

    Raises:
        typer.BadParameter: If a word has no ``=``, or a bracket that is not closed.

    Example:
        >>> parse_options(['size=480', 'model.head=None', 'out=(1, 2)', 'data_root=my data'])
        {'size': 480, 'model.head': None, 'out': (1, 2), 'data_root': 'my data'}
    """
    from argparse import ArgumentParser

    from mmengine.config import DictAction

    if not words:
        return None
    found: dict[str, Any] = {}
    parser = ArgumentParser()
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    for word in words:
        key, equals, value = word.partition('=')
        if not equals or not key:
            raise typer.BadParameter(f'{word!r} is not KEY=VALUE', param_hint='--cfg-options')
        if ' ' in value.strip() and not any(sign in value for sign in ',()[]'):
            found[key] = value
            continue
        try:
            found |= parser.parse_args([f'--cfg-options={word}']).cfg_options
        except AssertionError as error:
            raise typer.BadParameter(f'{word}: {error}', param_hint='--cfg-options') from error
    return found


def model_and_weights(config: str | None, checkpoint: str | None) -> tuple[str, str | None]:
    """Return what :class:`mmvg.apis.GroundingInferencer` takes first and second.

    Raises:
        typer.BadParameter: If both are missing.
    """
    if not config and not checkpoint:
        raise typer.BadParameter('give --checkpoint, --config, or both')
    return (config, checkpoint) if config else (checkpoint, None)
