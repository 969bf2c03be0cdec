"""What is listed of folders, JSON lines and tars, in which order, and what is wrong with it."""

import io
import json
import os
import random
import tarfile

import pytest

from mmvg.labelling.entries import Entry, list_entries, sorted_on_disk
from mmvg.labelling.records import to_table
from mmvg.labelling.worker import read_entry


def write_tar(path, members):
    with tarfile.open(path, 'w') as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def test_a_folder_is_listed_with_all_below_it_in_order_of_names(pictures, broken):
    entries = list(list_entries(str(pictures), own_sentences=False))
    names = [entry.image for entry in entries]
    assert names == sorted(names, key=json.dumps)
    assert len(names) == 16
    assert {'00.png', 'a/01.png', 'a/b/02.png', *broken} <= set(names)
    assert all(entry.path == str(pictures / entry.image) for entry in entries)


def test_hidden_files_other_files_and_links_to_folders_are_passed_over(tmp_path):
    (tmp_path / 'a').mkdir()
    for name in ('1.JPG', '.2.jpg', '._3.jpg', 'notes.txt', 'a/4.webp'):
        (tmp_path / name).touch()
    (tmp_path / 'circle').symlink_to(tmp_path)
    assert [entry.image for entry in list_entries(str(tmp_path), False)] == ['1.JPG', 'a/4.webp']
    with pytest.raises(ValueError, match='--images nowhere is for JSON lines'):
        list_entries(str(tmp_path), False, images='nowhere')


def test_any_name_that_a_file_system_has_can_be_listed_and_read(tmp_path):
    content = b'whatever'
    for name in (b'line\nbreak.png', b'\xff\xfe.png', 'gr\u00fcn \u2028.png'.encode()):
        with open(os.fsencode(tmp_path) + b'/' + name, 'wb') as file:
            file.write(content)
    entries = [Entry.from_line(entry.to_line()) for entry in list_entries(str(tmp_path), False)]
    assert len(entries) == 3
    for entry in entries:
        entry.image.encode()
        assert 'is not a picture but text' in read_entry(entry)


def test_names_are_sorted_on_the_disk_a_few_at_a_time():
    lines = [f'{number:04d}' for number in range(1000)]
    mixed = random.Random(0).sample(lines, 1000)
    assert list(sorted_on_disk(mixed, chunk=64)) == lines


def test_lines_bring_pictures_sentences_and_ids_or_their_problem(tmp_path):
    rows = [
        dict(image='a.png', expression='the mug', sent_id=4, ref_id=3, boxes=[]),
        dict(image='b/c.png', sentences=['one', 'two'], dataset='mine', img_id=9),
        dict(image='../out.png', expression='x'),
        dict(image='/etc/passwd', expression='x'),
        dict(image='a.png'),
        dict(image='a.png', expression='...'),
        dict(image='a.png', expression='x', sent_id='four'),
        dict(expression='x'),
        [],
    ]
    text = '\ufeff' + '\n'.join(json.dumps(row) for row in rows) + '\n\nno json\n'
    (tmp_path / 'asked.jsonl').write_text(text, encoding='utf-8')
    entries = list(list_entries(str(tmp_path / 'asked.jsonl'), True))
    assert entries[0] == Entry('a.png', str(tmp_path / 'a.png'), None, ['the mug'], dict(ref_id=3, sent_id=4))
    assert entries[1] == Entry(
        'b/c.png', str(tmp_path / 'b/c.png'), None, ['one', 'two'], dict(dataset='mine', img_id=9)
    )
    problems = [
        'leads out',
        'leads out',
        'none were given',
        'no word',
        'whole numbers',
        'no object',
        'no object',
        'no JSON',
    ]
    for entry, problem in zip(entries[2:], problems, strict=True):
        assert problem in entry.error
    assert entries[-1].image == 'asked.jsonl, line 11'
    asked = list(list_entries(str(tmp_path / 'asked.jsonl'), False, images=tmp_path / 'elsewhere'))
    assert (asked[0].sentences, asked[0].path) == (None, str(tmp_path / 'elsewhere/a.png'))
    assert asked[4].error is None  # it needs none of its own


