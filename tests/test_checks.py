import pytest

from mmvg.checks import check_choice, suggest


def test_one_of_the_choices_comes_back():
    assert check_choice('crowd', 'drop', ('drop', 'keep')) == 'drop'
    assert check_choice('num_logits', 2, (1, 2)) == 2


@pytest.mark.parametrize(
    ('value', 'choices', 'message'),
    [
        ('dropp', ('drop', 'keep'), r"^Reader\.crowd must be 'drop' or 'keep', not 'dropp'; did you mean 'drop'\?$"),
        ('x', {'a': 1, 'b': 2, 'c': 3}, r"^Reader\.crowd must be 'a', 'b' or 'c', not 'x'$"),
        (3, (1, 2), r'^Reader\.crowd must be 1 or 2, not 3$'),
        (None, ('a',), r"^Reader\.crowd must be 'a', not None$"),
        (['a'], ('a', 'b'), r"^Reader\.crowd must be 'a' or 'b', not \['a'\]$"),
    ],
)
def test_another_value_is_refused_with_the_choices_and_the_nearest(value, choices, message):
    with pytest.raises(ValueError, match=message):
        check_choice('Reader.crowd', value, choices)


def test_only_near_names_are_suggested():
    assert suggest('drop_last', ['drop_lst', 'keep']) == "; did you mean 'drop_lst'?"
    assert suggest('drop_last', ['shuffle']) == ''
