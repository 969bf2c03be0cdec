"""Configs that travel in a file, those that come with mmvg among them."""

import pytest
from mmengine.config import Config

from mmvg.config import ConfigError, config_names, read_config, runner_config, stored_config, to_data
from mmvg.config.limits import NestingError, check_nesting
from mmvg.config.literals import NoLiteralError, parse_literals
from mmvg.config.plain_data import from_json, to_json
from mmvg.registry import MODELS


@pytest.mark.parametrize('name', config_names())
def test_a_config_that_comes_with_mmvg_survives_a_checkpoint_and_a_folder(name):
    data = to_data(runner_config(read_config(name)))
    assert stored_config(data, 'x.pth')._cfg_dict.to_dict() == data
    assert from_json(to_json(data)) == data


def test_text_as_mmengine_writes_it_is_parsed_to_what_it_would_run_to():
    cfg = runner_config(read_config('instancevg/tiny'))
    parsed = parse_literals(cfg.pretty_text)
    assert parsed == Config.fromstring(cfg.pretty_text, '.py')._cfg_dict.to_dict()
    assert parsed == to_data(cfg)


def test_numbers_signs_tuples_and_docstrings_are_literals():
    text = '"""What it is."""\na = (1, -2.5, +3, None)\nb = dict(c={"d e": [True]}, f=inf, g=-inf)\na = ()\n'
    assert parse_literals(text) == {'a': (), 'b': {'c': {'d e': [True]}, 'f': float('inf'), 'g': -float('inf')}}


@pytest.mark.parametrize(
    'text', ['a = b', 'a.b = 1', 'a = b = 1', 'a += 1', 'a: int = 1', 'print(1)', 'a = 1 + 1', 'a =']
)
def test_what_is_no_literal_is_told_with_its_line(text):
    with pytest.raises(NoLiteralError, match=r'line 2|cannot be read as Python'):
        parse_literals(f'x = 1\n{text}')


def test_a_class_of_ones_own_is_allowed_once_it_is_registered():
    name = 'OnlyInThisTest'
    stored = dict(model=dict(type=name))
    with pytest.raises(ConfigError, match=r"model\.type: 'OnlyInThisTest' is no part"):
        stored_config(stored, 'x.pth')
    MODELS.register_module(name, module=type(name, (), {}))
    try:
        assert stored_config(stored, 'x.pth').model.type == name
        assert stored_config(dict(model=dict(type=f'mmvg.{name}')), 'x.pth')
    finally:
        MODELS.module_dict.pop(name)


def test_a_trusted_config_is_run_with_a_warning(tmp_path, capsys):
    cfg = stored_config('size = 2 * 4\nmodel = dict(type="os.system")\n', 'x.pth', trust_config=True)
    assert (cfg.size, cfg.model.type) == (8, 'os.system')
    assert 'x.pth, its config is trusted' in capsys.readouterr().out


def test_a_value_without_a_form_in_data_is_named():
    with pytest.raises(TypeError, match=r'config\.model\.init: <object object'):
        to_data(dict(model=dict(init=object())))

    class Local:
        pass

    for nameless in (lambda x: x, Local):
        with pytest.raises(TypeError, match=r'config\.init: .*has no form in plain data'):
            to_data(dict(init=nameless))


def test_a_key_that_json_cannot_keep_is_refused():
    with pytest.raises(TypeError, match='the key 0 is no text'):
        to_json(dict(names=[{0: 'a'}]))


def test_lists_that_are_shared_count_as_often_as_they_are_met_and_not_against_honest_ones():
    shared = [0] * 10
    check_nesting([shared] * 10, max_entries=110)
    with pytest.raises(NestingError, match='more than 109 entries'):
        check_nesting([shared] * 10, max_entries=109)
    check_nesting([[[]]], max_depth=3)
    with pytest.raises(NestingError, match='2 levels'):
        check_nesting([[[]]], max_depth=2)
    around = [[]]
    around[0].append(around)
    with pytest.raises(NestingError, match='holds itself'):
        check_nesting(around)
