"""Parameters and multiply-accumulates of a model, part by part: ``python tools/analysis_tools/get_flops.py CONFIG``.

For one image and text of the size that the test pipeline makes. Of an InstanceVG also in the counting of the paper's
Table 16. No weights and no data are needed.
"""

import argparse

from mmengine.config import DictAction

from mmvg.apis import load_config, run_command


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='a config in Python')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='change the config, for example model.neck.query_generator.num_queries=1; keys are checked',
    )
    return parser.parse_args()


def print_table(title: str, rows: list, increments: bool = False) -> None:
    from rich.console import Console
    from rich.table import Table

    from mmvg.analysis.complexity import rounded_steps, total

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


def main() -> None:
    args = parse_args()
    cfg = load_config(args.config, args.cfg_options)
    from mmvg.analysis.complexity import (
        build_blank,
        dummy_inputs,
        has_table16_parts,
        table16_complexity,
        training_complexity,
        true_complexity,
    )

    model, inputs = build_blank(cfg), dummy_inputs(cfg)
    size = f'image {"x".join(map(str, inputs["images"].shape[2:]))}, {inputs["input_ids"].shape[1]} tokens'
    print_table(f'Learnable parameters, matrix products and convolutions ({size})', true_complexity(model, inputs))
    if len(model.aux_heads):
        title = f'Training adds, in the forward pass ({size})'
        print_table(title, training_complexity(model, inputs))
    if has_table16_parts(model):
        title = f'As Table 16 of InstanceVG counts: steps between rounded sums ({size})'
        print_table(title, table16_complexity(model, inputs), increments=True)


if __name__ == '__main__':
    run_command(main)
