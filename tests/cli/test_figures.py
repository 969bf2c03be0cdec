"""``mmvg figure``: each command on models that come with mmvg, on a few samples."""

import cv2
import pytest

from mmvg.apis import load_config
from mmvg.apis.figures import FigureData
from mmvg.apis.model_index import results_of
from mmvg.cli import main
from mmvg.visualization import varied_sheet

INSTANCEVG = ('instancevg/refshapes', 'instancevg_refshapes')
LGGD = ('lggd/refshapes', 'lggd_refshapes')


@pytest.fixture
def figure(refshapes_tiny, tmp_path, capsys):
    """Function: run a command on the tiny RefShapes; what it has printed, and its picture if there is one."""

    def draw(*words, root='', data=True):
        out = tmp_path / 'figure.png'
        options = [f'data_root={refshapes_tiny}{root}', f'vocab_file={refshapes_tiny}/vocab.txt'] if data else []
        main(['figure', *words, '--out', str(out), *(['--cfg-options', *options] if data else [])])
        return capsys.readouterr().out, cv2.imread(str(out)) if out.exists() else None

    return draw


def test_each_query_has_a_panel(figure):
    printed, two = figure('queries', *INSTANCEVG, '--samples', '0', '3', '--most', '2')
    assert 'the queries of 2 samples' in printed
    _, one = figure('queries', *INSTANCEVG, '--samples', '0', '--most', '4')
    assert 1.4 < one.shape[1] / two.shape[1] < 1.6  # answer, attention and four queries instead of two
    assert two.shape[0] > 1.5 * one.shape[0]


def test_a_model_without_queries_says_so(figure, capsys):
    with pytest.raises(SystemExit):
        figure('queries', *LGGD, '--count', '1', root='/ocid_vlg')
    assert 'no queries' in capsys.readouterr().err


def test_attention_is_listed_and_drawn(figure):
    printed, picture = figure('attention', *LGGD, '--list', root='/ocid_vlg')
    assert picture is None
    names = [line.split(':')[0] for line in printed.splitlines() if 'cells' in line]
    assert 'neck.fusion.text_to_image.attention' in names
    _, picture = figure('attention', *LGGD, '--count', '2', '--words', '2', root='/ocid_vlg')
    assert picture.shape[1] > 3 * 150  # the answer and two words


def test_an_attention_that_is_not_there_is_answered_with_those_that_are(figure, capsys):
    with pytest.raises(SystemExit):
        figure('attention', *INSTANCEVG, '--count', '1', '--layers', 'lost')
    error = capsys.readouterr().err
    assert 'no attention is called lost' in error
    assert 'query_generator' in error


def test_a_sheet_says_how_many_of_the_answers_are_right(figure):
    printed, picture = figure('sheet', *INSTANCEVG, '--count', '4', '--of', '8')
    assert '4 of 8 answers' in printed
    assert picture.shape[1] > 1000  # two samples beside one another, truth and answer each
    printed, picture = figure('sheet', *LGGD, '--count', '2', '--of', '4', root='/ocid_vlg')
    assert '2 of 4 answers' in printed


