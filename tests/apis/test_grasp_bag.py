"""Messages are checked against the definitions of ROS 2, and bags are written and read, with ``rosbags``."""

import math

import numpy as np
import pytest

pytest.importorskip('rosbags')

from camera_messages import FRAME, HEIGHT, WIDTH, KnowingModel
from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import Writer
from rosbags.typesys import Stores

from mmvg.apis.grasp import GraspPose
from mmvg.apis.grasp_bag import TOPICS, answer_bag, messages_of, ros_message
from mmvg.apis.grasp_messages import detection_2d_array, detection_array, pose_stamped
from mmvg.apis.grasp_service import GraspService, GraspSettings

POSE = GraspPose(
    position=np.array([0.1, -0.2, 0.7]),
    rotation=np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]),
    opening=0.06,
    jaw=0.02,
    score=0.9,
    frame='base_link',
)
BOXES = np.array([[1.0, 2, 11, 22], [0, 0, 5, 5]], np.float32)


def as_dict(message):
    """A message of rosbags as plain numbers, strings, lists and dicts."""
    if hasattr(message, '__msgtype__'):
        names = [name for name in vars(message) if name != '__msgtype__']
        return {name: as_dict(getattr(message, name)) for name in names}
    return [as_dict(entry) for entry in message] if isinstance(message, (list, np.ndarray)) else message


@pytest.mark.parametrize('release', [Stores.ROS2_HUMBLE, Stores.ROS2_JAZZY])
@pytest.mark.parametrize(
    ('name', 'fields'),
    [
        ('geometry_msgs/msg/PoseStamped', pose_stamped(POSE, (12, 34))),
        ('vision_msgs/msg/Detection3DArray', detection_array([POSE, POSE], 'the blue mug', 'base_link', (5, 6))),
        ('vision_msgs/msg/Detection3DArray', detection_array([], 'the blue mug', 'base_link')),
        ('vision_msgs/msg/Detection2DArray', detection_2d_array(BOXES, [0.9, 0.5], 'the blue mug', FRAME, (5, 6))),
        ('vision_msgs/msg/Detection2DArray', detection_2d_array(BOXES[:0], [], 'the blue mug', FRAME)),
    ],
)
def test_a_dictionary_is_the_message_and_comes_back_from_the_wire(release, name, fields):
    typestore = messages_of(release)
    wire = typestore.serialize_cdr(ros_message(typestore, name, fields), name)
    assert as_dict(typestore.deserialize_cdr(wire, name)) == fields


@pytest.mark.parametrize('change', [dict(frame='base_link'), dict(header=None)])
def test_a_dictionary_with_other_fields_is_no_message(change):
    fields = {key: value for key, value in (pose_stamped(POSE) | change).items() if value is not None}
    with pytest.raises(ValueError, match='PoseStamped has the fields header, pose, not'):
        ros_message(messages_of(), 'geometry_msgs/msg/PoseStamped', fields)


def write_bag(
    path, seconds=(10.0, 10.5, 11.0, 11.6), names=('/camera/color', '/camera/depth'), metres=0.6, blind=(), late=0
):
    """A recording of a box under a camera, with ``sensor_msgs`` only; at the seconds in ``blind`` without depth.

    Depth is taken ``late`` seconds after the image.
    """
    typestore = messages_of()

    def header(time):
        return dict(stamp=dict(sec=int(time), nanosec=round(time % 1 * 1e9)), frame_id=FRAME)

    def image(array, encoding, time):
        rows = array.reshape(HEIGHT, -1).view(np.uint8)
        return dict(header=header(time), height=HEIGHT, width=WIDTH, encoding=encoding, is_bigendian=0) | dict(
            step=rows.shape[1], data=rows.reshape(-1)
        )

    roi = dict(x_offset=0, y_offset=0, height=0, width=0, do_rectify=False)
    info = dict(height=HEIGHT, width=WIDTH, distortion_model='plumb_bob', d=[0.0] * 5, binning_x=0, binning_y=0) | dict(
        k=[60.0, 0, 32, 0, 60, 24, 0, 0, 1], r=[0.0] * 9, p=[0.0] * 12, roi=roi
    )
    colour, depth = np.zeros((HEIGHT, WIDTH, 3), np.uint8), np.full((HEIGHT, WIDTH), round(1000 * metres), np.uint16)
    with Writer(path, version=8) as bag:
        topics = {}
        for name, kind in (
            (f'{names[0]}/camera_info', 'sensor_msgs/msg/CameraInfo'),
            (f'{names[1]}/camera_info', 'sensor_msgs/msg/CameraInfo'),
            (f'{names[0]}/image_raw', 'sensor_msgs/msg/Image'),
            (f'{names[1]}/image_raw', 'sensor_msgs/msg/Image'),
        ):
            topics[name] = bag.add_connection(name, kind, typestore=typestore)
        for time in seconds:
            messages = (
                info | dict(header=header(time)),
                info | dict(header=header(time)),
                image(colour, 'bgr8', time),
                image(depth, '16UC1', time + late),
            )
            for topic, fields in zip(topics.values(), messages[: 3 if time in blind else 4], strict=False):
                message = ros_message(typestore, topic.msgtype, fields)
                bag.write(topic, round(1e9 * time), typestore.serialize_cdr(message, topic.msgtype))
    return path


