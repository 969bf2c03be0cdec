import cv2
import numpy as np
import pytest

HEIGHT, WIDTH = 30, 40


def square(x: int, y: int, side: int, ann_id: int, ignore_flag: int = 0) -> dict:
    """An instance that fills pixels x .. x + side - 1, y .. y + side - 1."""
    x2, y2 = x + side, y + side
    # pycocotools fills [x, x2) x [y, y2) for a polygon along pixel borders
    polygon = [x, y, x2, y, x2, y2, x, y2]
    return {'bbox': [x, y, x2, y2], 'mask': [polygon], 'bbox_label': 0, 'ignore_flag': ignore_flag, 'ann_id': ann_id}


@pytest.fixture
def image_file(tmp_path):
    """A noisy image 40 wide and 30 high, without loss."""
    image = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    path = tmp_path / 'image.png'
    cv2.imwrite(str(path), image)
    return path


@pytest.fixture
def make_item(image_file):
    """A data item after ``prepare_data`` has drawn a sentence, with any number of targets."""

    def make(num_targets: int = 1, **changes) -> dict:
        item = {
            'img_path': str(image_file),
            'img_id': 7,
            'height': HEIGHT,
            'width': WIDTH,
            'dataset': 'grefcoco',
            'ref_id': 3,
            'sent_id': 5,
            'sentences': [{'sent_id': 5, 'text': 'The red ring on the left!'}],
            'text': 'The red ring on the left!',
            'instances': [square(2 + 12 * i, 4, 8, ann_id=i) for i in range(num_targets)],
            'no_target': num_targets == 0,
        }
        return {**item, **changes}

    return make
