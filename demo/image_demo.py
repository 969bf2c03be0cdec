"""Ask sentences about pictures.

    python demo/image_demo.py scene.jpg "the red ring" "both stars" --checkpoint last.pth

Prints an answer per pair, and writes pictures and a JSON of all answers if asked to; eval_metric.py scores that JSON
where the pictures and sentences are those of a test set.
"""

import argparse
from pathlib import Path

from mmvg.apis import run_command


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('image', help='a picture, or a folder of pictures')
    parser.add_argument('expressions', nargs='+', metavar='expression', help='what to look for; several are allowed')
    parser.add_argument('--config', help='a config or a name of `mmvg models`; not needed if the checkpoint carries it')
    parser.add_argument('--checkpoint', help='weights (.pth or .safetensors)')
    parser.add_argument('--out-dir', type=Path, metavar='DIR', help='draw the answers into this folder')
    parser.add_argument('--json', type=Path, metavar='FILE', help='write the whole answers to this file')
    parser.add_argument('--score-thr', type=float, help='report instances that score this much; default: the config')
    parser.add_argument('--batch-size', type=int, default=8, help='pairs that are computed together')
    parser.add_argument('--device', help='such as cpu or cuda:0; default: a GPU if there is one')
    parser.add_argument('--allow-url', action='store_true', help='let the image be an address, and fetch it')
    args = parser.parse_args()
    if not args.config and not args.checkpoint:
        parser.error('give --checkpoint, --config, or both')
    return args


def main() -> None:
    args = parse_args()

    from mmvg.apis import GroundingInferencer, answer_record, describe_answer, save_answers

    model, weights = (args.config, args.checkpoint) if args.config else (args.checkpoint, None)
    inferencer = GroundingInferencer(model, weights, args.device, args.score_thr)
    results = inferencer(
        args.image,
        args.expressions,
        batch_size=args.batch_size,
        return_datasamples=True,
        draw=args.out_dir is not None,
        allow_url=args.allow_url,
    )
    records = [answer_record(sample, inferencer.score_thr) for sample in results['predictions']]
    for record in records:
        print(f'{record["image"]}  "{record["expression"]}": {describe_answer(record)}')
    if args.json is not None:
        save_answers(results['predictions'], args.json, inferencer.score_thr)
        print(f'{len(records)} answers are in {args.json}')
    if args.out_dir is not None:
        for number, (record, picture) in enumerate(zip(records, results['visualization'], strict=True)):
            save_picture(picture, args.out_dir / f'{number:04d}_{Path(str(record["image"])).stem}.png')
        print(f'{len(results["visualization"])} pictures are in {args.out_dir}')


def save_picture(picture, path: Path) -> None:
    """Write an RGB picture (h, w, 3)."""
    import mmcv

    mmcv.imwrite(picture[..., ::-1], str(path))


if __name__ == '__main__':
    run_command(main)
