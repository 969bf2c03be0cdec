"""What a node on a robot does, without a robot's middleware: keep what the camera sends, answer a sentence.

``tools/ros/grounding_node.py`` hangs it into ROS 2, ``tools/ros/answer_bag.py`` feeds it from a recorded bag.
"""

import warnings
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mmvg.apis.answer_records import answer_of
from mmvg.apis.grasp import APPROACHES, OPTICAL_FRAME, GraspPose, approach_direction, grasp_poses
from mmvg.apis.grasp_input import GraspInputWarning, check_limits
from mmvg.apis.grasp_messages import detection_2d_array, detection_array, pose_stamped
from mmvg.apis.grasp_sensor import colour_image, depth_image, pinhole_camera, seconds_of, stamp_of
from mmvg.checks import check_choice
from mmvg.masks import decode_mask
from mmvg.structures import Answer
from mmvg.structures.grasp_maps import mask_to_grasp

if TYPE_CHECKING:
    from mmvg.apis import ExportedInferencer, GroundingInferencer

#: From the optical frame (its name, and the seconds and nanoseconds of an image) to the base: a matrix (4, 4).
Transform = Callable[[str, tuple[int, int]], np.ndarray]
_SAME = 1e-3  # seconds between two stamps of one time


class NotReadyError(ValueError):
    """There is no picture that a sentence could be answered about; the message says what is missing."""


@dataclass(frozen=True)
class GraspSettings:
    """How a sentence is answered.

    Args:
        min_score: Of :func:`mmvg.apis.grasp_poses`, as are the next three.
        max_opening: In metres.
        reach: In metres.
        approach: ``'camera'`` or ``'vertical'``.
        base_frame: Name of the frame that poses are given in, where ``to_base`` leads.
        to_base: Without it poses are in the optical frame of the image.
        rectified: The image is rectified, see :func:`mmvg.apis.grasp_sensor.pinhole_camera`.
        strict: What is only unlikely (:class:`mmvg.apis.GraspInputWarning`) is an error too.
        max_skew: Seconds between image and depth, at most. The depth nearest in time is taken, and so an image waits
            until one of its time or later has come, unless none has.
        max_age: Seconds since the image was taken, at most; or until then, if its clock is ahead.
    """

    min_score: float = 0.0
    max_opening: float | None = None
    reach: float = 0.0
    approach: str = 'camera'
    base_frame: str = 'base_link'
    to_base: Transform | None = None
    rectified: bool = False
    strict: bool = False
    max_skew: float = 0.05
    max_age: float = 1.0


@dataclass(frozen=True)
class GraspReply:
    """The answer to one sentence, and the messages that tell it.

    Args:
        sentence: What was asked.
        answer: What the model says about the image.
        poses: Best first; none is an answer: there is no grasp.
        frame: Frame of the poses.
        camera_frame: Frame of the image.
        stamp: Seconds and nanoseconds at which the image was taken.
        doubts: What is unlikely about depth and calibration, see :class:`mmvg.apis.GraspInputWarning`.
    """

    sentence: str
    answer: Answer
    poses: list[GraspPose]
    frame: str
    camera_frame: str
    stamp: tuple[int, int]
    doubts: list[str]

    def pose(self) -> dict | None:
        """``geometry_msgs/PoseStamped`` of the best grasp, None if there is none."""
        return pose_stamped(self.poses[0], self.stamp) if self.poses else None

    def grasps(self) -> dict:
        """``vision_msgs/Detection3DArray`` of all grasps."""
        return detection_array(self.poses, self.sentence, self.frame, self.stamp)

    def detections(self) -> dict:
        """``vision_msgs/Detection2DArray`` of what was found in the image; of a mask alone the box around it."""
        boxes, scores = self.answer.boxes, self.answer.scores
        if boxes is None and self.answer.mask is not None:
            boxes, scores = _box_of(self.answer.mask), [self.answer.target_score or 0.0]
        boxes = np.zeros((0, 4)) if boxes is None else boxes
        scores = [1.0] * len(boxes) if scores is None else scores
        return detection_2d_array(boxes, scores[: len(boxes)], self.sentence, self.camera_frame, self.stamp)

    def summary(self) -> dict[str, Any]:
        """The answer as JSON can hold it, in metres; best grasp first."""
        return dict(
            sentence=self.sentence,
            stamp=list(self.stamp),
            no_target=self.answer.no_target,
            frame=self.frame,
            doubts=self.doubts,
            grasps=[
                dict(
                    position=pose.position.tolist(),
                    quaternion=pose.quaternion.tolist(),
                    opening=pose.opening,
                    score=pose.score,
                )
                for pose in self.poses
            ],
        )


