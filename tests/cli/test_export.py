"""``mmvg export``: mistakes end in a sentence before a model is loaded; what it writes is what it says."""

import pytest

from mmvg.apis import ExportedInferencer
from mmvg.cli import main


@pytest.fixture
def no_model(monkeypatch):
    def load(*_, **__):
        raise AssertionError('a model was loaded')

    monkeypatch.setattr('mmvg.apis.inferencer.open_model', load)


def mistake(words, capsys):
    """The message that a command line ends with."""
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 2
    return ' '.join(capsys.readouterr().err.replace('│', ' ').split())


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        ('model', 'name the folder to write'),
        ('model out --int8', 'are for graphs; say --to onnx or --to openvino'),
        ('model out --to torch --int8', '--int8 is for --to onnx and --to openvino'),
        ('model out --to onnx --half', 'are for model folders'),
        ('model out --to onnx --push user/name', 'are for model folders'),
        ('model out --to tensorrt', "'tensorrt' is not one of"),
        ('model out --to onnx --samples 0', "Invalid value for '--samples'"),
    ],
)
@pytest.mark.usefixtures('no_model')
def test_a_mistake_is_a_sentence(words, message, capsys):
    assert message in mistake(['export', *words.split()], capsys)


@pytest.mark.usefixtures('no_model')
def test_an_exported_model_is_not_exported_again(tmp_path, capsys):
    (tmp_path / 'export.json').touch()
    message = mistake(['export', str(tmp_path), str(tmp_path / 'out')], capsys)
    assert 'is an exported model already; give the checkpoint that it was made of' in message


@pytest.mark.usefixtures('no_model')
@pytest.mark.parametrize('missing', ['onnx', 'onnxscript', 'openvino'])
def test_a_missing_library_names_the_extra(missing, monkeypatch, capsys):
    monkeypatch.setattr('mmvg.cli.export.find_spec', lambda name: None if name == missing else object())
    with pytest.raises(SystemExit) as end:
        main(['export', 'model', 'out', '--to', 'openvino'])
    assert end.value.code == 2
    assert f"{missing} is not installed, which this needs: pip install 'mmvg[export]'" in capsys.readouterr().err


def test_the_folder_is_named_after_model_and_form_and_demo_asks_it(random_checkpoint, tmp_path, monkeypatch, capsys):
    import cv2

    from mmvg.apis import draw_scene_with_questions

    monkeypatch.chdir(tmp_path)
    cv2.imwrite('scene.png', draw_scene_with_questions(0)[0])
    main(['export', str(random_checkpoint('cris')), '--to', 'onnx', '--samples', '2'])
    printed = capsys.readouterr().out
    assert 'exports/model_onnx: config.json, export.json, fusion.onnx, image.onnx, parity.json' in printed
    assert 'changed verdicts       0' in printed
    main(['demo', 'scene.png', 'the red ring', '--checkpoint', 'exports/model_onnx', '--json', 'answers.json'])
    assert 'scene.png  "the red ring": ' in capsys.readouterr().out
    assert '"candidates"' in (tmp_path / 'answers.json').read_text()
    main(['demo', 'scene.png', 'the red ring', '--checkpoint', 'exports/model_onnx', '--backend', 'openvino'])
    assert ExportedInferencer('exports/model_onnx').exported.form == 'onnx'
    words = ['demo', 'scene.png', 'the red ring', '--checkpoint', 'exports', '--backend', 'onnxruntime']
    assert 'no exported model, which has export.json' in mistake(words, capsys)
    main(['demo', 'scene', '--checkpoint', 'exports/model_onnx', '--out-dir', 'drawn'])
    assert 'the answers are drawn in drawn/answers_0.png' in capsys.readouterr().out
    assert (tmp_path / 'drawn/answers_0.png').is_file()
    words = ['demo', 'scene.png', 'the red ring', '--config', 'exports/model_onnx', '--checkpoint', 'nothing.pth']
    assert 'has its own weights' in mistake(words, capsys)
