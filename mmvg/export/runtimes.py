"""Run the graphs of an exported model, by the library that a backend is."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from mmvg.checks import check_choice
from mmvg.export.folder import BACKENDS, ExportedModel, ExportError, Part

#: Forms of a graph that a backend reads.
READS = {'onnxruntime': ('onnx',), 'openvino': ('openvino', 'onnx'), 'torch': ('torch',)}
Arrays = dict[str, np.ndarray]


class Runtime(ABC):
    """A graph that is ready to run.

    Args:
        part: What it takes and gives.
        path: Its file.
        device: Such as ``'cpu'`` or ``'cuda:0'``.
        threads: How many it may use; None leaves it to the library.
    """

    def __init__(self, part: Part, path: Path, device: str, threads: int | None) -> None:
        self.part = part
        self.names = [port.name for port in part.outputs]
        self.open(path, device, threads)

    @abstractmethod
    def open(self, path: Path, device: str, threads: int | None) -> None:
        """Read the graph."""

    @abstractmethod
    def compute(self, inputs: list[np.ndarray]) -> list[np.ndarray]:
        """Run the graph."""

    def __call__(self, given: Mapping[str, np.ndarray]) -> Arrays:
        """Run the graph on what it takes of ``given``.

        Raises:
            ExportError: If an array has another shape than the graph was exported for.
        """
        inputs = []
        for port in self.part.inputs:
            array = given[port.name]
            if array.ndim != len(port.shape) or any(
                want is not None and have != want for have, want in zip(array.shape, port.shape, strict=True)
            ):
                sides = ', '.join('any' if side is None else str(side) for side in port.shape)
                raise ExportError(
                    f'{port.name} is {array.shape}, but {self.part.file} was exported for ({sides}); '
                    'export the model for that size'
                )
            inputs.append(np.ascontiguousarray(array, dtype=port.dtype))
        return dict(zip(self.names, self.compute(inputs), strict=True))


class OnnxRuntime(Runtime):
    """Runs ONNX graphs by onnxruntime."""

    def open(self, path: Path, device: str, threads: int | None) -> None:
        """Read the graph."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        if threads is not None:
            options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        provider = _provider(device, onnxruntime.get_available_providers())
        try:
            # from bytes, so that no tensor can be read from another file
            self.session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=[provider])
        except Exception as error:  # onnxruntime's own classes, which have no common base
            raise ExportError(f'{path}: onnxruntime cannot read it ({error!s:.300}); export the model again') from error

    def compute(self, inputs: list[np.ndarray]) -> list[np.ndarray]:
        """Run the graph."""
        named = {port.name: array for port, array in zip(self.part.inputs, inputs, strict=True)}
        return self.session.run(self.names, named)


class OpenVINORuntime(Runtime):
    """Runs OpenVINO's and ONNX graphs by OpenVINO, in single precision unless they hold whole numbers.

    Its plugin for CPUs gives the thread that compiles the first model another stack for signals, and frees it with the
    last model. If that happens in another thread, the first one keeps a stack that is gone; and if that is the main
    thread, where Python's handlers run, the next signal ends the process. So a thread of its own compiles.
    """

    def open(self, path: Path, device: str, threads: int | None) -> None:
        """Read the graph."""
        import openvino

        core = openvino.Core()
        target = {'cpu': 'CPU', 'cuda': 'GPU'}.get(device.partition(':')[0], device)
        settings = {'INFERENCE_PRECISION_HINT': 'f32', 'PERFORMANCE_HINT': 'LATENCY'}
        if threads is not None:
            settings['INFERENCE_NUM_THREADS'] = threads
        try:
            with ThreadPoolExecutor(1) as pool:
                self.model = pool.submit(core.compile_model, core.read_model(path), target, settings).result()
        except RuntimeError as error:
            raise ExportError(f'{path}: OpenVINO cannot read it ({error!s:.300}); export the model again') from error

    def compute(self, inputs: list[np.ndarray]) -> list[np.ndarray]:
        """Run the graph."""
        found = self.model({port.name: array for port, array in zip(self.part.inputs, inputs, strict=True)})
        return [found[name] for name in self.names]


class TorchRuntime(Runtime):
    """Runs programs of ``torch.export``."""

    def open(self, path: Path, device: str, threads: int | None) -> None:
        """Read the graph."""
        import torch

        if threads is not None:
            torch.set_num_threads(threads)
        program = torch.export.load(path)
        if torch.device(device).type != 'cpu':
            from torch.export.passes import move_to_device_pass

            program = move_to_device_pass(program, device)
        self.device, self.module = device, program.module()

    def compute(self, inputs: list[np.ndarray]) -> list[np.ndarray]:
        """Run the graph."""
        import torch

        with torch.no_grad():
            outputs = self.module(*(torch.from_numpy(array).to(self.device) for array in inputs))
        return [outputs[name].cpu().numpy() for name in self.names]


_RUNTIMES = {'onnxruntime': OnnxRuntime, 'openvino': OpenVINORuntime, 'torch': TorchRuntime}


def open_runtimes(
    model: ExportedModel,
    backend: str | None = None,
    device: str | None = None,
    threads: int | None = None,
    trusted: bool = False,
) -> dict[str, Runtime]:
    """Open the graphs of a model.

    Args:
        model: From :func:`mmvg.export.folder.read_manifest`.
        backend: ``'onnxruntime'``, ``'openvino'`` or ``'torch'``; by default the one of the form of the graphs.
        device: By default the CPU.
        threads: How many a graph may use; None leaves it to the library.
        trusted: Whether programs of PyTorch may be opened: reading one can run code.

    Returns:
        The graphs by the name of their part.

    Raises:
        ExportError: If the backend does not read such graphs, or a graph cannot be read.
        ModuleNotFoundError: If the library is not installed.
        ValueError: If there is no such backend.
    """
    backend = check_choice('backend', backend or BACKENDS[model.form], tuple(READS))
    if model.form not in READS[backend]:
        fits = [name for name, forms in READS.items() if model.form in forms]
        raise ExportError(
            f'{model.folder}: holds graphs for {" or ".join(fits)}, which {backend} does not read; '
            f'mmvg export MODEL --to {READS[backend][0]} writes those'
        )
    if backend == 'torch' and not trusted:
        raise ExportError(
            f'{model.folder}: reading a program of PyTorch (.pt2) can run code; say trust_config=True '
            '(--trust-config) if you trust its author, or export the model --to onnx'
        )
    if find_spec(backend) is None:
        extra = 'train' if backend == 'torch' else 'export'
        raise ModuleNotFoundError(f"{backend} is not installed: pip install 'mmvg[{extra}]'", name=backend)
    return {
        name: _RUNTIMES[backend](part, model.folder / part.file, device or 'cpu', threads)
        for name, part in model.parts.items()
    }


def _provider(device: str, there: list[str]) -> str | tuple[str, dict]:
    kind, _, number = device.partition(':')
    if kind == 'cpu':
        return 'CPUExecutionProvider'
    provider = dict(cuda='CUDAExecutionProvider').get(kind, kind)
    if provider not in there:
        raise ExportError(f'device {device!r}: this onnxruntime has {", ".join(there)}; install onnxruntime-gpu')
    return provider, dict(device_id=int(number or 0))