class GraspService:
    """Keeps the newest images and depths of a camera, and answers sentences about them.

    A model that gives no grasps but masks is asked for those, and the grasp goes across the narrow side of each mask
    (:func:`mmvg.structures.grasp_maps.mask_to_grasp`).

    Args:
        inferencer: The model.
        settings: How a sentence is answered.

    Raises:
        ValueError: If a setting can answer no sentence, such as a length in millimetres, a score in percent or a time
            that is negative or not a number.
    """

    def __init__(
        self, inferencer: 'GroundingInferencer | ExportedInferencer', settings: GraspSettings | None = None
    ) -> None:
        self.inferencer = inferencer
        self.settings = settings or GraspSettings()
        check_limits(self.settings.min_score, self.settings.max_opening, self.settings.reach)
        for name in ('max_skew', 'max_age'):
            if not (seconds := getattr(self.settings, name)) >= 0:  # NaN neither
                raise ValueError(f'{name}={seconds:g}: give seconds, 0 or more')
        check_choice('approach', self.settings.approach, APPROACHES)
        if self.settings.to_base is None:
            approach_direction(self.settings.approach, None)
        self._images: deque[Any] = deque(maxlen=10)
        self._depths: deque[Any] = deque(maxlen=30)
        self._camera_info: Any = None

    def on_image(self, message: Any) -> None:
        """Take a ``sensor_msgs/Image`` or ``CompressedImage`` of colours."""
        self._images.append(message)

    def on_depth(self, message: Any) -> None:
        """Take a ``sensor_msgs/Image`` or ``CompressedImage`` of depth, registered to the colours."""
        self._depths.append(message)

    def on_camera_info(self, message: Any) -> None:
        """Take a ``sensor_msgs/CameraInfo`` of the colours."""
        self._camera_info = message

    def newest(self) -> float:
        """Seconds of the newest image that has a depth.

        Raises:
            NotReadyError: If there is none.
        """
        return seconds_of(self._newest_pair(None)[0])

    def with_depth(self, after: float = -np.inf, ended: bool = False) -> list[float]:
        """Seconds of the kept images that have a depth and intrinsics, in order.

        Args:
            after: Only of images taken later.
            ended: Nothing more will come: otherwise an image waits until a depth of its time or later is there.
        """
        if not self._depths or self._camera_info is None:
            return []
        until = np.inf if ended else self._settled_until()
        times = [seconds_of(image) for image in self._images if self._depth_of(image) is not None]
        return sorted(time for time in times if after < time <= until)

    def ask(self, sentence: str, now: float | None = None, at: float | None = None) -> GraspReply:
        """Answer about the newest image that has a depth.

        Args:
            sentence: What is to be grasped.
            now: Seconds on the clock of the images; without it they may be of any age.
            at: Answer about the image of this time instead, one of :meth:`with_depth`.

        Raises:
            NotReadyError: If there is no such image, or it is too old.
            ValueError: If a message or the sentence is malformed, see also :func:`mmvg.apis.grasp_poses`.
        """
        if at is None:
            image, depth = self._newest_pair(now)
        else:
            image = next(image for image in self._images if seconds_of(image) == at)
            depth = self._depth_of(image)
        picture = colour_image(image)
        (sample,) = self.inferencer(picture, sentence, return_datasamples=True)['predictions']
        answer = answer_of(sample, self.inferencer.score_thr)
        stamp, camera_frame = stamp_of(image), image.header.frame_id or OPTICAL_FRAME
        to_base = None if self.settings.to_base is None else self.settings.to_base(camera_frame, stamp)
        with _doubts(self.settings.strict) as doubts:
            poses = self._poses(answer, picture.shape[:2], depth, to_base, camera_frame)
        frame = camera_frame if to_base is None else self.settings.base_frame
        return GraspReply(sentence, answer, poses, frame, camera_frame, stamp, doubts)

    def _poses(
        self, answer: Answer, size: tuple[int, int], depth: Any, to_base: np.ndarray | None, camera_frame: str
    ) -> list[GraspPose]:
        """Poses of an answer about an image of ``size`` (H, W)."""
        of = self.settings
        camera = pinhole_camera(self._camera_info, of.rectified)
        if size != (camera.height, camera.width):
            raise ValueError(f'the image is {size[1]} x {size[0]}, its camera_info {camera.width} x {camera.height}')
        return grasp_poses(
            *_grasps_of(answer),
            depth_image(depth),
            camera,
            answer.mask,
            of.min_score,
            of.max_opening,
            of.reach,
            to_base,
            of.base_frame,
            of.approach,
            camera_frame,
        )

    def _settled_until(self) -> float:
        """Seconds of the latest image whose nearest depth has come."""
        return max(map(seconds_of, self._depths)) + _SAME

    def _depth_of(self, image: Any) -> Any | None:
        """The depth nearest in time, None if it is too far from it."""
        depth = min(self._depths, key=lambda message: abs(seconds_of(message) - seconds_of(image)))
        return depth if abs(seconds_of(depth) - seconds_of(image)) <= self.settings.max_skew else None

    def _newest_pair(self, now: float | None) -> tuple[Any, Any]:
        missing = [
            name
            for name, there in (('image', self._images), ('depth', self._depths), ('camera_info', self._camera_info))
            if not there
        ]
        if missing:
            raise NotReadyError(
                f'no {" and no ".join(missing)} has come yet: are the topics right, and is the camera on?'
            )
        settled = [image for image in self._images if seconds_of(image) <= self._settled_until()]
        for image in (*reversed(settled), *reversed(self._images)):
            if (depth := self._depth_of(image)) is not None:
                break
        else:
            image, depth = self._images[-1], self._depths[-1]
            apart = seconds_of(depth) - seconds_of(image)
            raise NotReadyError(
                f'no depth was taken within {self.settings.max_skew:g} s of an image; the newest is {apart:+.3f} s '
                'from the newest image: are both on one clock?'
            )
        if now is not None and not abs(age := now - seconds_of(image)) <= self.settings.max_age:
            when = f'{age:.1f} s old' if age > 0 else f'{-age:.1f} s in the future'
            raise NotReadyError(
                f'the newest image with depth is {when}, and {self.settings.max_age:g} s are allowed: has the camera '
                'stopped, or does it use another clock?'
            )
        return image, depth


