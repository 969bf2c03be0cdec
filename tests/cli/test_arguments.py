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


def test_a_checkpoint_alone_is_the_model():
    assert model_and_weights(None, 'x.pth') == ('x.pth', None)
    assert model_and_weights('c.py', 'x.pth') == ('c.py', 'x.pth')
    with pytest.raises(typer.BadParameter):
        model_and_weights(None, None)
