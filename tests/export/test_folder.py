import json

import pytest

from mmvg.export.folder import ExportedModel, ExportError, Part, Port, read_manifest, write_manifest
from mmvg.export.runtimes import open_runtimes


@pytest.fixture
def folder(tmp_path):
    (tmp_path / 'whole.onnx').write_bytes(b'no graph')
    port = Port('images', (None, 3, 8, 8), 'float32')
    part = Part('whole.onnx', (port,), (port,))
    write_manifest(ExportedModel('onnx', False, dict(whole=part), {}, {}, {}, folder=tmp_path))
    return tmp_path


def change(folder, **values):
    file = folder / 'export.json'
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def test_what_is_written_is_read_again(folder):
    model = read_manifest(folder)
    assert (model.form, model.int8, list(model.parts), model.folder) == ('onnx', False, ['whole'], folder)
    assert model.parts['whole'].inputs == (Port('images', (None, 3, 8, 8), 'float32'),)
    assert set(model.sha256) == {'whole.onnx'}


def test_a_changed_file_and_a_missing_one_are_named(folder):
    (folder / 'whole.onnx').write_bytes(b'another')
    with pytest.raises(ExportError, match=r'whole\.onnx: is damaged'):
        read_manifest(folder)
    (folder / 'whole.onnx').unlink()
    with pytest.raises(FileNotFoundError, match=r'whole\.onnx: is missing'):
        read_manifest(folder)


@pytest.mark.parametrize(('version', 'cure'), [(0, 'export the model again'), (2, 'install a newer mmvg')])
def test_another_version_says_what_to_do(folder, version, cure):
    change(folder, format_version=version)
    with pytest.raises(ExportError, match=f'is of version {version} of the format.*{cure}'):
        read_manifest(folder)


@pytest.mark.parametrize(
    'values',
    [
        dict(format='mmvg'),
        dict(parts=[]),
        dict(parts=dict(whole=dict(file='../whole.onnx', inputs=[], outputs=[]))),
        dict(parts=dict(whole=dict(file='/etc/passwd', inputs=[], outputs=[]))),
        dict(parts=dict(other=dict(file='whole.onnx', inputs=[], outputs=[]))),
        dict(sha256={}),
        dict(sha256={'../../secret': '0'}),
        dict(form='pickle'),
        dict(preparation=3),
    ],
)
def test_a_malformed_manifest_is_an_error_of_ours(folder, values):
    change(folder, **values)
    with pytest.raises(ExportError, match=r'export\.json: is (malformed|not of an exported model)'):
        read_manifest(folder)


@pytest.mark.parametrize('content', ['', '{', '[' * 100_000, 'null'])
def test_what_is_no_json_is_an_error_of_ours(folder, content):
    (folder / 'export.json').write_text(content)
    with pytest.raises(ExportError, match=r'export\.json'):
        read_manifest(folder)


def test_a_folder_without_a_manifest_says_how_to_write_one(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'no exported model.*mmvg export --to onnx'):
        read_manifest(tmp_path)


def test_a_graph_that_cannot_be_read_and_a_backend_that_does_not_fit_are_named(folder):
    model = read_manifest(folder)
    for backend, name in (('onnxruntime', 'onnxruntime'), ('openvino', 'OpenVINO')):
        with pytest.raises(ExportError, match=rf'whole\.onnx: {name} cannot read it'):
            open_runtimes(model, backend)
    with pytest.raises(ExportError, match='holds graphs for onnxruntime or openvino, which torch does not read'):
        open_runtimes(model, 'torch')
    with pytest.raises(ValueError, match=r"backend must be .* not 'tensorrt'"):
        open_runtimes(model, 'tensorrt')
    with pytest.raises(ExportError, match='install onnxruntime-gpu'):
        open_runtimes(model, device='cuda:0')


def test_a_backend_that_is_not_installed_names_the_extra(folder, monkeypatch):
    monkeypatch.setattr('mmvg.export.runtimes.find_spec', lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=r"onnxruntime is not installed: pip install 'mmvg\[export\]'"):
        open_runtimes(read_manifest(folder))


def test_a_program_of_pytorch_is_opened_for_those_who_trust_it_alone(folder):
    change(folder, form='torch')
    with pytest.raises(ExportError, match=r'can run code; say trust_config=True'):
        open_runtimes(read_manifest(folder))


def test_weights_in_another_file_are_not_read(tmp_path):
    onnx = pytest.importorskip('onnx')
    secret = tmp_path / 'secret.bin'
    secret.write_bytes(bytes(16))
    inside = tmp_path / 'model'
    inside.mkdir()
    weight = onnx.TensorProto(name='weight', data_type=1, dims=[4], data_location=onnx.TensorProto.EXTERNAL)
    for key, value in dict(location='../secret.bin', offset='0', length='16').items():
        weight.external_data.add(key=key, value=value)
    value = onnx.helper.make_tensor_value_info('y', 1, [4])
    graph = onnx.helper.make_graph([onnx.helper.make_node('Identity', ['weight'], ['y'])], 'g', [], [value], [weight])
    proto = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid('', 18)], ir_version=10)
    (inside / 'whole.onnx').write_bytes(proto.SerializeToString())
    part = Part('whole.onnx', (), (Port('y', (4,), 'float32'),))
    write_manifest(ExportedModel('onnx', False, dict(whole=part), {}, {}, {}, folder=inside))
    for backend in ('onnxruntime', 'openvino'):
        with pytest.raises(ExportError, match='cannot read it'):
            open_runtimes(read_manifest(inside), backend)