def test_a_sheet_of_two_models_is_chosen_from_the_answers_of_both(figure, refshapes_tiny, monkeypatch):
    pools = []

    def last_of_each(kinds, agreements, count):
        pools.append(kinds)
        return [3, len(kinds) - 1], 0.5

    monkeypatch.setattr(varied_sheet, 'choose_varied', last_of_each)
    grasps = f'lggd/refshapes:lggd_refshapes data_root={refshapes_tiny}/ocid_vlg'
    _, both = figure('sheet', *INSTANCEVG, '--beside', grasps, '--count', '2', '--of', '4', '--columns', '1')
    assert [model for model, _ in pools[0]] == [0] * 4 + [1] * 4
    _, alone = figure('sheet', *LGGD, '--count', '2', '--of', '4', '--columns', '1', root='/ocid_vlg')
    height = alone.shape[0] // 2
    assert (both[-height // 2 :, : alone.shape[1]] == alone[-height // 2 :]).mean() > 0.9  # its last one is LGGD's


def test_a_further_model_of_a_sheet_needs_its_config(figure, capsys):
    with pytest.raises(SystemExit):
        figure('sheet', *INSTANCEVG, '--beside', 'lggd_refshapes')
    assert "'lggd_refshapes' is not CONFIG:CHECKPOINT" in capsys.readouterr().err


def test_cover_acc_is_that_of_the_options_of_each_row(figure, refshapes_tiny):
    data = f'data_root={refshapes_tiny} vocab_file={refshapes_tiny}/vocab.txt'
    rows = [
        f'one point=instancevg_refshapes {data} num_queries=1',
        f'ten=instancevg_refshapes {data}',
    ]
    printed, picture = figure('cover', 'instancevg/refshapes', *rows, '--count', '12', data=False)
    one, ten = (float(line.rpartition(' ')[2]) for line in printed.splitlines() if line[:3] in ('one', 'ten'))
    assert one < ten
    assert picture is not None


def test_the_similarity_of_a_trained_model_has_a_gap(figure):
    printed, picture = figure('similarity', 'ours=instancevg/refshapes:instancevg_refshapes', '--count', '40')
    assert float(printed.split('gap ')[1].split()[0]) > 0.1
    assert picture is not None


def test_results_of_metafiles_become_bars(figure):
    files = ('configs/cris/metafile.yml', 'configs/segvlm/metafile.yml')
    printed, picture = figure('bars', *files, '--dataset', 'PhraseCut test', '--metrics', 'mIoU', 'P@0.5', data=False)
    assert '2 rows' in printed
    assert picture is not None


@pytest.mark.parametrize(
    ('content', 'problem'),
    [
        ('Models: [', 'ParserError'),
        ('- Models', 'AttributeError'),
        ('Models: [{Name: mine, Results: [{Dataset: X val, Metrics: {mIoU: 50}}]}]', "KeyError: 'Source'"),
        ('Models: [{Name: mine, Results: [{Dataset: X val, Source: here, Metrics: {mIoU: high}}]}]', "'high'"),
    ],
)
def test_a_faulty_metafile_is_named(tmp_path, content, problem):
    (tmp_path / 'mine.yml').write_text(content)
    with pytest.raises(ValueError, match=rf'mine\.yml: is no metafile, .*{problem}'):
        results_of([tmp_path / 'mine.yml'], 'X val')


def test_results_of_one_name_are_not_drawn_over_one_another(tmp_path):
    result = '{Dataset: X val, Source: here, Metrics: {mIoU: 50}}'
    (tmp_path / 'mine.yml').write_text(f'Models: [{{Name: mine, Results: [{result}, {result}]}}]')
    with pytest.raises(ValueError, match=r"two results are called 'mine, X val \(here\)'"):
        results_of([tmp_path / 'mine.yml'], 'X val')


def test_a_data_set_without_results_is_answered_with_those_that_have_some(figure, capsys):
    with pytest.raises(SystemExit):
        figure('bars', 'configs/cris/metafile.yml', '--dataset', 'lost', data=False)
    assert 'PhraseCut test' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (('queries', *INSTANCEVG, '--out', 'q.svg'), 'q.svg: the ending of the picture says its kind'),
        (('queries', *INSTANCEVG, '--out', 'q'), 'the ending of the picture'),
        (('cover', INSTANCEVG[0], 'a=lost', '--out', 'c.doc'), 'c.doc: the ending of the picture'),
        (('cover', INSTANCEVG[0], 'a=lost num_queries=1', 'a=lost', '--out', 'c.png'), "two rows are called 'a'"),
        (('similarity', 'a=x:y', 'a=x:z', '--out', 'c.png'), "two rows are called 'a'"),
        (('cover', INSTANCEVG[0], 'lost', '--out', 'c.png'), "'lost' is not NAME=CHECKPOINT"),
    ],
)
def test_what_cannot_be_drawn_is_refused_before_a_model_is_loaded(words, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        main(['figure', *words])
    assert message in capsys.readouterr().err


def test_a_sample_that_is_not_there_is_refused(figure, capsys):
    with pytest.raises(SystemExit):
        figure('queries', *INSTANCEVG, '--samples=-1')
    assert 'from 0 to' in capsys.readouterr().err


def test_the_samples_of_joined_data_sets_are_drawn_with_the_words_of_their_own(refshapes_tiny):
    cfg = load_config(
        'lggd/refshapes', {'data_root': f'{refshapes_tiny}/ocid_vlg', 'vocab_file': f'{refshapes_tiny}/vocab.txt'}
    )
    one = cfg.test_dataloader.dataset
    two = [dict(one, split='val'), one]
    cfg.test_dataloader.dataset = dict(type='ConcatDataset', datasets=two, ignore_keys=['split'])
    data = FigureData(cfg, count=2)
    samples = [sample for batch in data.batches() for sample in batch['data_samples']]
    for sample in samples:
        assert data.image(sample).shape[:2] == sample.ori_shape
        assert [word for word, _ in data.words(sample)] == sample.text.split()
    data.dataset.datasets[0].pipeline.transforms = []
    with pytest.raises(ValueError, match='no Tokenize'):
        data.words(samples[0])
