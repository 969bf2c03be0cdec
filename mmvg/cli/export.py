"""``mmvg export``: a model becomes a folder to publish, or graphs that other programs run."""

import json
from enum import Enum
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from mmvg.cli.arguments import ModelOption, TrustOption


class Form(str, Enum):
    """What is written."""

    folder = 'folder'
    torch = 'torch'
    onnx = 'onnx'
    openvino = 'openvino'


#: Libraries that a form needs besides PyTorch.
_NEEDS = {Form.onnx: ('onnx', 'onnxscript', 'onnxruntime'), Form.openvino: ('onnx', 'onnxscript', 'openvino')}


def export(
    checkpoint: Annotated[
        str, typer.Argument(help='A checkpoint, the folder of a training, a model folder, or a model that comes along.')
    ],
    folder: Annotated[
        Path | None, typer.Argument(help='Where to write; it is made. Default with --to: exports/NAME_FORM.')
    ] = None,
    to: Annotated[
        Form, typer.Option(help='A model folder; or graphs as programs of PyTorch, as ONNX, or for OpenVINO.')
    ] = Form.folder,
    int8: Annotated[bool, typer.Option('--int8', help='Graphs in whole numbers of 8 bits (onnx, openvino).')] = False,
    whole: Annotated[bool, typer.Option('--whole', help='One graph, also where the towers could have theirs.')] = False,
    samples: Annotated[int, typer.Option(min=1, help='Questions that graph and model are compared on.')] = 32,
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

    mmvg export work_dirs/instancevg_refshapes/iter_1470.pth models/rings --half

    It holds weights (safetensors), config as data, vocabulary and a model card; mmvg demo and mmvg test take it in
    place of a checkpoint. Nothing is uploaded without --push.

    mmvg export instancevg_refshapes --to onnx

    writes graphs with all that is needed to ask them, without PyTorch too, and compares their answers with those of
    the model; mmvg demo takes the folder in place of a checkpoint.
    """
    from mmvg.export.folder import is_exported

    if is_exported(checkpoint):
        raise ValueError(f'{checkpoint}: is an exported model already; give the checkpoint that it was made of')
    if to is not Form.folder:
        if half or push or private or name or scores or license:
            raise typer.BadParameter('--half, --name, --scores, --license, --push and --private are for model folders')
        _export_graphs(checkpoint, folder, config, to, int8, whole, samples, trust_config)
        return
    if int8 or whole:
        raise typer.BadParameter('--int8 and --whole are for graphs; say --to onnx or --to openvino')
    if folder is None:
        raise typer.BadParameter('name the folder to write')
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


def _export_graphs(
    checkpoint: str,
    folder: Path | None,
    config: str | None,
    to: Form,
    int8: bool,
    whole: bool,
    samples: int,
    trust_config: bool,
) -> None:
    if int8 and to is Form.torch:
        raise typer.BadParameter('--int8 is for --to onnx and --to openvino')
    needed = (*_NEEDS.get(to, ()), *(('onnxruntime',) if int8 else ()))
    if missing := [library for library in needed if find_spec(library) is None]:
        raise ModuleNotFoundError(f'{missing[0]} is not installed', name=missing[0])

    from mmvg.apis import GroundingInferencer
    from mmvg.apis.export_model import export_model
    from mmvg.apis.parity import parity_table

    if folder is None:
        folder = Path('exports') / f'{Path(checkpoint).stem}_{to.value}{"_int8" if int8 else ""}'
    model, weights = (config, checkpoint) if config else (checkpoint, None)
    find = GroundingInferencer(model, weights, device='cpu', trust_config=trust_config)
    report = export_model(find, folder, to.value, int8, samples, whole)
    files = sorted(folder.iterdir())
    size = sum(file.stat().st_size for file in files)
    print(f'{folder}: {", ".join(file.name for file in files)} ({size / 1e6:.1f} MB)')
    print(parity_table(report))


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
