"""Models of other libraries in test runs, answer files, the inferencer and the page."""

import json

import numpy as np
import pytest
import torch
from mmengine.fileio import load
from mmengine.registry import DefaultScope

from mmvg.apis import GroundingInferencer, find_model, load_config
from mmvg.apis.model_index import model_index
from mmvg.apis.rescore import score_predictions
from mmvg.cli import main
from mmvg.config import ConfigError, read_config
from mmvg.registry import MODELS
from mmvg.webpage import ModelChoice, find_choices
from mmvg.webpage.session import Session, records

#: Config -> what its metrics begin with.
RUNS = {
    'hf/grounding_dino_refcoco': {'rec'},
    'hf/mm_grounding_dino_grefcoco': {'grec'},
    'hf/omdet_turbo_refcocoplus': {'rec'},
    'hf/owlv2_refcocog': {'rec'},
    'hf/sam3_refcoco': {'rec', 'res'},
    'hf/sam3_grefcoco': {'grec', 'gres'},
    'hf/florence2_refcocog': {'rec'},
    'hf/florence2_refcoco_masks': {'rec', 'res'},
    'hf/qwen2_5_vl_refcoco': {'rec'},
    'hf/qwen3_vl_grefcoco': {'grec'},
    'mmdet/grounding_dino_refcoco': {'rec'},
}


def family_of(config):
    return config.split('/')[1].removesuffix('_masks').rsplit('_', 1)[0]


def places(config, folder_of):
    """Settings of a config that say where its tiny model lies."""
    if config.startswith('hf/'):
        return dict(model_folder=str(folder_of(family_of(config))))
    folder = folder_of('mmdet_grounding_dino')
    names = dict(mmdet_config='config.py', checkpoint='detector.pth', bert_folder='bert')
    return {key: str(folder / name) for key, name in names.items()}


@pytest.mark.parametrize('config', RUNS)
def test_a_test_run_needs_no_checkpoint_and_its_answers_score_the_same_again(
    config, folder_of, benchmarks_tiny, tmp_path
):
    options = dict(places(config, folder_of), data_root=benchmarks_tiny, num_workers=0)
    options |= {'persistent_workers': False, 'test_dataloader.dataset.indices': 12}
    if 'qwen' in config or 'florence' in config:
        options |= dict(max_new_tokens=8)
    words = [f'{key}={value}' for key, value in options.items()]
    out = tmp_path / 'answers.json'
    main(['test', config, '--out', str(out), '--work-dir', str(tmp_path), '--cfg-options', *words])
    DefaultScope._instance_dict.clear()
    saved = load(out)
    assert len(saved['predictions']) == 12
    assert {name.split('/')[0] for name in saved['metrics']} == RUNS[config]
    again = score_predictions(load_config(config, options), str(out))
    assert again == saved['metrics']


def test_other_models_still_need_a_checkpoint(tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        main(['test', 'lavt/tiny', '--work-dir', str(tmp_path)])
    assert end.value.code == 2
    assert 'the model has no weights of its own: name the checkpoint to test' in capsys.readouterr().err


@pytest.mark.parametrize('options', [[], ['--amp']])
def test_these_models_are_not_trained_here(options, folder_of, tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        main(['train', 'hf/owlv2_refcoco', '--work-dir', str(tmp_path), *options])
    assert end.value.code == 2
    assert 'the model is only asked and scored' in capsys.readouterr().err
    model = MODELS.build(read_config('hf/owlv2_refcoco', dict(model_folder=str(folder_of('owlv2')))).model)
    with pytest.raises(NotImplementedError, match='train it with its own library'):
        model(inputs=[], data_samples=[], mode='loss')


@pytest.mark.parametrize('config', ['hf/grounding_dino_grefcoco', 'hf/sam3_grefcoco'])
def test_the_inferencer_answers_pictures_of_any_size_in_their_own_pixels(config, folder_of, pictures):
    cfg = load_config(config, dict(model_folder=str(folder_of(family_of(config))), score_thr=0.0))
    find = GroundingInferencer(cfg, device='cpu', show_progress=False)
    sentences = ['the red ring', 'both stars', 'The blue mug?']
    result = find(pictures, sentences, pairs=True, draw=True)
    for record, picture, drawn in zip(result['predictions'], pictures, result['visualization'], strict=True):
        assert json.loads(json.dumps(record)) == record
        height, width = picture.shape[:2]
        assert record['size'] == [height, width]
        boxes = np.array(record['boxes'])
        assert len(boxes) > 1
        assert (boxes >= 0).all()
        assert (boxes <= [width, height, width, height]).all()
        assert ('mask' in record) == ('sam3' in config)
        assert drawn.std() > 5
    nothing = find(pictures[0], 'the red ring', score_thr=1.0)['predictions'][0]
    assert nothing['no_target']
    assert nothing['boxes'] == []


def test_a_checkpoint_of_the_wrapped_model_takes_the_place_of_the_weights_in_the_folder(folder_of, pictures, tmp_path):
    cfg = load_config('hf/owlv2_refcoco', dict(model_folder=str(folder_of('owlv2'))))
    find = GroundingInferencer(cfg, device='cpu', show_progress=False)
    state = {name: value + 0.1 for name, value in find.model.state_dict().items()}
    torch.save(dict(state_dict=state), tmp_path / 'tuned.pth')
    tuned = GroundingInferencer(cfg, tmp_path / 'tuned.pth', device='cpu', show_progress=False)
    before, after = (each(pictures[0], 'the red ring')['predictions'][0] for each in (find, tuned))
    assert before['scores'] != after['scores']


def test_the_page_asks_them(folder_of, pictures, tmp_path, monkeypatch):
    import mmcv

    mmcv.imwrite(pictures[0][..., ::-1], str(tmp_path / 'scene.png'))
    config = tmp_path / 'owl.py'
    config.write_text(
        'from mmengine.config import read_base\n\nwith read_base():\n'
        '    from mmvg.configs.hf.owlv2_grefcoco import *\n\n'
        f'model_folder = {str(folder_of("owlv2"))!r}\nscore_thr = 0.0\n'
    )
    choice = ModelChoice(str(config))
    session = Session([choice], device='cpu')
    asked = session.ask(choice.label, str(tmp_path / 'scene.png'), 'the red ring\nboth stars')
    assert [len(record['boxes']) > 1 for record in records(asked, asked.own_thr)] == [True, True]
    assert [picture.shape for picture in session.draw(asked, 0.0)]


def test_the_page_offers_those_whose_folders_are_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    named = {name: entry['Folder'] for name, entry in model_index().items() if 'Folder' in entry}
    assert len(named) == 8
    for name, folder in named.items():
        assert read_config(find_model(name)[0]).model_folder == folder
    (tmp_path / named['owlv2_grefcoco']).mkdir(parents=True)
    offered = [choice.model for choice in find_choices(first=[ModelChoice('any.py')])]
    assert [name for name in offered if name in named] == ['owlv2_grefcoco']


def test_an_error_of_a_config_without_the_folder_is_one_line(tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        main(['test', 'hf/sam3_refcoco', '--work-dir', str(tmp_path)])
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert 'hf download facebook/sam3 --local-dir data/weights/sam3' in said
    assert 'Traceback' not in said


def test_a_setting_that_does_not_exist_is_refused():
    with pytest.raises(ConfigError, match=r"library\.token_rul: .*'token_rule'"):
        load_config('hf/grounding_dino_refcoco', {'model.library.token_rul': 'mean'})
