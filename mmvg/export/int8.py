"""Whole numbers of 8 bits in place of weights and activations, by onnxruntime."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from mmvg.export.graphs import quiet


def quantize(file: Path, examples: Sequence[Mapping[str, np.ndarray]]) -> None:
    """Quantize the products and convolutions of an ONNX graph, statically, in place.

    Weights get a scale per channel; the range of an activation is what it takes on the examples.

    Args:
        file: The graph.
        examples: Inputs by name.

    Raises:
        ModuleNotFoundError: If onnxruntime is not installed.
    """
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Examples(CalibrationDataReader):
        def __init__(self) -> None:
            self.left: Iterator[Mapping[str, np.ndarray]] = iter(examples)

        def get_next(self) -> dict[str, np.ndarray] | None:
            return next((dict(example) for example in self.left), None)

    with TemporaryDirectory(prefix='mmvg_') as place, quiet():
        prepared = Path(place) / 'prepared.onnx'
        quant_pre_process(file, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            file,
            Examples(),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=['Conv', 'MatMul', 'Gemm'],
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            extra_options=dict(WeightSymmetric=True, ActivationSymmetric=False),
        )
