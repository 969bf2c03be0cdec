import cv2
import numpy as np
import pytest
from pycocotools import mask as coco_mask

from mmvg.refshapes import draw_scene
from mmvg.refshapes.polygons import polygon_area, polygon_box, to_polygons


def rasterise(polygons, height, width):
    return coco_mask.decode(coco_mask.merge(coco_mask.frPyObjects(polygons, height, width))).astype(bool)


def labels_of(mask, oversample=3):
    return mask.astype(np.uint8).repeat(oversample, 0).repeat(oversample, 1)


def test_a_rectangle_comes_back_with_its_corners():
    mask = np.zeros((40, 60), bool)
    mask[10:30, 20:50] = True
    polygons = to_polygons(labels_of(mask), 1, 3)
    np.testing.assert_array_equal(rasterise(polygons, 40, 60), mask)
    np.testing.assert_allclose(polygon_box(polygons), [20, 10, 30, 20], atol=0.2)
    assert polygon_area(polygons) == pytest.approx(600, rel=0.02)


def test_a_hole_stays_open_and_is_not_counted():
    mask = np.zeros((60, 60), np.uint8)
    cv2.circle(mask, (30, 30), 24, 1, -1)
    cv2.circle(mask, (30, 30), 12, 0, -1)
    polygons = to_polygons(labels_of(mask), 1, 3)
    assert len(polygons) == 1
    filled = rasterise(polygons, 60, 60)
    assert not filled[30, 30]
    assert (filled & (mask > 0)).sum() / (filled | (mask > 0)).sum() > 0.95
    assert polygon_area(polygons) == pytest.approx(mask.sum(), rel=0.03)


def test_two_pieces_give_two_polygons_and_splinters_none():
    mask = np.zeros((40, 60), bool)
    mask[5:15, 5:15] = mask[5:15, 30:45] = mask[30, 30] = True
    polygons = to_polygons(labels_of(mask), 1, 3)
    assert len(polygons) == 2
    assert polygon_area(polygons) == pytest.approx(250, rel=0.05)


def test_an_absent_label_has_no_polygons():
    assert to_polygons(np.zeros((30, 30), np.uint8), 1, 3) == []


def test_annotations_follow_the_exact_masks(records):
    split_objects = 0
    for record in records:
        scene = record.scene
        masks = draw_scene(scene, record.oversample).masks
        for annotation, mask in zip(record.annotations, masks, strict=True):
            filled = rasterise(annotation.segmentation, scene.height, scene.width)
            assert (filled & mask).sum() / (filled | mask).sum() >= 0.95
            assert annotation.area == pytest.approx(mask.sum(), rel=0.12, abs=8)
            # splinters below two pixels are not annotated, so the box is that of the polygons
            rows, columns = np.nonzero(filled.any(1))[0], np.nonzero(filled.any(0))[0]
            x, y, w, h = annotation.bbox
            around = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
            np.testing.assert_allclose([x, y, x + w, y + h], around, atol=2.5)
            split_objects += len(annotation.segmentation) > 1
    assert split_objects > 0  # occlusion cuts some objects in two