@contextmanager
def _doubts(strict: bool) -> Iterator[list[str]]:
    """Collect what mmvg doubts, or raise it as a ValueError."""
    found: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('error' if strict else 'always', GraspInputWarning)
        try:
            yield found
        except GraspInputWarning as doubt:
            raise ValueError(str(doubt)) from None
    found += [str(entry.message) for entry in caught]


def _grasps_of(answer: Answer) -> tuple[np.ndarray, np.ndarray]:
    """Grasps (N, 5) and scores (N,) of an answer; of masks where there are no grasps."""
    if answer.grasps is not None:
        return answer.grasps, answer.grasp_scores
    if answer.masks is not None:
        masks, scores = list(answer.masks), answer.scores
    elif answer.mask is not None:
        masks, scores = [answer.mask], np.array([1.0 if answer.target_score is None else answer.target_score])
    else:
        raise ValueError('the model answers with boxes alone; a grasp needs one that gives grasps or masks')
    guesses = [mask_to_grasp(decode_mask(mask), jaw_size=None) for mask in masks]
    grasps = np.concatenate([np.zeros((0, 5)), *guesses])
    return grasps, np.repeat(np.asarray(scores, dtype=np.float64)[: len(masks)], [len(guess) for guess in guesses])


def _box_of(mask: np.ndarray) -> np.ndarray:
    """Box (1, 4) around the pixels of a mask, (0, 4) if it has none."""
    rows, columns = np.nonzero(mask)
    if not len(rows):
        return np.zeros((0, 4))
    return np.array([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]], dtype=float)


def transform_matrix(transform: Any) -> np.ndarray:
    """Matrix (4, 4) of a ``geometry_msgs/Transform``."""
    from scipy.spatial.transform import Rotation

    matrix = np.eye(4)
    turn, shift = transform.rotation, transform.translation
    matrix[:3, :3] = Rotation.from_quat([turn.x, turn.y, turn.z, turn.w]).as_matrix()
    matrix[:3, 3] = shift.x, shift.y, shift.z
    return matrix
