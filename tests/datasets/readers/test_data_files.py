import pytest

from mmvg.datasets.readers.data_files import require_data


def test_nothing_happens_when_everything_is_there(data_folder):
    root = data_folder.write()
    require_data('RefCOCODataset', root, [root / 'refcoco/instances.json'], root / 'images/train2014')


def test_everything_that_is_missing_is_named_at_once(tmp_path):
    with pytest.raises(FileNotFoundError) as error:
        require_data(
            'RefCOCODataset',
            tmp_path / 'data',
            [tmp_path / 'data/refcoco/refs(unc).p', tmp_path / 'data/refcoco/instances.json'],
            tmp_path / 'data/images/train2014',
        )
    message = str(error.value)
    assert f'{tmp_path}/data/refcoco/refs(unc).p ({tmp_path} holds nothing)' in message
    for part in ('RefCOCODataset', 'instances.json', 'images/train2014', 'data/README.md', 'make demo'):
        assert part in message


def test_what_lies_in_the_folder_instead_is_listed(data_folder):
    root = data_folder.write()
    (root / 'refcoco/refs(unc).p').rename(root / 'refcoco/refs(google).p')
    with pytest.raises(FileNotFoundError, match=r'holds instances\.json, refs\(google\)\.p\)'):
        require_data('RefCOCODataset', root, [root / 'refcoco/refs(unc).p'], root / 'images/train2014')


def test_a_long_folder_is_cut_short(tmp_path):
    for i in range(20):
        (tmp_path / f'{i:02d}.json').touch()
    with pytest.raises(FileNotFoundError, match=r'11\.json and 8 more'):
        require_data('RefCOCODataset', tmp_path, [tmp_path / 'instances.json'], tmp_path)


@pytest.mark.parametrize('folder', ['images/mscoco/images/train2014', 'images/mscoco/train2014'])
def test_image_folders_of_other_code_bases_are_offered(tmp_path, folder):
    (tmp_path / folder).mkdir(parents=True)
    (tmp_path / folder / '1.jpg').touch()
    with pytest.raises(
        FileNotFoundError, match=rf'images in the folder .*images/train2014 \(found .*{folder}: set img_prefix'
    ):
        require_data('RefCOCODataset', tmp_path, [], tmp_path / 'images/train2014')


def test_an_empty_image_folder_is_as_good_as_none(tmp_path):
    (tmp_path / 'images/train2014').mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match='images in the folder'):
        require_data('RefCOCODataset', tmp_path, [], tmp_path / 'images/train2014')
