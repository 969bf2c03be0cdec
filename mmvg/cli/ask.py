"""``mmvg demo``: ask sentences about pictures, films and cameras, or on a page in the browser."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mmvg.cli.arguments import (
    Backend,
    BackendOption,
    CheckpointOption,
    DeviceOption,
    ExpressionsArgument,
    ModelOption,
    ThresholdOption,
    TrustOption,
    model_and_weights,
)
from mmvg.cli.before_work import (
    camera_or_film,
    check_folder,
    check_order,
    check_question,
    check_sentences,
    check_target,
)
from mmvg.foundation import stay_light

if TYPE_CHECKING:
    from mmvg.apis import ExportedInferencer, GroundingInferencer

#: Answers where no model is named; its weights are part of the package.
SHIPPED_MODEL = 'instancevg_refshapes'
BatchSizeOption = Annotated[int, typer.Option(min=1, help='Pairs of picture and sentence that are computed together.')]


def scene(
    number: Annotated[int, typer.Option(min=0, help='Which picture; each number is another one.')] = 0,
    out_dir: Annotated[Path, typer.Option(metavar='DIR', help='The pictures go into this folder.')] = Path(
        'work_dirs/demo'
    ),
    config: ModelOption = None,
    checkpoint: CheckpointOption = None,
    score_thr: ThresholdOption = None,
    device: DeviceOption = None,
) -> None:
    """Draw a picture, ask four sentences about it, and draw the answers beside the truth.

    mmvg demo

    Needs no file and no network: the model comes with mmvg, and no data set has the picture. --number draws another.
    """
    model, weights = model_and_weights(config, checkpoint) if config or checkpoint else (SHIPPED_MODEL, None)

    import mmcv
    from mmengine.structures import InstanceData

    from mmvg.apis import GroundingInferencer, answer_record, describe_answer, draw_scene_with_questions
    from mmvg.visualization import GroundingVisualizer

    picture, questions = draw_scene_with_questions(number)
    inferencer = GroundingInferencer(model, weights, device, score_thr, show_progress=False)
    samples = inferencer(picture, [question.text for question in questions], return_datasamples=True)['predictions']
    if _is_exported(model, None):
        samples = [answer.to_sample() for answer in samples]
    for question, sample in zip(questions, samples, strict=True):
        sample.gt_instances = InstanceData(bboxes=question.boxes, masks=question.masks)
        sample.no_target = not len(question.boxes)
        sample.set_metainfo(dict(gt_frame='original'))
        answer = describe_answer(answer_record(sample, inferencer.score_thr))
        print(f'"{question.text}" ({len(question.boxes)} in the picture): {answer}')
    sheet = GroundingVisualizer(score_thr=inferencer.score_thr).contact_sheet(
        [(picture[..., ::-1], sample) for sample in samples], columns=2
    )
    mmcv.imwrite(picture, str(out_dir / f'scene_{number}.png'))
    mmcv.imwrite(sheet[..., ::-1], str(out_dir / f'answers_{number}.png'))
    print(f'the answers are drawn in {out_dir / f"answers_{number}.png"}')
    print(f'ask more: mmvg demo {out_dir / f"scene_{number}.png"} "the sentence" --config {model}')


def image(
    source: Annotated[str, typer.Argument(metavar='IMAGE', help='A picture, or a folder of pictures.')],
    expressions: ExpressionsArgument,
    config: ModelOption = None,
    checkpoint: CheckpointOption = None,
    out_dir: Annotated[Path | None, typer.Option(metavar='DIR', help='Draw the answers into this folder.')] = None,
    json: Annotated[Path | None, typer.Option(metavar='FILE', help='Write the whole answers to this file.')] = None,
    score_thr: ThresholdOption = None,
    batch_size: BatchSizeOption = 8,
    device: DeviceOption = None,
    backend: BackendOption = None,
    trust_config: TrustOption = False,
    grasp_maps: Annotated[
        bool, typer.Option('--grasp-maps', help='Draw quality, angle and opening beside answers with grasps.')
    ] = False,
    allow_url: Annotated[bool, typer.Option('--allow-url', help='Let the image be an address, and fetch it.')] = False,
) -> None:
    """Ask sentences about pictures.

    mmvg demo scene.jpg "the red ring" "both stars" --checkpoint last.pth

    Prints an answer per pair, and writes pictures and a JSON of all answers if asked to; mmvg score scores that JSON
    where the pictures and sentences are those of a test set. Pictures of a folder that cannot be read are left out and
    named at the end, with exit code 2.
    """
    model, weights = model_and_weights(config, checkpoint)
    if _is_exported(model, backend) and out_dir is None:  # what draws needs MMEngine
        stay_light()

    check_question(source, expressions, score_thr, allow_url)
    check_target('--json', json, source)
    check_folder('--out-dir', out_dir)
    if grasp_maps and out_dir is None:
        raise typer.BadParameter('--grasp-maps are drawn: give --out-dir too')

    inferencer = open_inferencer(model, weights, device, score_thr, trust_config, backend)

    from mmvg.apis import answer_record, describe_answer, save_answers
    from mmvg.apis.images import ImageError, is_image_folder

    if grasp_maps:
        if not hasattr(inferencer, 'keep_grasp_maps'):
            raise typer.BadParameter('--grasp-maps need the model itself, not an exported one')
        inferencer.keep_grasp_maps()
    results = inferencer(
        source,
        expressions,
        batch_size=batch_size,
        return_datasamples=True,
        draw=out_dir is not None,
        allow_url=allow_url,
        skip_unreadable=is_image_folder(source),
    )
    records = [answer_record(sample, inferencer.score_thr) for sample in results['predictions']]
    for record in records:
        print(f'{record["image"]}  "{record["expression"]}": {describe_answer(record)}')
    if json is not None:
        save_answers(results['predictions'], json, inferencer.score_thr)
        print(f'{len(records)} answers are in {json}')
    if out_dir is not None:
        import mmcv

        for number, (record, picture) in enumerate(zip(records, results['visualization'], strict=True)):
            path = out_dir / f'{number:04d}_{Path(str(record["image"])).stem}.png'
            mmcv.imwrite(picture[..., ::-1], str(path))
        print(f'{len(results["visualization"])} pictures are in {out_dir}')
    if unreadable := results['unreadable']:
        raise ImageError(f'{len(unreadable)} pictures of {source} were left out: ' + '; '.join(unreadable))


def _is_exported(model: str, backend: Backend | None) -> bool:
    from mmvg.export.folder import is_exported

    return backend is not None or is_exported(model)


def open_inferencer(
    model: str,
    weights: str | None,
    device: str | None,
    score_thr: float | None,
    trust_config: bool,
    backend: Backend | None,
) -> 'GroundingInferencer | ExportedInferencer':
    """Open a model, or an exported one, which needs neither PyTorch nor MMEngine."""
    if not _is_exported(model, backend):
        from mmvg.apis import GroundingInferencer

        return GroundingInferencer(model, weights, device, score_thr, trust_config=trust_config)
    if weights is not None:
        raise typer.BadParameter(
            f'--checkpoint {weights}: the exported model {model} has its own weights; leave it out'
        )
    from mmvg.apis import ExportedInferencer

    name = None if backend is None else backend.value
    return ExportedInferencer(model, name, device, score_thr, trust_config=trust_config)


def video(
    source: Annotated[str, typer.Argument(help='A film, or the number of a camera, the first being 0.')],
    expressions: ExpressionsArgument,
    config: ModelOption = None,
    checkpoint: CheckpointOption = None,
    out: Annotated[
        Path | None, typer.Option(metavar='FILM', help='Draw the answers into this film (.mp4, .avi or .mkv).')
    ] = None,
    json: Annotated[
        Path | None, typer.Option(metavar='FILE', help='Write an answer per line, frame and sentence.')
    ] = None,
    every: Annotated[int, typer.Option(metavar='N', help='Take only every n-th frame.')] = 1,
    max_frames: Annotated[int | None, typer.Option(metavar='N', help='End after so many frames.')] = None,
    score_thr: ThresholdOption = None,
    batch_size: BatchSizeOption = 8,
    device: DeviceOption = None,
    trust_config: TrustOption = False,
) -> None:
    """Ask sentences about a film or a camera.

    mmvg demo video film.mp4 "the red ring" --checkpoint last.pth --out answers.mp4

    Every frame is a picture of its own. Ctrl+C ends it; what has been answered until then is kept.
    """
    model, weights = model_and_weights(config, checkpoint)
    if not out and not json:
        raise typer.BadParameter('give --out, --json, or both: there is no window to show the answers in')

    check_sentences(expressions, score_thr)
    check_order(source, expressions)
    for option, path in (('--out', out), ('--json', json)):
        check_target(option, path, source)

    from mmvg.apis import FrameSource, GroundingInferencer, answer_video
    from mmvg.apis.video import check_files, check_film_name

    if out is not None:
        check_film_name(out)
    frames = FrameSource(camera_or_film(source), every, max_frames)
    check_files(frames, out, json)
    inferencer = GroundingInferencer(model, weights, device, score_thr, trust_config=trust_config)
    try:
        count = answer_video(inferencer, frames, expressions, out, json, batch_size)
        print(f'{count} frames of {source} are answered')
    except KeyboardInterrupt:
        print('stopped before the end')
    for path in filter(None, (out, json)):
        print(f'the answers are in {path}')


def web(
    config: ModelOption = None,
    checkpoint: CheckpointOption = None,
    work_dir: Annotated[str, typer.Option(metavar='DIR', help='Offer the checkpoints in this folder.')] = 'work_dirs',
    device: DeviceOption = None,
    trust_config: TrustOption = False,
    host: Annotated[str, typer.Option(help='0.0.0.0 lets other machines use the page.')] = '127.0.0.1',
    port: Annotated[int | None, typer.Option(min=1, max=65535, help='Default: the first free one from 7860.')] = None,
    max_megapixels: Annotated[float, typer.Option(help='Of a picture.')] = 32,
    max_sentences: Annotated[int, typer.Option(help='At once.')] = 32,
    max_letters: Annotated[int, typer.Option(help='Of a sentence.')] = 500,
    max_waiting: Annotated[int, typer.Option(help='Requests; one is computed at a time, others are refused.')] = 64,
    max_upload_mb: Annotated[float, typer.Option(help='Of a file.')] = 50,
    max_visitor_mb: Annotated[float, typer.Option(help='Memory for the answers to one visitor.')] = 32,
    max_memory_mb: Annotated[float, typer.Option(help='Memory for the answers to all visitors.')] = 512,
    max_disk_mb: Annotated[float, typer.Option(help='Disk for uploads and drawings.')] = 1024,
) -> None:
    """Open a page in the browser to upload pictures and ask.

    It offers the checkpoints in work_dirs, the newest first, and the models that come with mmvg.
    """
    if find_spec('gradio') is None:
        raise FileNotFoundError('the page needs Gradio: pip install -r requirements/web.txt')

    from mmvg.webpage import ModelChoice, find_choices
    from mmvg.webpage.limits import Limits

    limits = Limits(
        megapixels=max_megapixels,
        sentences=max_sentences,
        letters=max_letters,
        waiting=max_waiting,
        upload_mb=max_upload_mb,
        visitor_mb=max_visitor_mb,
        memory_mb=max_memory_mb,
        disk_mb=max_disk_mb,
    )
    asked_for = [ModelChoice(*model_and_weights(config, checkpoint), trust_config)] if config or checkpoint else []
    choices = find_choices(work_dir, asked_for)

    from mmvg.webpage.page import build_page, launch_page
    from mmvg.webpage.session import Session

    session = Session(choices, device, limits=limits)
    for choice in asked_for:  # what was named has to be there; of the others, what can be loaded
        session.model(choice.label)
    launch_page(build_page(session), host, port)