def test_a_bag_is_answered_and_the_answers_are_a_bag(tmp_path):
    model = KnowingModel()
    replies = list(
        answer_bag(
            GraspService(model), write_bag(tmp_path / 'bag'), ['the box', 'the zebra'], tmp_path / 'out', every=1.0
        )
    )
    assert [(reply.sentence, reply.stamp[0], len(reply.poses)) for reply in replies] == [
        ('the box', 10, 2),
        ('the zebra', 10, 0),
        ('the box', 11, 2),
        ('the zebra', 11, 0),
    ]
    with AnyReader([tmp_path / 'out'], default_typestore=messages_of()) as bag:
        read = [
            (connection.topic, time, bag.deserialize(raw, connection.msgtype))
            for connection, time, raw in bag.messages()
        ]
    found = {topic: [message for name, _, message in read if name == topic] for topic in TOPICS}
    assert {topic: len(messages) for topic, messages in found.items()} == {
        '/mmvg/grasp': 2,  # nothing is to be taken of the zebra
        '/mmvg/grasps': 4,
        '/mmvg/detections': 4,
    }
    pose = found['/mmvg/grasp'][0]
    assert (pose.header.frame_id, pose.header.stamp.sec) == (FRAME, 10)
    assert pose.pose.position.z == pytest.approx(0.6)
    assert [len(message.detections) for message in found['/mmvg/grasps']] == [2, 0, 2, 0]
    assert {time for _, time, _ in read} == {10 * 10**9, 11 * 10**9}


@pytest.mark.parametrize(('max_skew', 'left_out'), [(0.12, ()), (0.05, (10.1, 10.3, 10.5))])
def test_each_image_with_a_depth_is_answered_in_order_and_the_others_are_counted(tmp_path, caplog, max_skew, left_out):
    seconds = (10.0, 10.1, 10.2, 10.3, 10.4, 10.5)
    bag = write_bag(tmp_path / 'bag', seconds, blind=(10.1, 10.3, 10.5))
    service = GraspService(KnowingModel(), GraspSettings(max_skew=max_skew))
    replies = answer_bag(service, bag, ['the box'], every=0)
    asked = [reply.stamp[0] + round(1e-9 * reply.stamp[1], 3) for reply in replies]
    assert asked == [time for time in seconds if time not in left_out]
    assert [record.getMessage() for record in caplog.records] == (
        ['3 of 6 images had no depth within 0.05 s, and were not asked about'] if left_out else []
    )


def test_topics_are_named_where_they_could_be_several(tmp_path):
    bag = write_bag(tmp_path / 'bag', names=('/left', '/right'))  # nothing is called depth
    with pytest.raises(ValueError, match=r'--image-topic .*2 topics could be it.*/left/image_raw \(sensor_msgs'):
        list(answer_bag(GraspService(KnowingModel()), bag, ['the box']))
    replies = list(
        answer_bag(
            GraspService(KnowingModel()), bag, ['the box'], image='/left/image_raw', depth='/right/image_raw', every=0
        )
    )
    assert len(replies) == 4
    with pytest.raises(ValueError, match='--depth-topic /depth: the bag has no such topic'):
        list(answer_bag(GraspService(KnowingModel()), bag, ['the box'], image='/left/image_raw', depth='/depth'))


def test_bags_that_are_not_there_or_cannot_be_answered_are_named(tmp_path):
    service = GraspService(KnowingModel())
    with pytest.raises(FileNotFoundError, match='there is no such bag'):
        next(answer_bag(service, tmp_path / 'lost', ['the box']))
    bag = write_bag(tmp_path / 'bag', late=0.2)
    with pytest.raises(FileExistsError, match='is there already'):
        next(answer_bag(service, bag, ['the box'], out=tmp_path))
    with pytest.raises(ValueError, match='no depth was taken within'):
        list(answer_bag(service, bag, ['the box']))


def test_depth_in_another_unit_is_doubted_in_the_answer(tmp_path):
    (reply,) = answer_bag(GraspService(KnowingModel()), write_bag(tmp_path / 'bag', (10.0,), metres=6.0), ['the box'])
    assert 'farther than arms reach' in reply.doubts[0]
    assert math.isclose(reply.poses[0].position[2], 6)
