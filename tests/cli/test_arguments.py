import pytest
import typer

from mmvg.cli.arguments import model_and_weights, normalise, parse_options


@pytest.mark.parametrize(
    ('words', 'expected'),
    [
        (['--cfg-options', 'a=1', 'b=2', '--amp'], ['--cfg-options', 'a=1', '--cfg-options', 'b=2', '--amp', 'bf16']),
        (['c.py', '--resume'], ['c.py', '--resume', 'auto']),
        (['c.py', '--resume', '--amp'], ['c.py', '--resume', 'auto', '--amp', 'bf16']),
        (['c.py', '--resume', 'x.pth', '--amp', 'fp16'], ['c.py', '--resume', 'x.pth', '--amp', 'fp16']),
        (['--out', 'a', 'b'], ['--out', 'a', 'b']),
        (['--formats', 'refcoco', 'refcoco+', '--force'], ['--formats', 'refcoco', '--formats', 'refcoco+', '--force']),
        (['figure', '--samples', '1', '2'], ['figure', '--samples', '1', '--samples', '2']),
        (['export', '--samples', '4', 'model'], ['export', '--samples', '4', 'model']),
        (['train', '--cfg-options', 'a=1', '-h'], ['train', '--cfg-options', 'a=1', '-h']),
        (['demo', '--', '--resume', '--amp'], ['demo', '--', '--resume', '--amp']),
        ([], []),
    ],
)
def test_options_with_several_or_no_values_are_spelt_out(words, expected):
    assert normalise(words) == expected


def test_options_become_numbers_lists_and_tuples_as_in_mmengine():
    assert parse_options(['a.b=1', 'c=[1,2]', 'd=(3,4)', 'e=None', 'f=x']) == {
        'a.b': 1,
        'c': [1, 2],
        'd': (3, 4),
        'e': None,
        'f': 'x',
    }
    assert parse_options(None) is None
    with pytest.raises(typer.BadParameter, match='KEY=VALUE'):
        parse_options(['a'])
    with pytest.raises(typer.BadParameter, match='KEY=VALUE'):
        parse_options(['=1'])
    with pytest.raises(typer.BadParameter, match=r'a=\[1,2: Imbalanced'):
        parse_options(['a=[1,2'])


def test_spaces_stay_in_text_and_mean_nothing_in_lists():
    words = ['data_root=/data/my photos', 'text=the red ring', 'size=(1, 2)', 'names=[a, b]', 'x= 3']
    assert parse_options(words) == {
        'data_root': '/data/my photos',
        'text': 'the red ring',
        'size': (1, 2),
        'names': ['a', 'b'],
        'x': 3,
    }


def test_a_checkpoint_alone_is_the_model():
    assert model_and_weights(None, 'x.pth') == ('x.pth', None)
    assert model_and_weights('c.py', 'x.pth') == ('c.py', 'x.pth')
    with pytest.raises(typer.BadParameter):
        model_and_weights(None, None)
