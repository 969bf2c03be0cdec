"""Trace parts of a model and write them as graphs: programs of PyTorch, ONNX, or OpenVINO's form."""

import logging
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor
from torch.export import Dim, ExportedProgram
from torch.export.graph_signature import InputKind

from mmvg.export.folder import Part, Port
from mmvg.export.parts import ModelPart
from mmvg.export.traceable import traceable

#: Ending of the file of each form.
SUFFIXES = dict(torch='.pt2', onnx='.onnx', openvino='.xml')
_DTYPES = {torch.float32: 'float32', torch.int64: 'int64', torch.bool: 'bool'}
#: Bytes of weights in one file of ONNX, which protobuf limits to 2 GiB with all else.
MAX_ONNX = 2_100_000_000
#: Samples of the batch that is traced; with one alone a graph is specialised to one.
TRACED = 2


def trace(part: ModelPart, inputs: Mapping[str, Tensor]) -> tuple[ExportedProgram, dict[str, Tensor]]:
    """Trace a part for any number of samples.

    Args:
        part: In evaluation mode, on the CPU.
        inputs: ``TRACED`` samples.

    Returns:
        The program, without weights that it does not read, and the outputs for ``inputs`` by name.
    """
    given = tuple(inputs[name] for name in part.inputs)
    batch = Dim('batch', min=1, max=65536)
    shapes = tuple({0: batch} for _ in given)
    variadic = part.module.forward.__code__.co_flags & 0x04  # CO_VARARGS: one tuple of all inputs
    with torch.no_grad(), traceable(), quiet():
        program = torch.export.export(part.module, given, dynamic_shapes=(shapes,) if variadic else shapes)
        outputs = part.module(*given)
    drop_unused(program)
    return program, outputs


def drop_unused(program: ExportedProgram) -> None:
    """Take weights that nothing reads out of a program: those of losses and of the other tower."""
    signature, graph = program.graph_signature, program.graph_module.graph
    nodes = {node.name: node for node in graph.nodes if node.op == 'placeholder'}
    kept = []
    for spec in signature.input_specs:
        node = nodes[spec.arg.name]
        if spec.kind not in (InputKind.PARAMETER, InputKind.BUFFER) or node.users:
            kept.append(spec)
            continue
        graph.erase_node(node)
        program.state_dict.pop(spec.target, None)
        program.constants.pop(spec.target, None)
    signature.input_specs[:] = kept
    program.graph_module.recompile()


def write_graph(program: ExportedProgram, part: ModelPart, outputs: Mapping[str, Tensor], file: Path) -> Part:
    """Write a traced part.

    Args:
        program: From :func:`trace`.
        part: What was traced.
        outputs: From :func:`trace`.
        file: Ends in ``.pt2`` for a program of PyTorch, in ``.onnx`` for ONNX.

    Returns:
        What was written.
    """
    if file.suffix == SUFFIXES['torch']:
        torch.export.save(program, file)
    else:
        write_onnx(program, part.inputs, list(outputs), file)
    graph = program.graph_module.graph
    given = graph.find_nodes(op='placeholder')[-len(part.inputs) :]
    return Part(
        file.name,
        tuple(_port(key, node.meta['val']) for key, node in zip(part.inputs, given, strict=True)),
        tuple(_port(key, node.meta['val']) for key, node in zip(outputs, graph.output_node().args[0], strict=True)),
    )


def write_onnx(program: ExportedProgram, inputs: tuple[str, ...], outputs: list[str], file: Path) -> None:
    """Write a program as ONNX, in one file with its weights.

    Raises:
        ModuleNotFoundError: If the libraries are not installed.
        ValueError: If the weights are too many for one file.
    """
    import onnx

    if (size := sum(value.nbytes for value in program.state_dict.values())) > MAX_ONNX:
        raise ValueError(
            f'the weights have {size / 1e9:.1f} GB, and a file of ONNX holds {MAX_ONNX / 1e9:.1f}: export --to torch'
        )
    with quiet():
        made = torch.onnx.export(
            program,
            dynamo=True,
            input_names=list(inputs),
            output_names=outputs,
            custom_translation_table={torch.ops.aten.sort.stable: _stable_sort()},
            verbose=False,
        )
    proto = made.model_proto
    for value in (*proto.graph.input, *proto.graph.output, *proto.graph.value_info):
        for side in value.type.tensor_type.shape.dim:
            if side.dim_param:
                side.dim_param = re.sub(r'\bs\d+\b', 'batch', side.dim_param)
    onnx.save(proto, file)


def _stable_sort() -> Callable:
    """Return a translation of ``sort(stable=True)`` along the last axis that leaves no ties to a backend.

    A backend may order equal values as it likes, so what is sorted are their ranks, which all differ.
    """
    from onnxscript import FLOAT
    from onnxscript import opset18 as op

    def sort(self, stable=True, dim=-1, descending=False):
        if dim not in (-1, len(self.shape) - 1):
            raise NotImplementedError('sort(stable=True) is translated for the last axis alone')
        one, other = op.Unsqueeze(self, [-1]), op.Unsqueeze(self, [-2])
        count = op.Shape(self, start=-1)
        places = op.Range(0, op.Squeeze(count), 1)
        earlier = op.Less(op.Unsqueeze(places, [0]), op.Unsqueeze(places, [1]))
        before = op.Greater(other, one) if descending else op.Less(other, one)
        before = op.Or(before, op.And(op.Equal(one, other), earlier))
        ranks = op.ReduceSum(op.Cast(before, to=FLOAT.dtype), [-1], keepdims=0)
        _, order = op.TopK(ranks, count, axis=-1, largest=0, sorted=1)
        return op.GatherElements(self, order, axis=-1), order

    return sort


def write_openvino(onnx_file: Path, file: Path) -> None:
    """Turn an ONNX graph into OpenVINO's form, an ``.xml`` with its ``.bin``, in single precision."""
    import openvino

    openvino.save_model(openvino.convert_model(onnx_file), file, compress_to_fp16=False)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep warnings and notes of the exporters, which no user can act upon, off the screen."""
    loggers = [logging.getLogger(name) for name in ('torch', 'torch.onnx', 'onnxscript', 'onnx_ir', 'openvino')]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _port(name: str, value: Tensor) -> Port:
    sides = tuple(side if isinstance(side, int) else None for side in value.shape)
    return Port(name, sides, _DTYPES[value.dtype])
