"""The page as a program sees it, over HTTP; test_browser.py uses it as a person does."""

import socket

import pytest

gradio_client = pytest.importorskip(
    'gradio_client', reason='the page needs Gradio: pip install -r requirements/web.txt'
)


@pytest.fixture(scope='module')
def client(page_url):
    return gradio_client.Client(page_url, verbose=False)


def find(client, session, picture, text, threshold=0.05, parts=('boxes', 'masks'), label=None):
    upload = None if picture is None else gradio_client.handle_file(str(picture))
    return client.predict(label or next(iter(session.choices)), upload, text, threshold, list(parts), api_name='/find')


def test_answers_are_those_of_the_inferencer(client, session, picture):
    gallery, table, records, problem = find(client, session, picture, 'the red ring\nboth stars')
    expected = session.model(next(iter(session.choices)))(picture, ['the red ring', 'both stars'])['predictions']
    assert len(gallery) == 2
    assert [row['scores'] for row in records] == [row['scores'] for row in expected]
    assert table.count('<tr') == 3
    assert problem == ''


@pytest.mark.parametrize(
    ('text', 'threshold', 'message'),
    [('', 0.5, 'no expression was given'), ('ring', 2, 'threshold must be a number in [0, 1], not 2')],
)
def test_mistakes_are_answered_with_a_sentence(client, session, picture, text, threshold, message):
    gallery, _, records, problem = find(client, session, picture, text, threshold)
    assert not gallery
    assert records is None
    assert message in problem
    assert 'role="alert"' in problem


def test_files_that_are_no_pictures_get_our_words(client, session, tmp_path):
    (tmp_path / 'notes.jpg').write_text('notes')
    assert 'is not a picture but text' in find(client, session, tmp_path / 'notes.jpg', 'ring')[3]


def test_nothing_but_this_machine_is_spoken_to(session, monkeypatch):
    from mmvg.webpage.page import build_page, launch_page

    spoken_to = []
    connect = socket.socket.connect

    def listen(self, address):
        spoken_to.append(address[0] if isinstance(address, tuple) else address)
        return connect(self, address)

    monkeypatch.setattr(socket.socket, 'connect', listen)
    page = build_page(session)
    try:
        url = launch_page(page, block=False)
    finally:
        page.close(verbose=False)
    assert url.startswith('http://127.0.0.1:')
    assert set(spoken_to) <= {'127.0.0.1', 'localhost', '::1'}
