"""How many objects of a picture are of the category of a target and are not meant."""

from collections import Counter
from typing import Any

from mmvg.datasets.readers.coco_instances import CocoInstances


class DistractorCounts:
    """Counts the objects of each category in each picture, once for all refs.

    Args:
        coco: With **all** objects of its pictures, as the files of the RefCOCO family have them. Crowds are no objects.
    """

    def __init__(self, coco: CocoInstances) -> None:
        self.coco = coco
        self._counts = Counter(
            (_plain(annotation.get('image_id')), _plain(annotation.get('category_id')))
            for annotation in coco.annotations.values()
            if not annotation.get('iscrowd')
        )

    def of(self, ann_ids: tuple[int, ...], image_id: int) -> int | None:
        """Count the objects of the categories of the targets that are not among them; None if a category is not known.

        Args:
            ann_ids: Targets, one or more; None without one, for nothing tells what they might be mistaken for.
            image_id: Where they are.
        """
        targets = [self.coco.annotations.get(ann_id, {}) for ann_id in set(ann_ids)]
        meant = Counter(_plain(target.get('category_id')) for target in targets if not target.get('iscrowd'))
        if not targets or any(_plain(target.get('category_id')) is None for target in targets):
            return None
        return sum(max(0, self._counts[image_id, category] - number) for category, number in meant.items())


def _plain(key: Any) -> int | str | None:
    """Return an id as it stands in a file; None for what is no id."""
    return key if isinstance(key, int | str) else None
