"""``mmvg models``, ``mmvg config``, ``mmvg flops`` and ``mmvg convert``."""

from pathlib import Path
from typing import Annotated

import typer

from mmvg.cli.arguments import CfgOptions, ConfigArgument, parse_options


def models(
    words: Annotated[
        list[str] | None, typer.Argument(metavar='[WORD]...', help='Parts that the name must have.')
    ] = None,
) -> None:
    """List the models of the index with their results.

    Words choose those whose name has them: mmvg models grefcoco
    """
    from mmvg.apis.model_index import model_index

    for name, entry in model_index().items():
        if all(word in name for word in words or ()):
            print(f'{name}  {entry["Config"]}')
            for result in entry.get('Results', []):
                scores = ', '.join(f'{key} {value}' for key, value in result['Metrics'].items())
                print(f'    {result["Dataset"]} ({result["Source"]}): {scores}')


def config(
    name: Annotated[str | None, typer.Argument(help='Such as instancevg/grefcoco; without it, all names.')] = None,
    out: Annotated[Path | None, typer.Option(metavar='FILE', help='Where to write the copy (.py).')] = None,
    force: Annotated[bool, typer.Option('--force', help='Replace the file if it is there.')] = False,
) -> None:
    """Copy a config to edit, or list all.

    The copy goes on inheriting from those that come with mmvg, so that it stays as short as it is. Without --out it is
    printed: mmvg config instancevg/grefcoco --out my.py
    """
    from mmvg.config.library import config_names, portable_source

    if name is None:
        print('\n'.join(config_names()))
        return
    source = portable_source(name)
    if out is None:
        print(source, end='')
        return
    if out.suffix != '.py':
        raise ValueError(f'--out {out}: a config is a Python file, whose name ends in .py')
    if out.exists() and not force:
        raise ValueError(f'--out {out}: is there already; --force replaces it')
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(source, encoding='utf-8')
    print(f'{out}: a copy of {name}')


def flops(config: ConfigArgument, cfg_options: CfgOptions = None) -> None:
    """Count parameters and multiply-accumulates, part by part.

    For one image and text of the size that the test pipeline makes; of an InstanceVG also in the counting of Table 16
    of its paper. No weights and no data are needed: mmvg flops instancevg/grefcoco
    """
    from mmvg.apis import load_config

    cfg = load_config(config, parse_options(cfg_options))
    from mmvg.analysis.complexity import build_blank, dummy_inputs, training_complexity, true_complexity
    from mmvg.analysis.table16 import has_table16_parts, table16_complexity

    model, inputs = build_blank(cfg), dummy_inputs(cfg)
    size = f'image {"x".join(map(str, inputs["images"].shape[2:]))}, {inputs["input_ids"].shape[1]} tokens'
    _print_costs(f'Learnable parameters, matrix products and convolutions ({size})', true_complexity(model, inputs))
    if len(model.aux_heads):
        _print_costs(f'Training adds, in the forward pass ({size})', training_complexity(model, inputs))
    if has_table16_parts(model):
        title = f'As Table 16 of InstanceVG counts: steps between rounded sums ({size})'
        _print_costs(title, table16_complexity(model, inputs), increments=True)


def _print_costs(title: str, rows: list, increments: bool = False) -> None:
    from rich.console import Console
    from rich.table import Table

    from mmvg.analysis.complexity import total
    from mmvg.analysis.table16 import rounded_steps

    totals = total(rows)
    columns = [
        [f'{row.parameters:,}' for row in (*rows, totals)],
        [f'{row.parameters / 1e6:.2f}' for row in (*rows, totals)],
        [f'{row.macs / 1e9:.2f}' for row in (*rows, totals)],
    ]
    if increments:
        columns[1][:-1] = rounded_steps([row.parameters for row in rows], 1e6)
        columns[2][:-1] = rounded_steps([row.macs for row in rows], 1e9)
    headers = ['parameters', 'M', 'GMACs']
    if totals.frozen:
        headers += ['frozen', 'with frozen, M']
        columns.append([f'{row.frozen:,}' for row in (*rows, totals)])
        columns.append([f'{(row.parameters + row.frozen) / 1e6:.2f}' for row in (*rows, totals)])
    table = Table('part')
    for header in headers:
        table.add_column(header, justify='right')
    for row, *cells in zip((*rows, totals), *columns, strict=True):
        if row is totals:
            table.add_section()
        table.add_row(row.part, *cells)
    console = Console()
    console.print(title)
    console.print(table)


def convert(
    source: Annotated[
        str,
        typer.Argument(
            metavar='SRC', help='Released weights: of BEiT-3 (.pth or .zip), InstanceVG, SimVG, LAVT, MagNet or ReLA.'
        ),
    ],
    target: Annotated[str, typer.Argument(metavar='DST', help='Where to write: .pth or .safetensors.')],
    img_size: Annotated[
        int | None, typer.Option(help='Resize the image positions of a BEiT-3 for squares of this many pixels.')
    ] = None,
    ema: Annotated[
        bool, typer.Option('--ema', help='Take the averaged weights of an InstanceVG or SimVG file.')
    ] = False,
) -> None:
    """Convert the released weights of BEiT-3, InstanceVG, SimVG, LAVT, MagNet or ReLA to our names.

    Whose they are is seen from their names. What comes of BEiT-3 is for model.backbone.checkpoint (which reads
    Microsoft's file as well); what comes of a whole system is for mmvg test and load_from.
    """
    if not target.endswith(('.pth', '.safetensors')):
        raise typer.BadParameter(f'{target}: the name must end in .pth or .safetensors')
    from mmvg.weights.checkpoint import save_weights
    from mmvg.weights.conversion import convert_checkpoint

    state, meta = convert_checkpoint(source, img_size, ema)
    save_weights(state, target, meta)
    numbers = sum(value.numel() for value in state.values())
    print(f'{target}: {len(state)} tensors, {numbers:,} numbers ({meta["layout"]} layout)')
    print(f'without effect, and left out: {meta["dropped"] or "nothing"}')
    if meta.get('arguments'):
        print(f'trained with: {meta["arguments"]}')
