"""``mmvg calibrate``: make the scores of a model probabilities."""

from pathlib import Path
from typing import Annotated

import typer

from mmvg.cli.arguments import CfgOptions, ConfigArgument, parse_options


def calibrate(
    config: ConfigArgument,
    predictions: Annotated[Path, typer.Argument(help='Answers to validation data, written by mmvg test --out.')],
    checkpoint: Annotated[
        Path | None,
        typer.Option(help='The weights that answered, a file or a model folder: kept beside them.'),
    ] = None,
    threshold: Annotated[float, typer.Option(help='IoU from which the best box is right.')] = 0.5,
    cfg_options: CfgOptions = None,
) -> None:
    """Fit a temperature on validation answers and keep it with the weights.

    mmvg test CONFIG CHECKPOINT --out val.json --cfg-options test_dataloader.dataset.split=val

    mmvg calibrate CONFIG val.json --checkpoint CHECKPOINT --cfg-options test_dataloader.dataset.split=val

    Whoever loads the checkpoint then (mmvg demo, the page, GroundingInferencer) gets calibrated scores; tests and
    metrics do not, for published numbers are made without.
    """
    from mmvg.apis import load_config
    from mmvg.apis.calibrate import fit_calibration

    cfg = load_config(config, parse_options(cfg_options))
    found = fit_calibration(cfg, predictions, threshold)
    split = str(cfg.test_dataloader.dataset.get('split', ''))
    if 'test' in split.lower():
        print(f'note: these are answers to {split}; scores on data that a temperature was fitted on say nothing')
    for name, value, error in (('target', found.target, 'ECE_target'), ('boxes', found.boxes, 'ECE_box')):
        if value is None:
            print(f'{name}: not fitted, the model gives no such score or the truth is all alike')
            continue
        before, after = found.fitted[error]
        print(f'{name}: temperature {value:.4f}, {error} {before:.2f} -> {after:.2f} on {found.fitted["expressions"]}')
    if checkpoint is not None:
        from mmvg.weights.calibration import write_calibration

        print(f'it is in {write_calibration(checkpoint, found)}')