@pytest.mark.parametrize(
    ('row', 'problem'),
    [
        (dict(image='a\0.png'), 'NUL'),
        (dict(image='\ud800.png'), 'half of a character'),
        (dict(image='a.png', img_id=2**63), '64 bits'),
        (dict(image='a.png', img_id=True), '64 bits'),
        (dict(image='a.png', dataset='\ud800'), '"dataset" a name'),
    ],
)
def test_what_no_file_or_table_can_hold_is_the_problem_of_its_line(row, problem, tmp_path):
    (tmp_path / 'asked.jsonl').write_text(json.dumps(row) + '\n')
    (entry,) = list_entries(str(tmp_path / 'asked.jsonl'), False)
    assert problem in read_entry(entry)
    to_table([dict(image=entry.image, error=entry.error)])
    Entry.from_line(entry.to_line())


def test_lines_may_name_pictures_anywhere_below_the_root(tmp_path):
    (tmp_path / 'asked.jsonl').write_text(json.dumps(dict(image=str(tmp_path / 'a.png'))) + '\n')
    (entry,) = list_entries(str(tmp_path / 'asked.jsonl'), False, images='/')
    assert (entry.path, entry.error) == (str(tmp_path / 'a.png'), None)


def test_no_picture_of_a_tar_is_lost(tmp_path, pictures):
    png = (pictures / '00.png').read_bytes()
    path = write_tar(tmp_path / '0.tar', [('shot 10.11.12.png', png), ('shot 10.11.13.png', png), ('1.txt', b'a mug')])
    assert [entry.error for entry in list_entries(str(path), False)] == [None, None]
    path = write_tar(tmp_path / '0.tar', [('1.depth.png', png), ('1.rgb.png', png), ('1.txt', b'a mug')])
    first, second = sorted(list_entries(str(path), True), key=lambda entry: entry.image)
    assert (first.sentences, second.sentences) == (['a mug'], None)
    assert 'one picture each' in second.error
    write_tar(tmp_path / '1.tar', [('1.heic', png)])
    entries = list(list_entries(str(tmp_path), False))
    assert entries[-1].image == '1.tar'
    assert 'no picture in it' in entries[-1].error
    (tmp_path / 'beside.png').write_bytes(png)
    with pytest.raises(ValueError, match=r'holds pictures \(beside.png\) and tars \(0.tar\)'):
        list_entries(str(tmp_path), False)


def test_pictures_of_tars_are_found_by_their_place_and_what_stands_beside_them(tmp_path, pictures):
    png = (pictures / '00.png').read_bytes()
    members = [
        ('x/1.png', png),
        ('x/1.json', b'{"sentences": ["the red ring", "both stars"], "caption": 3}'),
        ('x/2.txt', b'the mug\n'),
        ('x/2.png', png),
        ('x/3.png', b'broken'),
        ('x/.4.png', png),
        ('x/5.cls', b'3'),
    ]
    path = write_tar(tmp_path / '0.tar', members)
    entries = list(list_entries(str(path), True))
    assert [entry.image for entry in entries] == ['0.tar/x/1.png', '0.tar/x/2.png', '0.tar/x/3.png']
    assert [entry.sentences for entry in entries] == [['the red ring', 'both stars'], ['the mug'], None]
    assert read_entry(entries[1]).shape == read_entry(Entry('a', str(pictures / '00.png'))).shape
    assert 'none were given' in read_entry(entries[2])
    assert len(list(list_entries(str(tmp_path), False))) == 3  # a folder of tars


