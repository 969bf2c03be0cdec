import os
import signal
import sys
import threading

import numpy as np
import pytest

from mmvg.export.folder import Part, Port
from mmvg.export.runtimes import OpenVINORuntime
from tests.forks import Fork

onnx = pytest.importorskip('onnx', reason="needs pip install 'mmvg[export]'")
pytest.importorskip('openvino', reason="needs pip install 'mmvg[export]'")


@pytest.fixture
def doubled(tmp_path):
    """A graph that doubles what it gets."""
    make, kind = onnx.helper, onnx.TensorProto.FLOAT
    graph = make.make_graph(
        [make.make_node('Add', ['x', 'x'], ['y'])],
        'double',
        [make.make_tensor_value_info('x', kind, [None, 2])],
        [make.make_tensor_value_info('y', kind, [None, 2])],
    )
    onnx.save(make.make_model(graph, opset_imports=[make.make_opsetid('', 17)], ir_version=9), tmp_path / 'double.onnx')
    x, y = (Port(name, (None, 2), 'float32') for name in 'xy')
    return Part('double.onnx', (x,), (y,)), tmp_path / 'double.onnx'


@pytest.mark.skipif(sys.platform != 'linux', reason='stacks for signals are those of Linux')
def test_a_signal_may_come_after_another_thread_has_let_go_of_openvino(doubled, tmp_path):
    def ask_and_be_stopped():
        heard = []
        signal.signal(signal.SIGUSR1, lambda *_: heard.append(True))
        models = [OpenVINORuntime(*doubled, 'cpu', 1)]
        assert models[0]({'x': np.ones((3, 2))})['y'].tolist() == [[2.0, 2.0]] * 3
        other = threading.Thread(target=models.clear)
        other.start()
        other.join()
        os.kill(os.getpid(), signal.SIGUSR1)
        assert heard

    child = Fork(ask_and_be_stopped, tmp_path / 'log.txt')
    assert child.end() == 0, child.text()
