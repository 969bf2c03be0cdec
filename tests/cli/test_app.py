"""The commands: their help, mistakes in them, and the scripts that are doors to them."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup, TyperOption

from mmvg.cli import app, main
from mmvg.cli.app import find_command

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted(
    path
    for folder in ('tools', 'demo')
    for path in (ROOT / folder).rglob('*.py')
    if 'run_script' in path.read_text(encoding='utf-8')
)


def commands(group=None, words=()):
    """Every command as (words, command)."""
    group = group or typer.main.get_command(app)
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from commands(command, (*words, name))
        else:
            yield (*words, name), command


COMMANDS = dict(commands())


def test_help_names_every_command_without_loading_torch():
    code = (
        'import sys; from mmvg.cli import main\n'
        'main(["--help"])\n'
        'print("torch" in sys.modules, "mmengine" in sys.modules)'
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1].startswith('False')
    for words in COMMANDS:
        assert f'\n  {words[0]} ' in done.stdout


@pytest.mark.parametrize('words', COMMANDS, ids=' '.join)
def test_each_command_explains_its_flags(words, capsys):
    main([*words, '--help'])
    printed = capsys.readouterr().out
    assert f'Usage: mmvg {" ".join(words)}' in printed
    for parameter in COMMANDS[words].params:
        if isinstance(parameter, TyperOption) and not parameter.hidden:
            assert parameter.help, f'{words}: {parameter.name} has no explanation'
            assert parameter.opts[0] in printed


def test_a_mistyped_command_names_the_nearest(capsys):
    with pytest.raises(SystemExit) as end:
        main(['trian', 'x.py'])
    assert end.value.code == 2
    assert "Did you mean 'train'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (['train', 'lavt/refcocoo'], 'perhaps lavt/refcoco'),
        (['data', 'draw', '--size', 'smal'], "did you mean 'small'"),
        (['data', 'draw', '--formats', 'grefcoco', 'refcoc'], "did you mean 'refcoco'"),
        (['demo', 'a.jpg', 'the mug'], 'give --checkpoint, --config, or both'),
        (['demo', 'video', 'a.mp4', 'the mug', '--checkpoint', 'x.pth'], 'give --out, --json, or both'),
        (['convert', 'a.pth', 'b.txt'], 'must end in .pth or .safetensors'),
        (['train', 'instancevg/tiny', '--cfg-options', 'lr'], "'lr' is not KEY=VALUE"),
    ],
    ids=lambda value: ' '.join(value) if isinstance(value, list) else '',
)
def test_a_mistake_ends_with_one_message_and_exit_code_2(words, message, capsys):
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 2
    error = ' '.join(capsys.readouterr().err.split())
    assert message in error
    assert 'Traceback' not in error


def test_models_of_the_index_whose_name_has_the_word(capsys):
    main(['models', 'grefcoco'])
    printed = capsys.readouterr().out
    assert 'instancevg_grefcoco  configs/instancevg/grefcoco_resized.py' in printed
    assert 'lavt_refcoco ' not in printed


def test_pictures_are_what_demo_asks_about_unless_it_says_otherwise():
    assert find_command(['demo'])[0].name == 'scene'
    assert find_command(['demo', 'video', 'a.mp4'])[0].name == 'video'
    command, rest = find_command(['demo', 'video.jpg', 'the mug'])
    assert (command.name, rest) == ('image', ['video.jpg', 'the mug'])


@pytest.mark.parametrize('path', SCRIPTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_script_is_a_door_to_a_command_that_exists(path):
    calls = [node for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))) if isinstance(node, ast.Call)]
    words = [argument.value for argument in calls[-1].args]
    group = typer.main.get_command(app)
    for word in words:
        group = group.commands[word]


def test_all_tools_of_the_wheel_have_a_script():
    names = {path.relative_to(ROOT).as_posix() for path in SCRIPTS}
    assert {'tools/train.py', 'tools/test.py', 'tools/data.py', 'demo/image_demo.py'} <= names
