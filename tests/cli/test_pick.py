import imageio.v3 as iio
import pytest

from mmvg.cli import main

pytest.importorskip('mujoco', reason="needs pip install 'mmvg[sim]'")
pytest.importorskip('mink', reason="needs pip install 'mmvg[sim]'")


@pytest.fixture(autouse=True)
def rendering():
    from mmvg.simulation import NoRendererError, draw_table

    try:
        return draw_table(4, 'isolated').view
    except NoRendererError as error:
        pytest.skip(str(error))


def test_one_pick_is_drawn_and_filmed(tmp_path, capsys):
    main(['pick', '--scene', '4', '--layout', 'isolated'])
    asked = [line.strip().strip('"') for line in capsys.readouterr().out.splitlines()[1:]]
    from mmvg.simulation import draw_table

    known = {sentence.text: sentence for sentence in draw_table(4, 'isolated').sentences}
    assert set(asked) == set(known)
    sentence = next(text for text in asked if len(known[text].targets) == 1)
    options = ['--scene', '4', '--layout', 'isolated', '--out', str(tmp_path), '--film', 'gif']
    main(['pick', sentence, *options])
    said = capsys.readouterr().out
    assert f'"{sentence}" means the ' in said
    assert (tmp_path / 'answer_4.png').exists()
    frames = iio.imread(tmp_path / 'pick_4.gif', index=None)
    assert len(frames) > 20
    assert frames[0].std() > 5


def test_a_benchmark_prints_and_writes_its_table(tmp_path, capsys):
    options = ['--objects', 'ball', '--layout', 'isolated', '--trials', '1', '--no-nothing', '--out', str(tmp_path)]
    main(['pick', '--benchmark', '--robot', 'floating', '--oracle', 'mask', *options])
    assert '| ball | ' in capsys.readouterr().out
    assert (tmp_path / 'trials.json').exists()
    assert 'robot floating' in (tmp_path / 'table.md').read_text()


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (['xyzzy', '--scene', '4'], 'one can ask'),
        (['--layout', 'messy'], 'isolated'),
        (['--robot', 'panda'], 'iiwa'),
        (['--oracle', 'mask', '--baseline', 'random'], 'name one who answers'),
        (['--baseline', 'mask'], 'mask of a model'),
        (['--benchmark', '--objects', 'bal'], "did you mean 'ball'"),
        (['--benchmark', '--objects', 'ball', 'ball'], "'ball' twice"),
        (['--seed', '0'], '--seed means nothing without --benchmark'),
        (['the ball', '--trials', '3'], '--trials means nothing without --benchmark'),
        (['--objects', 'nosuchkind'], '--objects means nothing without --benchmark'),
        (['--workers', '2'], '--workers means nothing without --benchmark'),
        (['--no-nothing'], '--nothing means nothing without --benchmark'),
        (['--layout', 'isolated', '--layout', 'scattered'], 'several --layout mean nothing without --benchmark'),
        (['the ball', '--benchmark'], 'a sentence means nothing with --benchmark'),
        (['--benchmark', '--scene', '0'], '--scene means nothing with --benchmark'),
        (['--benchmark', '--film', 'gif'], '--film means nothing with --benchmark'),
        (['--device', 'cpu'], '--device means nothing without --model'),
    ],
)
def test_a_mistake_ends_with_a_sentence(words, message, capsys):
    with pytest.raises(SystemExit) as end:
        main(['pick', *words])
    assert end.value.code == 2
    assert message in capsys.readouterr().err


def test_a_machine_without_a_renderer_is_told_what_to_install(monkeypatch, capsys):
    from mmvg.simulation import NoRendererError, render

    def fails(*args):
        raise NoRendererError('MuJoCo found no renderer: install libegl1')

    monkeypatch.setattr(render, 'Painter', fails)
    with pytest.raises(SystemExit) as end:
        main(['pick', 'the ball', '--scene', '5'])
    assert end.value.code == 2
    assert 'libegl1' in capsys.readouterr().err
