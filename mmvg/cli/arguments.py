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
        if word.startswith('--'):
            several = word if word in SEVERAL else None
            result.append(word)
            following = words[number + 1] if number + 1 < len(words) else '--'
            if word in OPTIONAL and following.startswith('-') and words[0] != 'convert':  # whose --ema takes no value
                result.append(OPTIONAL[word])
        elif several and result[-1] != several:
            result += [several, word]
        else:
            result.append(word)
    return result


def parse_options(words: Sequence[str] | None) -> dict[str, Any] | None:
    """Turn ``KEY=VALUE`` words into a dict, with MMEngine's rules for numbers, lists and tuples.

    Raises:
        typer.BadParameter: If a word has no ``=``.
    """
    from argparse import ArgumentParser

    from mmengine.config import DictAction

    if not words:
        return None
    for word in words:
        if '=' not in word:
            raise typer.BadParameter(f'{word!r} is not KEY=VALUE', param_hint='--cfg-options')
    parser = ArgumentParser()
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    return parser.parse_args(['--cfg-options', *words]).cfg_options


def model_and_weights(config: str | None, checkpoint: str | None) -> tuple[str, str | None]:
    """Return what :class:`mmvg.apis.GroundingInferencer` takes first and second.

    Raises:
        typer.BadParameter: If both are missing.
    """
    if not config and not checkpoint:
        raise typer.BadParameter('give --checkpoint, --config, or both')
    return (config, checkpoint) if config else (checkpoint, None)
