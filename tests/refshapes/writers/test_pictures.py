import os

from mmvg.refshapes.writers.pictures import share_picture


def test_a_picture_is_shared_and_not_copied(tmp_path):
    (tmp_path / 'a.jpg').write_bytes(b'pixels')
    share_picture(tmp_path / 'a.jpg', tmp_path / 'b/c.jpg')
    assert (tmp_path / 'a.jpg').samefile(tmp_path / 'b/c.jpg')


def test_an_older_copy_is_replaced_and_the_picture_is_not_touched(tmp_path):
    (tmp_path / 'a.jpg').write_bytes(b'pixels')
    (tmp_path / 'c.jpg').write_bytes(b'old')
    share_picture(tmp_path / 'a.jpg', tmp_path / 'c.jpg')
    share_picture(tmp_path / 'a.jpg', tmp_path / 'c.jpg')
    assert (tmp_path / 'c.jpg').read_bytes() == (tmp_path / 'a.jpg').read_bytes() == b'pixels'


def test_it_is_copied_where_there_are_no_hard_links(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError('no links here')

    monkeypatch.setattr(os, 'link', refuse)
    (tmp_path / 'a.jpg').write_bytes(b'pixels')
    share_picture(tmp_path / 'a.jpg', tmp_path / 'c.jpg')
    assert (tmp_path / 'c.jpg').read_bytes() == b'pixels'
    assert not (tmp_path / 'a.jpg').samefile(tmp_path / 'c.jpg')
