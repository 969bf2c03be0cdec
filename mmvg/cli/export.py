"""``mmvg export``: a checkpoint becomes a model folder, and is published if asked."""

import json
from pathlib import Path
from typing import Annotated

import typer

from mmvg.cli.arguments import ModelOption, TrustOption


def export(
    checkpoint: Annotated[str, typer.Argument(help='A checkpoint, the folder of a training, or a model folder.')],
    folder: Annotated[Path, typer.Argument(help='Where to write; it is made.')],
    config: ModelOption = None,
    half: Annotated[bool, typer.Option('--half', help='Write the weights in 16 bits: half as large.')] = False,
    name: Annotated[str | None, typer.Option(help='Of the model; default: that of the folder.')] = None,
    scores: Annotated[
        Path | None, typer.Option(metavar='JSON', help='Scores for the model card, as mmvg score --out writes them.')
    ] = None,
    license: Annotated[str | None, typer.Option(help='Of the weights, such as apache-2.0, for the card.')] = None,
    push: Annotated[
        str | None, typer.Option(metavar='USER/NAME', help='Upload the folder to the Hugging Face hub.')
    ] = None,
    private: Annotated[bool, typer.Option('--private', help='Make a new repository on the hub a private one.')] = False,
    trust_config: TrustOption = False,
) -> None:
    """Write a model folder that answers on any machine.

    mmvg export work_dirs/instancevg_refshapes/iter_1200.pth models/rings --half

    It holds weights (safetensors), config as data, vocabulary and a model card; mmvg demo and mmvg test take it in
    place of a checkpoint. Nothing is uploaded without --push.
    """
    numbers = None if scores is None else read_scores(scores)

    from mmvg.apis import GroundingInferencer
    from mmvg.apis.model_hub import HUB, push_folder

    model, weights = (config, checkpoint) if config else (checkpoint, None)
    find = GroundingInferencer(model, weights, device='cpu', trust_config=trust_config)
    place = None if push is None else f'{HUB}{push.removeprefix(HUB)}'
    find.save_pretrained(folder, half, name, numbers, license, place)
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(f'{folder}: {", ".join(sorted(file.name for file in folder.iterdir()))} ({size / 1e6:.1f} MB)')
    if push is not None:
        print(f'uploaded: {push_folder(folder, push, private or None)}')


def read_scores(path: Path) -> dict[str, float]:
    """Read metrics and their numbers.

    Raises:
        ValueError: If the file is something else.
    """
    try:
        scores = json.loads(path.read_text(encoding='utf-8'))
    except ValueError as error:
        raise ValueError(f'--scores {path}: is no JSON ({error})') from error
    if not isinstance(scores, dict) or not all(type(value) in (int, float) for value in scores.values()):
        raise ValueError(f'--scores {path}: must be an object of numbers, {{"gres/gIoU": 66.1}}')
    return scores
