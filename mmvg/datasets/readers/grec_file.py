"""``finetune_grefcoco_<split>.json``: gRefCOCO as the authors' GREC converter writes it, an image per sentence."""

from pathlib import Path

from mmvg.datasets.readers.coco_instances import CocoInstances
from mmvg.datasets.readers.load_report import LoadReport
from mmvg.datasets.readers.refs import Ref, as_id, is_usable_text
from mmvg.datasets.readers.safe_reading import read_json
from mmvg.foreign_files import shown


def read_grec_file(
    file: str | Path, split: str, masks: CocoInstances | None, report: LoadReport
) -> tuple[CocoInstances, list[Ref]]:
    """Turn the file back into COCO images and annotations, by their original ids, and a ref per sentence.

    The running number of a sentence becomes ref_id and sent_id. Boxes and crowd flags are the file's own.

    Args:
        file: The GREC file.
        split: Split of its refs; the file does not say.
        masks: Annotations with the segmentations, which the GREC file lacks; None to do without.
        report: Decides whether a problem raises or is repaired and counted.

    Raises:
        DataError: If the file is damaged, or a sentence has no annotation or a contradictory one.
    """
    content = read_json(file, dict)
    for key in ('images', 'annotations'):
        if not isinstance(content.get(key), list):
            report.fail(f'no list {key!r}', file, f'its keys are {shown(list(content))}')
    sentences = CocoInstances(file, content['images'], content['annotations'], report)
    ann_ids: dict[int, list[int]] = {sentence_id: [] for sentence_id in sentences.images}
    annotations: dict[int, dict] = {}
    for annotation_id, annotation in sentences.annotations.items():
        where = f'annotation id {annotation_id}'
        sentence_id = as_id(annotation.get('image_id'), 'image_id', file, where, report)
        if sentence_id not in sentences.images:
            report.fail('image_id that is not in images', file, f'{where}: image_id {sentence_id}')
        original_id = as_id(annotation.get('original_id'), 'original_id', file, where, report)
        if bool(annotation.get('empty', False)) != (original_id == -1):
            report.fail('empty that contradicts original_id', file, f'{where}: original_id {original_id}')
        ann_ids[sentence_id].append(original_id)
        if original_id != -1 and original_id not in annotations:
            image_id = sentences.images[sentence_id].get('original_id')
            annotations[original_id] = _original_annotation(annotation, original_id, image_id, masks, file, report)
    refs = [
        ref
        for sentence_id, image in sentences.images.items()
        if (ref := _ref(sentence_id, image, ann_ids[sentence_id], split, file, report)) is not None
    ]
    images = {ref.image_id: dict(ref.record, id=ref.image_id) for ref in refs}
    return CocoInstances(file, list(images.values()), list(annotations.values()), report), refs


def _original_annotation(
    annotation: dict, original_id: int, image_id: int, masks: CocoInstances | None, file: str | Path, report: LoadReport
) -> dict:
    original = dict(annotation, id=original_id, image_id=image_id)
    if masks is not None:
        if original_id not in masks.annotations:
            report.fail('annotation that does not exist', masks.file, f'original_id {original_id} of {file}')
        original['segmentation'] = masks.annotations[original_id].get('segmentation')
    return original


def _ref(
    sentence_id: int, image: dict, ann_ids: list[int], split: str, file: str | Path, report: LoadReport
) -> Ref | None:
    where = f'image id {sentence_id}'
    if not ann_ids or (-1 in ann_ids and len(ann_ids) > 1):
        what = '-1 beside real ids' if ann_ids else 'sentence without an annotation (an empty one means no target)'
        report.fail(what, file, f'{where} has the original ids {ann_ids}')
    if not is_usable_text(image.get('caption'), file, where, report):
        return None
    return Ref(
        ref_id=sentence_id,
        image_id=as_id(image.get('original_id'), 'original_id', file, where, report),
        ann_ids=() if ann_ids == [-1] else tuple(ann_ids),
        split=split,
        sentences=[dict(sent_id=sentence_id, text=image['caption'])],
        record=image,
    )
