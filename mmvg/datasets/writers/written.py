"""What a format cannot hold, and counting it while data are written."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmvg.datasets.referring_dataset import ReferringDataset, with_sentences
from mmvg.masks import mask_box, polygons_to_rle

#: What data may have that some formats cannot hold -> how it is called.
FACETS = {
    'polygons': 'masks as polygons',
    'pixels': 'masks as pixels',
    'apart': 'boxes that are not those of their masks',
    'decimals': 'fractions of a pixel',
    'several': 'expressions that mean several objects',
    'no_target': 'expressions that mean nothing',
    'repeats': 'two equal sentences about one picture',
    'refs': 'which sentences belong to one ref',
    'ids': 'the numbers of refs and sentences',
    'splits': 'several splits in one file',
    'grasps': 'grasps',
}


@dataclass
class Written:
    """What was written.

    Args:
        expressions: How many.
        lost: Facet of ``FACETS`` -> how many expressions have lost it; with ``no_target``, they were left out.
        beside: Files that hold no expressions.
    """

    expressions: int = 0
    lost: Counter = field(default_factory=Counter)
    beside: list[Path] = field(default_factory=list)

    def add(self, other: 'Written') -> None:
        """Count what ``other`` has counted as well."""
        self.expressions += other.expressions
        self.lost += other.lost
        self.beside += other.beside

    def lines(self) -> list[str]:
        """Say what was written beside the expressions, and what was lost, a line each.

        Example:
            >>> Written(5, Counter(grasps=2)).lines()
            ['not held by the format: grasps, of 2 expressions']
        """
        lost = [f'not held by the format: {FACETS[name]}, of {count} expressions' for name, count in self.lost.items()]
        return [f'written beside them: {file}' for file in self.beside] + lost


def expressions_of(
    dataset: ReferringDataset, written: Written, cannot: frozenset[str]
) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Yield image name below the image folder, item and sentence of all that a format can hold, and count.

    The item is that of its sentence alone, which has no target where the sentence has ``exist=False``.

    Args:
        dataset: With items in original pixels.
        written: Counts expressions and losses.
        cannot: Facets that the format cannot hold.
    """
    seen: set[tuple] = set()
    refs: set[tuple] = set()
    for index in range(len(dataset)):
        whole = dataset.get_data_info(index)
        name = image_name(whole, dataset)
        for sentence in whole['sentences']:
            item = with_sentences(whole, [sentence])
            facets = facets_of(item)
            facets['repeats'] = (name, sentence['text']) in seen
            facets['refs'] = (name, item['ref_id']) in refs
            seen.add((name, sentence['text']))
            refs.add((name, item['ref_id']))
            lost = [facet for facet, there in facets.items() if there and facet in cannot]
            written.lost.update(lost)
            if 'no_target' in lost:
                continue
            written.expressions += 1
            yield name, item, sentence


def image_name(item: dict[str, Any], dataset: ReferringDataset) -> str:
    """Return the path of an item's image below the image folder of its dataset, with slashes."""
    path = Path(item['img_path'])
    return (path.relative_to(dataset.image_folder) if path.is_relative_to(dataset.image_folder) else path).as_posix()


def facets_of(item: dict[str, Any]) -> dict[str, bool]:
    """Say which facets an item has, but for ``repeats``, ``refs`` and ``splits``, which take several."""
    instances = item['instances']
    masks = [instance['mask'] for instance in instances if 'mask' in instance]
    return dict(
        polygons=any(isinstance(mask, list) for mask in masks),
        pixels=any(isinstance(mask, dict) for mask in masks),
        apart=any('mask' in i and not _is_box_of_mask(i, item) for i in instances),
        decimals=any(value != int(value) for instance in instances for value in instance['bbox']),
        several=len(instances) > 1,
        no_target=bool(item['no_target']),
        ids=True,
        grasps=len(item.get('grasps', ())) > 0,
    )


def _is_box_of_mask(instance: dict[str, Any], item: dict[str, Any]) -> bool:
    mask = instance['mask']
    if isinstance(mask, list):
        points = [value for polygon in mask for value in polygon]
        around = [min(points[0::2]), min(points[1::2]), max(points[0::2]), max(points[1::2])]
        if all(abs(a - b) < 1e-3 for a, b in zip(around, instance['bbox'], strict=True)):
            return True
        mask = polygons_to_rle(mask, item['height'], item['width'])
    return all(abs(a - b) < 1e-3 for a, b in zip(mask_box(mask), instance['bbox'], strict=True))
