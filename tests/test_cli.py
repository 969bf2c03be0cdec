import subprocess
import sys

import pytest

from mmvg.cli import COMMANDS, ROOT, main


def test_help_names_every_command_without_loading_torch():
    code = 'import sys; from mmvg.cli import main; main(["--help"]); print("torch" in sys.modules)'
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith('False\n')
    for name, (script, _) in COMMANDS.items():
        assert f'\n  {name} ' in done.stdout
        assert script is None or (ROOT / script).is_file()


@pytest.mark.parametrize('name', [name for name, (script, _) in COMMANDS.items() if script])
def test_each_command_explains_its_flags(name, capsys, monkeypatch):
    monkeypatch.setattr(sys, 'argv', ['mmvg'])
    with pytest.raises(SystemExit) as end:
        main([*name.split(), '--help'])
    assert end.value.code == 0
    assert f'usage: mmvg {name}' in capsys.readouterr().out


def test_a_mistyped_command_shows_what_there_is(capsys):
    with pytest.raises(SystemExit) as end:
        main(['trian', 'x.py'])
    assert end.value.code == 2
    error = capsys.readouterr().err
    assert "'trian x.py'" in error
    assert 'train ' in error


def test_models_of_the_index(capsys):
    main(['models', 'grefcoco'])
    assert 'instancevg_grefcoco  configs/instancevg/grefcoco_resized.py' in capsys.readouterr().out


def test_the_longest_command_wins(capsys, monkeypatch):
    monkeypatch.setattr(sys, 'argv', ['mmvg'])
    for words, usage in ((['demo', 'video'], 'usage: mmvg demo video '), (['demo', 'video.jpg'], 'usage: mmvg demo [')):
        with pytest.raises(SystemExit):
            main([*words, '--help'])
        assert usage in capsys.readouterr().out
