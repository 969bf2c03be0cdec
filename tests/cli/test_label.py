import pytest

from mmvg.cli.before_work import CommandError
from mmvg.cli.label import read_sentences


def test_a_file_of_sentences_that_is_not_there_is_no_sentence(tmp_path):
    (tmp_path / 'asked.txt').write_text('the red mug\n\nboth chairs\n')
    assert read_sentences([str(tmp_path / 'asked.txt')]) == ['the red mug', 'both chairs']
    with pytest.raises(CommandError, match=r'lost\.txt: there is no such file of sentences'):
        read_sentences(['lost.txt'])
    assert read_sentences(['the red mug.']) == ['the red mug.']
