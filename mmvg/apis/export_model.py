"""Export a model: graphs, and everything that is needed to ask them, in one folder."""

import json
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmvg.apis.drawn_scene import draw_scene_with_questions
from mmvg.apis.inferencer import GroundingInferencer
from mmvg.apis.parity import compare_answers, parity_table
from mmvg.checks import check_choice
from mmvg.config.plain_data import to_data, to_json
from mmvg.datasets.loader_datasets import pipeline_of_loader
from mmvg.datasets.transforms import Tokenize
from mmvg.export.answers import rule_of
from mmvg.export.folder import BACKENDS, MANIFEST, ExportedModel, Part, is_exported, listed_files, write_manifest
from mmvg.export.graphs import SUFFIXES, TRACED, trace, write_graph, write_openvino
from mmvg.export.int8 import quantize
from mmvg.export.parts import ModelPart, has_towers, split_model, tensors_of
from mmvg.export.preparation import Preparation
from mmvg.export.settings import read_preparation, write_vocabulary
from mmvg.version import __version__

#: Drawn pictures on which the ranges of activations are measured; those of the parity report are others.
_EXAMPLES = range(1000, 1012)
_UNFINISHED = '.mmvg_export_'  # begins the names of folders in which exports are written
_LIBRARIES = dict(torch=('torch',), onnx=('torch', 'onnx'), openvino=('torch', 'onnx', 'openvino'))


def export_model(
    find: GroundingInferencer,
    folder: str | Path,
    form: str = 'onnx',
    int8: bool = False,
    samples: int = 32,
    whole: bool = False,
) -> dict[str, Any]:
    """Write a folder from which :class:`mmvg.apis.ExportedInferencer` answers.

    Args:
        find: The model, on the CPU.
        folder: It is made; an exported model in it is replaced when the new one is whole, other files stay.
        form: ``'torch'``, a program of ``torch.export`` (.pt2); ``'onnx'``; or ``'openvino'``.
        int8: Whole numbers of 8 bits in place of weights and activations; for ONNX and OpenVINO.
        samples: Questions about drawn pictures (RefShapes) whose answers are compared with those of the model.
        whole: Write one graph even where the towers could have their own.

    Returns:
        The parity report, see :func:`mmvg.apis.parity.compare_answers`.

    Raises:
        FileExistsError: If there is something in the folder, and no exported model.
        ModuleNotFoundError: If a library of the extra ``export`` is not installed.
        ValueError: If the model cannot be exported, or ``int8`` is asked for programs of PyTorch.
    """
    check_choice('form', form, tuple(BACKENDS))
    if int8 and form == 'torch':
        raise ValueError('int8 is for onnx and openvino; a program of PyTorch keeps its numbers')
    rule = rule_of(find.model.head)
    preparation = read_preparation(find.pipeline.transforms, find.model.data_preprocessor)
    folder = _made(folder)
    with TemporaryDirectory(prefix=_UNFINISHED, dir=folder) as place:
        new = Path(place)
        preparation = replace(preparation, vocabulary=_write_vocabulary(find, new))
        config = {key: value for key, value in to_data(find.cfg).items() if key in ('model', 'test_dataloader')}
        (new / 'config.json').write_text(to_json(config, indent=2) + '\n', encoding='utf-8')
        parts = _write_graphs(find, preparation, new, form, int8, whole)
        temperatures = find.calibration
        exported = ExportedModel(
            form,
            int8,
            parts,
            preparation.to_data(),
            dict(rule.to_data(), score_thr=find.score_thr),
            {} if temperatures is None else dict(target=temperatures.target, boxes=temperatures.boxes),
            written_by=dict(mmvg=__version__) | {name: version(name) for name in _LIBRARIES[form]},
            folder=new,
        )
        write_manifest(exported)
        report = compare_answers(find, new, samples)
        (new / 'parity.json').write_text(json.dumps(report, indent=2) + '\n', encoding='utf-8')
        (new / 'parity.txt').write_text(parity_table(report) + '\n', encoding='utf-8')
        write_manifest(exported)
        _replace_export(folder, new)
    return report


def _made(folder: str | Path) -> Path:
    """Return a folder that is there, and empty or an exported model; what a killed export left in it goes."""
    folder = Path(folder).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(f'{_UNFINISHED}*'):
        rmtree(left, ignore_errors=True)
    there = sorted(folder.iterdir())
    if there and not is_exported(folder):
        raise FileExistsError(f'{folder}: holds {there[0].name} and no exported model; name a new folder')
    return folder


def _replace_export(folder: Path, new: Path) -> None:
    """Move a new export to its place; of an older one, files that the new one has not go."""
    old = listed_files(folder)
    names = {path.name for path in new.iterdir()}
    for name in sorted(names, key=lambda name: name == MANIFEST):  # the manifest last
        (new / name).replace(folder / name)
    for name in old - names:
        (folder / name).unlink(missing_ok=True)


def _write_vocabulary(find: GroundingInferencer, folder: Path) -> str:
    built = next(step for step in find.pipeline.transforms if isinstance(step, Tokenize))
    steps = pipeline_of_loader(find.cfg, 'test')
    config = next(step.tokenizer for step in steps if 'tokenizer' in step)
    return write_vocabulary(built.tokenizer, config, find._source.text_files, folder)


def _write_graphs(
    find: GroundingInferencer, preparation: Preparation, folder: Path, form: str, int8: bool, whole: bool
) -> dict[str, Part]:
    model = find.model.eval()
    examples = list(_batches(preparation, folder, _EXAMPLES if int8 else _EXAMPLES[:1]))
    towers = has_towers(model) and not whole
    with torch.no_grad():
        num_maps = len(model.backbone.encode_images(examples[0]['images'])) if towers else None
    written = {}
    for name, part in split_model(model, num_maps).items():
        program, outputs = trace(part, examples[0])
        if form == 'torch':
            written[name] = write_graph(program, part, outputs, folder / f'{name}{SUFFIXES[form]}')
            _go_on(part, examples)
            continue
        with TemporaryDirectory(prefix='mmvg_') as place:
            onnx = Path(place if form == 'openvino' else folder) / f'{name}{SUFFIXES["onnx"]}'
            written[name] = write_graph(program, part, outputs, onnx)
            if int8:
                quantize(onnx, [{key: batch[key].numpy() for key in part.inputs} for batch in examples])
            if form == 'openvino':
                written[name] = replace(written[name], file=f'{name}{SUFFIXES[form]}')
                write_openvino(onnx, folder / written[name].file)
        _go_on(part, examples)
    return written


@torch.no_grad()
def _go_on(part: ModelPart, examples: list[dict[str, Tensor]]) -> None:
    """Add what a part gives to the examples, for the parts that take it."""
    for batch in examples:
        batch |= tensors_of(part.module(*(batch[name] for name in part.inputs)))


def _batches(preparation: Preparation, folder: Path, numbers: range) -> Iterator[dict[str, Tensor]]:
    """Questions about drawn pictures as inputs, ``TRACED`` a batch."""
    tokenizer = preparation.open_tokenizer(folder)
    for number in numbers:
        picture, questions = draw_scene_with_questions(number, count=TRACED)
        image, _ = preparation.picture(picture)
        texts = [preparation.sentence(question.text, tokenizer) for question in (questions * TRACED)[:TRACED]]
        yield dict(
            images=torch.from_numpy(np.stack([image] * TRACED)),
            input_ids=torch.from_numpy(np.stack([ids for ids, *_ in texts])),
            text_mask=torch.from_numpy(np.stack([mask for _, mask, _ in texts])),
        )
