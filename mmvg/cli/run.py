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

AmpOption = Annotated[
    str | None,
    typer.Option(metavar='[bf16|fp16]', help='Automatic mixed precision; bf16 by default, fp16 needs a GPU.'),
]
CompileOption = Annotated[
    str | None, typer.Option(metavar='[BACKEND]', help='torch.compile for encoders and necks; inductor by default.')
]
ChannelsLastOption = Annotated[bool, typer.Option('--channels-last', help='Keep channels innermost in memory.')]


def train(
    config: ConfigArgument,
    work_dir: WorkDirOption = None,
    resume: Annotated[
        str | None,
        typer.Option(
            metavar='[PATH]', help='Go on from this checkpoint; without a path, from the latest in the work dir.'
        ),
    ] = None,
    amp: AmpOption = None,
    compile: CompileOption = None,
    channels_last: ChannelsLastOption = False,
    fused: Annotated[bool, typer.Option('--fused', help='Update all weights in one kernel.')] = False,
    checkpoint_activations: Annotated[
        bool, typer.Option('--checkpoint-activations', help='Less memory: compute the blocks of encoders twice.')
    ] = False,
    accumulate: Annotated[
        int | None, typer.Option(metavar='N', help='Update the weights after every N batches, by their mean gradient.')
    ] = None,
    ema: Annotated[
        float | None,
        typer.Option(metavar='[SHARE]', help='Average the weights; SHARE, 0.0002 by default, is of the newest.'),
    ] = None,
    auto_scale_lr: Annotated[
        bool, typer.Option('--auto-scale-lr', help='Scale learning rates by the samples of an update.')
    ] = False,
    expressions_per_image: Annotated[
        int | None, typer.Option(metavar='K', help='Up to K expressions of an image in a batch, which share its tower.')
    ] = None,
    fsdp: Annotated[
        bool, typer.Option('--fsdp', help='Divide weights and optimizer among the processes, instead of copies.')
    ] = False,
    freeze: Annotated[
        list[str] | None,
        typer.Option(metavar='PART...', help='Do not train image, text, or what is called so, such as neck.fusion.'),
    ] = None,
    fresh: Annotated[
        list[str] | None,
        typer.Option(metavar='PART...', help='Take the rest from load_from; these, such as head, start anew.'),
    ] = None,
    lora: Annotated[
        int | None, typer.Option(metavar='RANK', help='Train low-rank changes of the encoders, and nothing else.')
    ] = None,
    lora_targets: Annotated[
        list[str] | None, typer.Option(metavar='LAYER...', help='Train changes of these instead, such as *.query.')
    ] = None,
    lora_trained: Annotated[
        list[str] | None, typer.Option(metavar='PART...', help='Train these whole besides, such as head.')
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
    modes = apis.Modes(
        amp=amp,
        compile=compile,
        channels_last=channels_last,
        fused=fused,
        checkpoint_activations=checkpoint_activations,
        accumulate=accumulate,
        ema=ema,
        auto_scale_lr=auto_scale_lr,
        expressions_per_image=expressions_per_image,
        fsdp=fsdp,
        freeze=freeze,
        fresh=fresh,
        lora=lora,
        lora_targets=lora_targets,
        lora_trained=lora_trained,
    )
    modes.apply(cfg)
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
    amp: AmpOption = None,
    compile: CompileOption = None,
    channels_last: ChannelsLastOption = False,
    adapters: Annotated[
        str | None, typer.Option(metavar='FILE', help='Add the adapters of a training with --lora to the weights.')
    ] = None,
    cfg_options: CfgOptions = None,
    launcher: LauncherOption = Launcher.none,
    local_rank: LocalRankOption = 0,
) -> None:
    """Score a checkpoint on the test split of a config.

    mmvg test instancevg/refshapes work_dirs/instancevg_refshapes/iter_1470.pth
    """
    from mmvg import apis

    os.environ.setdefault('LOCAL_RANK', str(local_rank))
    cfg = apis.load_config(config, parse_options(cfg_options), work_dir, launcher.value)
    if amp is not None:
        apis.use_amp_in_tests(cfg, amp)
    if adapters is not None:
        apis.use_adapters(cfg, adapters)
    apis.Modes(compile=compile, channels_last=channels_last).apply(cfg)
    apis.evaluate(cfg, None if checkpoint == 'none' else checkpoint, out=out, show_dir=show_dir)
