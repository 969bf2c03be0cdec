"""Answers about a recorded ROS 2 bag, read and written with ``rosbags``: no ROS is needed."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rosbags.highlevel import AnyReader
from rosbags.interfaces import Nodetype
from rosbags.rosbag2 import Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from mmvg.apis.grasp_service import GraspReply, GraspService

_LOG = logging.getLogger('mmvg')
#: Messages of vision_msgs 4 (Humble and later), which rosbags does not bring along.
VISION_MESSAGES = {
    'Point2D': 'float64 x\nfloat64 y',
    'Pose2D': 'vision_msgs/Point2D position\nfloat64 theta',
    'BoundingBox2D': 'vision_msgs/Pose2D center\nfloat64 size_x\nfloat64 size_y',
    'BoundingBox3D': 'geometry_msgs/Pose center\ngeometry_msgs/Vector3 size',
    'ObjectHypothesis': 'string class_id\nfloat64 score',
    'ObjectHypothesisWithPose': 'vision_msgs/ObjectHypothesis hypothesis\ngeometry_msgs/PoseWithCovariance pose',
} | {
    name: text
    for sides in ('2D', '3D')
    for name, text in {
        f'Detection{sides}': (
            'std_msgs/Header header\nvision_msgs/ObjectHypothesisWithPose[] results\n'
            f'vision_msgs/BoundingBox{sides} bbox\nstring id'
        ),
        f'Detection{sides}Array': f'std_msgs/Header header\nvision_msgs/Detection{sides}[] detections',
    }.items()
}
#: What is written of an answer: topic -> message, and how a reply makes it.
TOPICS = {
    '/mmvg/grasp': ('geometry_msgs/msg/PoseStamped', GraspReply.pose),
    '/mmvg/grasps': ('vision_msgs/msg/Detection3DArray', GraspReply.grasps),
    '/mmvg/detections': ('vision_msgs/msg/Detection2DArray', GraspReply.detections),
}
_IMAGES = ('sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage')


@dataclass(frozen=True)
class BagTopics:
    """Where image, depth and camera info are in a bag."""

    image: str
    depth: str
    camera_info: str


def messages_of(store: Stores = Stores.ROS2_HUMBLE) -> Typestore:
    """The messages of a release of ROS 2 with those of ``vision_msgs``."""
    typestore = get_typestore(store)
    for name, text in VISION_MESSAGES.items():
        typestore.register(get_types_from_msg(text, f'vision_msgs/msg/{name}'))
    return typestore


def ros_message(typestore: Typestore, name: str, fields: dict[str, Any]) -> Any:
    """Make a message of a dictionary, such as :func:`mmvg.apis.pose_stamped` gives.

    Args:
        typestore: Knows ``name``.
        name: Such as ``'geometry_msgs/msg/PoseStamped'``.
        fields: All fields of it, and no other.

    Raises:
        ValueError: If a field is missing, or there is none of that name.
    """
    kinds = dict(typestore.fielddefs[name][1])
    if kinds.keys() != fields.keys():
        raise ValueError(f'{name} has the fields {", ".join(kinds)}, not {", ".join(fields)}')
    values = {field: _field(typestore, *kind, fields[field]) for field, kind in kinds.items()}
    return typestore.types[name](**values)


def _field(typestore: Typestore, kind: Nodetype, of: Any, value: Any) -> Any:
    if kind is Nodetype.NAME:
        return ros_message(typestore, of, value)
    if kind is Nodetype.BASE:
        return value
    (inner, inner_of), length = of
    if kind is Nodetype.ARRAY and len(value) != length:
        raise ValueError(f'an array of {length} numbers has {len(value)}')
    if inner is Nodetype.BASE and inner_of[0] != 'string':
        return np.array(value, dtype=inner_of[0])
    return [_field(typestore, inner, inner_of, entry) for entry in value]


def find_topics(bag: AnyReader, image: str | None, depth: str | None, camera_info: str | None) -> BagTopics:
    """Find the topics that are not named: what is called depth is depth, and the info lies beside the image.

    Raises:
        ValueError: If a named topic is not there, or one that is not named could be several or none.
    """
    kinds = {connection.topic: connection.msgtype for connection in bag.connections}
    images = [topic for topic, kind in kinds.items() if kind in _IMAGES]
    depths = [topic for topic in images if 'depth' in topic]
    image = _the_topic('image', image, [topic for topic in images if topic not in depths], kinds)
    depth = _the_topic('depth', depth, depths, kinds)
    infos = [topic for topic, kind in kinds.items() if kind == 'sensor_msgs/msg/CameraInfo']
    beside = [topic for topic in infos if image.startswith(topic.rpartition('/')[0] + '/')]
    return BagTopics(image, depth, _the_topic('camera-info', camera_info, beside or infos, kinds))


def _the_topic(name: str, given: str | None, candidates: Sequence[str], kinds: dict[str, str]) -> str:
    known = ', '.join(f'{topic} ({kind})' for topic, kind in sorted(kinds.items())) or 'none'
    if given is not None:
        if given not in kinds:
            raise ValueError(f'--{name}-topic {given}: the bag has no such topic; it has {known}')
        return given
    if len(candidates) != 1:
        found = f'{len(candidates)} topics could be it' if candidates else 'no topic could be it'
        raise ValueError(f'say with --{name}-topic which topic of the bag it is: {found}; the bag has {known}')
    return candidates[0]


def check_bag(bag: Path, out: Path | None) -> None:
    """Check that there is a bag to read, and none where the answers go.

    Raises:
        FileNotFoundError: If there is no bag.
        FileExistsError: If there is something at ``out`` already.
    """
    if not bag.exists():
        raise FileNotFoundError(f'{bag}: there is no such bag')
    if out is not None and out.exists():
        raise FileExistsError(f'{out}: is there already; name a new folder for the answers')


def answer_bag(
    service: GraspService,
    bag: Path,
    sentences: Sequence[str],
    out: Path | None = None,
    every: float = 1.0,
    image: str | None = None,
    depth: str | None = None,
    camera_info: str | None = None,
) -> Iterator[GraspReply]:
    """Ask all sentences every so many seconds of a recording.

    Args:
        service: Answers.
        bag: Folder of a ROS 2 bag, or a file of ROS 1.
        sentences: What is asked.
        out: A new bag for the answers, with the topics of ``TOPICS``; bags are never replaced.
        every: Seconds between two images that are asked about, at least; 0 for all that have a depth. How many have
            none is logged.
        image: Topic of the images; by default the one that is not called depth.
        depth: Topic of the depth, registered to the images.
        camera_info: Topic of the intrinsics of the images.

    Yields:
        The answers, in order.

    Raises:
        FileNotFoundError: If there is no bag.
        FileExistsError: If there is a bag at ``out`` already.
        ValueError: If a topic is not there, or nothing in the bag could be answered; or see :meth:`GraspService.ask`.
    """
    check_bag(bag, out)
    typestore = messages_of()
    writer = None if out is None else Writer(out, version=8)
    with AnyReader([bag], default_typestore=typestore) as reader:
        topics = find_topics(reader, image, depth, camera_info)
        if writer is not None:
            writer.open()
        try:
            for reply, time in _replies(service, reader, topics, sentences, every):
                if writer is not None:
                    _write(writer, typestore, reply, time)
                yield reply
        finally:
            if writer is not None:
                writer.close()


def _replies(
    service: GraspService, reader: AnyReader, topics: BagTopics, sentences: Sequence[str], every: float
) -> Iterator[tuple[GraspReply, int]]:
    """Answers with the nanoseconds at which the last message that they needed was recorded."""
    count, last = 0, -np.inf
    for seconds, time in _images_with_depth(service, reader, topics):
        count += 1
        if seconds >= last + every:
            last = seconds
            for sentence in sentences:
                yield service.ask(sentence, at=seconds), time
    if not count:
        service.newest()  # raises what is missing
    if (images := reader.topics[topics.image].msgcount) > count:
        skew = service.settings.max_skew
        _LOG.warning('%d of %d images had no depth within %g s, and were not asked about', images - count, images, skew)


def _images_with_depth(service: GraspService, reader: AnyReader, topics: BagTopics) -> Iterator[tuple[float, int]]:
    """Seconds of the images that have a depth, in order, and when the last message that they needed was recorded."""
    take = {
        topics.image: service.on_image,
        topics.depth: service.on_depth,
        topics.camera_info: service.on_camera_info,
    }
    last, time = -np.inf, 0
    wanted = [connection for connection in reader.connections if connection.topic in take]
    for connection, time, raw in reader.messages(wanted):
        take[connection.topic](reader.deserialize(raw, connection.msgtype))
        for last in service.with_depth(after=last):  # noqa: B020
            yield last, time
    for last in service.with_depth(after=last, ended=True):  # noqa: B020
        yield last, time


def _write(writer: Writer, typestore: Typestore, reply: GraspReply, time: int) -> None:
    connections = {connection.topic: connection for connection in writer.connections}
    for topic, (name, make) in TOPICS.items():
        if topic not in connections:
            connections[topic] = writer.add_connection(topic, name, typestore=typestore)
        if (fields := make(reply)) is not None:
            message = typestore.serialize_cdr(ros_message(typestore, name, fields), name)
            writer.write(connections[topic], time, message)
