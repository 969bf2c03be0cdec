"""``mmvg train`` and ``mmvg test``."""

import os
from typing import Annotated

import typer

from mmvg.cli.arguments import (
    CfgOptions,
    ConfigArgument,
    Launcher,
    LauncherOption,
    LocalRankOption,
    WorkDirOption,
    parse_options,
)


def train(
    config: ConfigArgument,
    work_dir: WorkDirOption = None,
    resume: Annotated[
        str | None,
        typer.Option(
            metavar='[PATH]', help='Go on from this checkpoint; without a path, from the latest in the work dir.'
        ),
    ] = None,
    amp: Annotated[
        str | None,
        typer.Option(metavar='[bf16|fp16]', help='Automatic mixed precision; bf16 by default, fp16 needs a GPU.'),
    ] = None,
    cfg_options: CfgOptions = None,
    launcher: LauncherOption = Launcher.none,
    local_rank: LocalRankOption = 0,
) -> None:
    """Train a model.

    mmvg train instancevg/refshapes
    """
    from mmvg import apis

    os.environ.setdefault('LOCAL_RANK', str(local_rank))
    cfg = apis.load_config(config, parse_options(cfg_options), work_dir, launcher.value)
    if amp is not None:
        apis.use_amp(cfg, amp)
    if resume is not None:
        cfg.resume = True
        cfg.load_from = None if resume == 'auto' else resume
    apis.train(cfg)


def evaluate(
    config: ConfigArgument,
    checkpoint: Annotated[
        str | None,
        typer.Argument(
            help='Weights that fit the model key by key (.pth, .safetensors or a model folder); none for models that '
            'bring theirs.'
        ),
    ] = None,
    work_dir: WorkDirOption = None,
    out: Annotated[str | None, typer.Option(metavar='JSON', help='Write every prediction to this file.')] = None,
    show_dir: Annotated[
        str | None, typer.Option(metavar='DIR', help='Draw predictions beside the ground truth into this folder.')
    ] = None,
    cfg_options: CfgOptions = None,
    launcher: LauncherOption = Launcher.none,
    local_rank: LocalRankOption = 0,
) -> None:
    """Score a checkpoint on the test split of a config.

    mmvg test instancevg/refshapes work_dirs/instancevg_refshapes/iter_1200.pth
    """
    from mmvg import apis

    os.environ.setdefault('LOCAL_RANK', str(local_rank))
    cfg = apis.load_config(config, parse_options(cfg_options), work_dir, launcher.value)
    apis.evaluate(cfg, None if checkpoint == 'none' else checkpoint, out=out, show_dir=show_dir)
