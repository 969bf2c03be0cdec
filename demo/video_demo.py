"""Ask sentences about a film or a camera.

    python demo/video_demo.py film.mp4 "the red ring" "both stars" --checkpoint last.pth --out answers.mp4
    python demo/video_demo.py 0 "the mug" --checkpoint last.pth --out answers.mp4 --json answers.jsonl --max-frames 200

Every frame is a picture of its own. Ctrl+C ends it; what has been answered until then is kept.
"""

import argparse
from pathlib import Path

from mmvg.apis import run_command


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('source', help='a film, or the number of a camera, the first being 0')
    parser.add_argument('expressions', nargs='+', metavar='expression', help='what to look for; several are allowed')
    parser.add_argument('--config', help='a config or a name of `mmvg models`; not needed if the checkpoint carries it')
    parser.add_argument('--checkpoint', help='weights (.pth or .safetensors)')
    parser.add_argument('--out', type=Path, metavar='FILM', help='draw the answers into this film (.mp4, .avi or .mkv)')
    parser.add_argument('--json', type=Path, metavar='FILE', help='write an answer per line, frame and sentence')
    parser.add_argument('--every', type=int, default=1, metavar='N', help='take only every n-th frame')
    parser.add_argument('--max-frames', type=int, metavar='N', help='end after so many frames')
    parser.add_argument('--score-thr', type=float, help='report instances that score this much; default: the config')
    parser.add_argument('--batch-size', type=int, default=8, help='pairs of frame and sentence computed together')
    parser.add_argument('--device', help='such as cpu or cuda:0; default: a GPU if there is one')
    args = parser.parse_args()
    if not args.config and not args.checkpoint:
        parser.error('give --checkpoint, --config, or both')
    if not args.out and not args.json:
        parser.error('give --out, --json, or both: there is no window to show the answers in')
    return args


def main() -> None:
    args = parse_args()

    from mmvg.apis import FrameSource, GroundingInferencer, answer_video

    source = int(args.source) if args.source.isdigit() else args.source
    frames = FrameSource(source, args.every, args.max_frames)
    model, weights = (args.config, args.checkpoint) if args.config else (args.checkpoint, None)
    inferencer = GroundingInferencer(model, weights, args.device, args.score_thr)
    try:
        count = answer_video(inferencer, frames, args.expressions, args.out, args.json, args.batch_size)
        print(f'{count} frames of {args.source} are answered')
    except KeyboardInterrupt:
        print('stopped before the end')
    for path in filter(None, (args.out, args.json)):
        print(f'the answers are in {path}')


if __name__ == '__main__':
    run_command(main)
