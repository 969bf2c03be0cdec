"""Number the references that all formats of the RefCOCO family share."""

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

from ..records import Reference, SceneRecord, Sentence


def number_references(
    scenes: Sequence[SceneRecord], style: str
) -> Iterator[tuple[SceneRecord, Reference, dict[str, Any]]]:
    """Walk through the references of ``scenes`` and number them and their sentences, both from 1.

    Yields:
        The scene, the reference, and the fields that do not depend on the format.
    """
    ref_ids, sent_ids = count(1), count(1)
    for scene in scenes:
        for reference in scene.references[style]:
            sentences = [_sentence(next(sent_ids), sentence) for sentence in reference.sentences]
            yield (
                scene,
                reference,
                {
                    'ref_id': next(ref_ids),
                    'image_id': scene.image_id,
                    'split': scene.split,
                    'sentences': sentences,
                    'sent_ids': [sentence['sent_id'] for sentence in sentences],
                },
            )


def _sentence(sent_id: int, sentence: Sentence) -> dict[str, Any]:
    return {'sent_id': sent_id, 'raw': sentence.raw, 'sent': sentence.sent, 'tokens': sentence.sent.split()}


def numbered_name(file_name: str, number: int) -> str:
    """Add the number to a file name as RefCOCO does: ``COCO_train2014_000000581857_16.jpg``."""
    return f'{file_name.removesuffix(".jpg")}_{number}.jpg'
