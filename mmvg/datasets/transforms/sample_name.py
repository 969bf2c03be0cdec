"""Name a sample in errors, so that its record can be found in the annotation files."""

from mmvg.structures import ID_KEYS


def sample_name(results: dict) -> str:
    """Write dataset, ids and image path of a sample.

    Example:
        >>> sample_name(dict(dataset='refcoco', img_id=7, ref_id=3, sent_id=5, img_path='train/7.jpg'))
        'refcoco img_id=7 ref_id=3 sent_id=5 (train/7.jpg)'
    """
    parts = [str(results.get('dataset', 'sample'))]
    parts += [f'{key}={results[key]}' for key in ID_KEYS if key in results and key != 'dataset']
    if results.get('img_path'):
        parts.append(f'({results["img_path"]})')
    return ' '.join(parts)
