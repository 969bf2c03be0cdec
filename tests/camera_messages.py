"""Messages of a camera that looks down at a box, and a model that knows where it is."""

from types import SimpleNamespace

import numpy as np
import torch
from mmengine.structures import InstanceData, PixelData

from mmvg.structures import GroundingSample

WIDTH, HEIGHT = 64, 48
FRAME = 'camera_color_optical_frame'


def header(time=10.0, frame=FRAME):
    return SimpleNamespace(stamp=SimpleNamespace(sec=int(time), nanosec=round(time % 1 * 1e9)), frame_id=frame)


def image(array, encoding, time=10.0, big=False, padding=0):
    """``sensor_msgs/Image`` of an array (H, W, ...), whose rows may be padded."""
    rows = array.astype(array.dtype.newbyteorder('>' if big else '<')).reshape(len(array), -1).view(np.uint8)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=7)
    return SimpleNamespace(
        header=header(time),
        height=array.shape[0],
        width=array.shape[1],
        encoding=encoding,
        is_bigendian=int(big),
        step=rows.shape[1],
        data=rows.reshape(-1),
    )


def colours(time=10.0):
    return image(np.zeros((HEIGHT, WIDTH, 3), np.uint8), 'rgb8', time)


def depths(time=10.0, metres=0.6):
    return image(np.full((HEIGHT, WIDTH), round(1000 * metres), np.uint16), '16UC1', time)


def camera_info(**fields):
    """``sensor_msgs/CameraInfo`` with 60 pixels of focal length."""
    k = [60.0, 0, 32, 0, 60, 24, 0, 0, 1]
    p = [50.0, 0, 30, 0, 0, 50, 25, 0, 0, 0, 1, 0]
    roi = SimpleNamespace(x_offset=0, y_offset=0, height=0, width=0, do_rectify=False)
    known = dict(header=header(), height=HEIGHT, width=WIDTH, distortion_model='plumb_bob', d=[0.0] * 5, k=k)
    return SimpleNamespace(**(known | dict(r=[0.0] * 9, p=p, binning_x=0, binning_y=0, roi=roi) | fields))


class KnowingModel:
    """Stands in for a ``GroundingInferencer``: one grasp in the middle, or the mask of a box alone."""

    score_thr = 0.5

    def __init__(self, answers_with='grasps'):
        self.answers_with = answers_with
        self.asked = []

    def __call__(self, picture, sentence, return_datasamples):
        assert return_datasamples
        self.asked.append((picture, sentence))
        mask = torch.zeros(1, *picture.shape[:2], dtype=torch.bool)
        mask[0, 14:34, 27:37] = True
        sample = GroundingSample(metainfo=dict(ori_shape=picture.shape[:2], expression=sentence))
        sample.target_score = 0.1 if sentence == 'the zebra' else 0.9
        sample.pred_no_target = sentence == 'the zebra'
        if self.answers_with == 'boxes':
            sample.pred_instances = InstanceData(bboxes=torch.tensor([[27.0, 14, 37, 34]]), scores=torch.tensor([0.9]))
            return dict(predictions=[sample])
        sample.pred_sem_seg = PixelData(sem_seg=mask)
        if self.answers_with == 'grasps':
            sample.pred_grasps = InstanceData(
                grasps=torch.tensor([[32.0, 24, 12, 6, 0], [32, 24, 6, 12, 1.5]]), scores=torch.tensor([0.7, 0.8])
            )
        return dict(predictions=[sample])
