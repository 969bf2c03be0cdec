import json

import numpy as np
import pytest
from PIL import Image

from mmvg.analysis.curves import MOST, CurveError, draw_curves, names_to_draw, read_curves, smooth
from mmvg.cli import main


def write_run(folder, *starts):
    """A work dir whose trainings began at the given times with the given lines."""
    for start, lines in starts:
        file = folder / start / 'vis_data/scalars.json'
        file.parent.mkdir(parents=True)
        file.write_text('\n'.join(map(json.dumps, lines)) + '\n')
    return folder


def trained(*iterations, offset=0.0):
    return [dict(lr=1e-3, loss=10.0 - x + offset, time=0.1, iter=x, step=x) for x in iterations]


def scored(value, step=0):
    return {'gres/gIoU': value, 'gres/num_samples': 5, 'data_time': 0.1, 'step': step}


def test_scores_stand_at_the_iteration_before_them(tmp_path):
    # step of a validation is the epoch in a training by epochs
    lines = [*trained(1, 2), scored(20.0, step=1), *trained(3, 4), scored(30.0, step=2)]
    curves = read_curves(write_run(tmp_path, ('20260101_000000', lines)))
    assert curves['loss'] == ([1, 2, 3, 4], [9, 8, 7, 6])
    assert curves['gres/gIoU'] == ([2, 4], [20.0, 30.0])
    assert 'step' not in curves


def test_a_resumed_training_is_one_curve_and_what_it_repeats_counts(tmp_path):
    first = [*trained(1, 2), scored(20.0), *trained(3, 4), scored(99.0)]
    second = [*trained(3, 4, offset=0.5), scored(30.0), *trained(5, offset=0.5)]
    curves = read_curves(write_run(tmp_path, ('20260101_000000', first), ('20260102_000000', second)))
    assert curves['loss'] == ([1, 2, 3, 4, 5], [9, 8, 7.5, 6.5, 5.5])
    assert curves['gres/gIoU'] == ([2, 4], [20.0, 30.0])


def test_the_loss_and_the_scores_are_drawn_unless_others_are_named(tmp_path):
    curves = read_curves(write_run(tmp_path, ('20260101_000000', [*trained(1), scored(20.0)])))
    assert names_to_draw(dict(a=curves)) == ['loss', 'gres/gIoU']
    assert names_to_draw(dict(a=curves), ['lr']) == ['lr']
    with pytest.raises(CurveError, match=r"no run has 'gIoU'; there are .*gres/gIoU"):
        names_to_draw(dict(a=curves), ['gIoU'])


def test_every_run_has_some_of_its_scores_drawn():
    runs = {name: {f'{name}/{number}': ([1], [2.0]) for number in range(20)} for name in 'ab'}
    names = names_to_draw(runs)
    assert len(names) == MOST
    assert names[:4] == ['a/0', 'b/0', 'a/1', 'b/1']


def test_smoothing_is_the_mean_of_what_there_is():
    assert smooth([4.0], 3).tolist() == [4]
    assert smooth([1, 3, 5, 7], 3).tolist() == pytest.approx([1, 2, 3, 5])
    assert smooth([1, 3, 5], 1).tolist() == [1, 3, 5]
    np.testing.assert_array_equal(smooth([1, np.inf, 3, 5, 1e17, 1, 3], 2), [1, np.inf, np.inf, 4, 5e16, 5e16, 2])


def test_a_start_that_validates_first_goes_on_where_the_one_before_ended(tmp_path):
    starts = [('20260101_000000', [*trained(1, 2), scored(20.0)]), ('20260102_000000', [scored(30.0), *trained(3)])]
    assert read_curves(write_run(tmp_path, *starts))['gres/gIoU'] == ([2], [30.0])


def test_a_folder_of_several_trainings_is_no_run(tmp_path):
    for name in ('lavt', 'cris'):
        write_run(tmp_path / name, ('20260101_000000', trained(1, 2)))
    with pytest.raises(CurveError, match=r'several trainings; name them.*cris, .*lavt'):
        read_curves(tmp_path)
    assert read_curves(tmp_path / 'lavt')['loss'][0] == [1, 2]
    assert read_curves(tmp_path / 'lavt/20260101_000000')['loss'][0] == [1, 2]


@pytest.mark.parametrize('kind', ['png', 'svg'])
def test_several_runs_are_drawn_into_one_picture(tmp_path, kind):
    runs = {
        name: read_curves(write_run(tmp_path / name, ('20260101_000000', [*trained(1, 2), scored(20.0)])))
        for name in ('one', 'two')
    }
    file = tmp_path / f'curves.{kind}'
    assert draw_curves(runs, file, window=2) == ['loss', 'gres/gIoU']
    if kind == 'png':
        picture = np.asarray(Image.open(file).convert('RGB'))
        assert picture.shape[1] > 1.5 * picture.shape[0]  # two panels
        assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 20
    else:
        assert file.read_text().startswith('<?xml')
    with pytest.raises(ValueError, match='ending of the picture'):
        draw_curves(runs, tmp_path / 'curves.doc')


@pytest.mark.parametrize(
    ('content', 'problem'),
    [('epoch 1\n', 'line 1: is no JSON'), ('[1, 2]\n', 'line 1: is no JSON object'), ('\n', 'holds no number')],
)
def test_files_that_are_no_scalars_are_refused(tmp_path, content, problem):
    (tmp_path / 'scalars.json').write_text(content)
    with pytest.raises(CurveError, match=problem):
        read_curves(tmp_path / 'scalars.json')
    with pytest.raises(FileNotFoundError, match=r'no scalars\.json'):
        read_curves(tmp_path / 'nowhere')


def test_the_command_names_runs_and_lists_what_there_is(tmp_path, capsys):
    for name in ('one', 'two'):
        write_run(tmp_path / name, ('20260101_000000', [*trained(1, 2), scored(20.0)]))
    file = tmp_path / 'both.png'
    main(['curves', f'first={tmp_path / "one"}', str(tmp_path / 'two'), '--keys', 'loss', 'lr', '--out', str(file)])
    assert 'loss, lr of 2 runs' in capsys.readouterr().out
    assert file.is_file()
    main(['curves', str(tmp_path / 'two'), '--list'])
    assert 'two  gres/gIoU: 1 values to iteration 2, the last 20' in capsys.readouterr().out
    with pytest.raises(SystemExit, match='2'):
        main(['curves', str(tmp_path / 'two'), str(tmp_path / 'one/../two')])
    assert 'two runs are called two' in capsys.readouterr().err
