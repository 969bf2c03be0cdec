"""Grasp poses as dictionaries in the shape of ROS 2 messages; nothing of ROS is needed to make them.

``rosidl_runtime_py.set_message.set_message_fields(message, dictionary)`` fills a real message from one.
"""

from collections.abc import Sequence

import numpy as np

from mmvg.apis.grasp import GraspPose


def pose_message(pose: GraspPose) -> dict:
    """``geometry_msgs/Pose``: x of the pose is the opening axis of the gripper, z its approach."""
    return dict(
        position=dict(zip('xyz', map(float, pose.position), strict=True)),
        orientation=dict(zip('xyzw', map(float, pose.quaternion), strict=True)),
    )


def pose_stamped(pose: GraspPose, stamp: tuple[int, int] = (0, 0)) -> dict:
    """``geometry_msgs/PoseStamped``.

    Args:
        pose: The grasp.
        stamp: Seconds and nanoseconds at which the image was taken.
    """
    return dict(header=_header(pose.frame, stamp), pose=pose_message(pose))


def detection_array(poses: Sequence[GraspPose], text: str, frame: str, stamp: tuple[int, int] = (0, 0)) -> dict:
    """``vision_msgs/Detection3DArray``, one detection per grasp, best first; none is an empty array.

    The box of a detection is the space between the jaws: opening, jaw size, and no extent along the approach.

    Args:
        poses: The grasps, all in the same frame.
        text: What was asked for; becomes ``class_id``.
        frame: Their frame, for the header of an empty array too.
        stamp: Seconds and nanoseconds at which the image was taken.

    Raises:
        ValueError: If a grasp is in another frame.
    """
    wrong = {pose.frame for pose in poses} - {frame}
    if wrong:
        raise ValueError(f'the array is in the frame {frame!r}, but there are grasps in {", ".join(sorted(wrong))}')
    header = _header(frame, stamp)
    detections = [
        dict(
            header=header,
            results=[
                dict(
                    hypothesis=dict(class_id=text, score=float(pose.score)),
                    pose=dict(pose=pose_message(pose), covariance=[0.0] * 36),
                )
            ],
            bbox=dict(center=pose_message(pose), size=dict(x=pose.opening, y=pose.jaw, z=0.0)),
            id=str(number),
        )
        for number, pose in enumerate(poses)
    ]
    return dict(header=header, detections=detections)


def detection_2d_array(
    boxes: np.ndarray,
    scores: np.ndarray,
    text: str,
    frame: str,
    stamp: tuple[int, int] = (0, 0),
) -> dict:
    """``vision_msgs/Detection2DArray``, one detection per box, best first; none is an empty array.

    Args:
        boxes: (N, 4) xyxy in pixels of the image.
        scores: (N,) in [0, 1].
        text: What was asked for; becomes ``class_id``.
        frame: The optical frame of the image.
        stamp: Seconds and nanoseconds at which the image was taken.
    """
    header = _header(frame, stamp)
    nowhere = dict(position=dict.fromkeys('xyz', 0.0), orientation=dict(zip('xyzw', (0.0, 0.0, 0.0, 1.0), strict=True)))
    detections = []
    for number, ((x1, y1, x2, y2), score) in enumerate(zip(np.asarray(boxes, float).tolist(), scores, strict=True)):
        center = dict(position=dict(x=(x1 + x2) / 2, y=(y1 + y2) / 2), theta=0.0)
        hypothesis = dict(class_id=text, score=float(score))
        detections.append(
            dict(
                header=header,
                results=[dict(hypothesis=hypothesis, pose=dict(pose=nowhere, covariance=[0.0] * 36))],
                bbox=dict(center=center, size_x=x2 - x1, size_y=y2 - y1),
                id=str(number),
            )
        )
    return dict(header=header, detections=detections)


def _header(frame: str, stamp: tuple[int, int]) -> dict:
    return dict(stamp=dict(sec=int(stamp[0]), nanosec=int(stamp[1])), frame_id=frame)