def test_several_tars_are_named_by_a_pattern_and_a_damaged_one_is_noted(tmp_path, pictures):
    png = (pictures / '00.png').read_bytes()
    for number in range(3):
        write_tar(tmp_path / f's-{number:02d}.tar', [('1.png', png), ('2.png', png)])
    cut = tmp_path / 's-01.tar'
    cut.write_bytes(cut.read_bytes()[: 512 + (len(png) + 511) // 512 * 512 + 100])  # in the second head
    for pattern in ('s-{00..02}.tar', 's-*.tar'):
        entries = list(list_entries(str(tmp_path / pattern), False))
        assert [entry.image for entry in entries if entry.error is None] == [
            *('s-00.tar/1.png', 's-00.tar/2.png', 's-01.tar/1.png'),
            *('s-02.tar/1.png', 's-02.tar/2.png'),
        ]
        assert [entry.image for entry in entries if entry.error] == ['s-01.tar']
    with pytest.raises(FileNotFoundError, match=r'there is no such tar \(1 of 4 are missing\)'):
        list_entries(str(tmp_path / 's-{00..03}.tar'), False)


def test_tars_of_one_name_are_told_apart_by_their_folders(tmp_path, pictures):
    png = (pictures / '00.png').read_bytes()
    for folder in 'ab':
        (tmp_path / folder).mkdir()
        write_tar(tmp_path / folder / 'p.tar', [('1.png', png)])
    write_tar(tmp_path / 'a/empty.tar', [])
    names = [entry.image for entry in list_entries(str(tmp_path / '*/p.tar'), False)]
    assert names == ['a/p.tar/1.png', 'b/p.tar/1.png']
    names = [entry.image for entry in list_entries(str(tmp_path / '*/*.tar'), False)]
    assert names == ['a/empty.tar', 'a/p.tar/1.png', 'b/p.tar/1.png']
    (tmp_path / 'link.tar').symlink_to(tmp_path / 'a/p.tar')
    assert [entry.image for entry in list_entries(str(tmp_path / 'link.tar'), False)] == ['link.tar/1.png']


@pytest.mark.parametrize('cut', ['name', 'text'])
def test_a_sample_that_is_whole_is_answered_though_its_tar_is_damaged_behind_it(tmp_path, pictures, cut):
    png = (pictures / '00.png').read_bytes()
    whole = [('1.png', png), ('1.txt', b'the red ring')]
    end = write_tar(tmp_path / 'a.tar', whole).read_bytes().rstrip(b'\0')
    end = (len(end) + 511) // 512 * 512  # of the last member
    path = write_tar(
        tmp_path / 'a.tar', [*whole, ('x' * 150 + '.png', png) if cut == 'name' else ('1.json', b'{}' * 600)]
    )
    path.write_bytes(path.read_bytes()[: end + 512 + 100])
    sample, damage = list_entries(str(path), True)
    assert (sample.image, sample.sentences, sample.error) == ('a.tar/1.png', ['the red ring'], None)
    assert (damage.image, damage.error[:27]) == ('a.tar', 'the tar is damaged from her')


def test_what_webdataset_writes_is_read(tmp_path, pictures):
    webdataset = pytest.importorskip('webdataset')
    with webdataset.TarWriter(str(tmp_path / 'w.tar')) as sink:
        sink.write({'__key__': 'one', 'png': (pictures / '00.png').read_bytes(), 'json': dict(expression='the ring')})
    (entry,) = list_entries(str(tmp_path / 'w.tar'), True)
    assert (entry.image, entry.sentences) == ('w.tar/one.png', ['the ring'])
    assert read_entry(entry).ndim == 3


@pytest.mark.parametrize(
    ('source', 'message'),
    [
        ('nothing', 'there is no such folder'),
        ('a.png', 'give a folder of pictures'),
        ('a.tar.gz', 'unpack it'),
        ('empty', 'no picture in it or below'),
        ('blank.jsonl', 'is empty'),
        ('*.tar', 'there is no such folder'),
    ],
)
def test_a_source_that_is_none_is_named(tmp_path, source, message):
    (tmp_path / 'empty').mkdir()
    for name in ('a.png', 'a.tar.gz'):
        (tmp_path / name).touch()
    (tmp_path / 'blank.jsonl').write_text('\n \n')
    with pytest.raises((FileNotFoundError, ValueError), match=message):
        list(list_entries(str(tmp_path / source), False))


def test_pictures_of_a_folder_need_sentences(pictures):
    with pytest.raises(ValueError, match='bring no sentences'):
        list_entries(str(pictures), own_sentences=True)
