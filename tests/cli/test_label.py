import pytest

from mmvg.cli.before_work import CommandError
from mmvg.cli.label import read_sentences


def test_a_file_of_sentences_that_is_not_there_is_no_sentence(tmp_path):
    (tmp_path / 'asked.txt').write_text('the red mug\n\nboth chairs\n')
    assert read_sentences([str(tmp_path / 'asked.txt')]) == ['the red mug', 'both chairs']
    with pytest.raises(CommandError, match=r'lost\.txt: there is no such file of sentences'):
        read_sentences(['lost.txt'])
    assert read_sentences(['the red mug.']) == ['the red mug.']
    assert read_sentences(['the red mug ' * 30]) == ['the red mug ' * 30]  # too long for the name of a file


@pytest.mark.parametrize('name', ['asked.txt', 'lost.txt', '-', 'asked'])
def test_a_file_of_sentences_stands_alone(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    for file in ('asked.txt', 'asked'):
        (tmp_path / file).write_text('the red mug\n')
    with pytest.raises(CommandError, match=f'{name}: a file of sentences, or -, stands alone'):
        read_sentences(['the red ring', name])


def test_a_file_that_is_no_text_is_no_sentences(tmp_path):
    (tmp_path / 'asked.txt').write_bytes('the red caf\u00e9\n'.encode('latin-1'))
    with pytest.raises(CommandError, match=r'asked\.txt: is no text in UTF-8 \(.* at byte 11\)'):
        read_sentences([str(tmp_path / 'asked.txt')])
