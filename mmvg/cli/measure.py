"""``mmvg benchmark`` and ``mmvg curves``."""

from pathlib import Path
from typing import Annotated

import typer

from mmvg.cli.arguments import CfgOptions, ConfigArgument, DeviceOption, parse_options
from mmvg.cli.before_work import check_folder, check_picture
from mmvg.cli.run import AmpOption


def benchmark(
    config: ConfigArgument,
    checkpoint: Annotated[str | None, typer.Option(help='Weights; without them they are random.')] = None,
    batch: Annotated[int, typer.Option(min=1, help='Pictures, with a sentence each.')] = 1,
    device: DeviceOption = None,
    amp: AmpOption = None,
    picture: Annotated[tuple[int, int], typer.Option(metavar='WIDTH HEIGHT', help='Of the pictures.')] = (640, 480),
    sentence: Annotated[str | None, typer.Option(help='What is asked about each.')] = None,
    warm_up: Annotated[int, typer.Option(min=0, help='Answers that are not counted.')] = 3,
    repetitions: Annotated[int, typer.Option(min=1, help='Answers that are.')] = 20,
    threads: Annotated[int | None, typer.Option(min=1, help='Of the CPU; default: as torch has it.')] = None,
    out: Annotated[Path | None, typer.Option(metavar='JSON', help='Write all times to this file.')] = None,
    cfg_options: CfgOptions = None,
) -> None:
    """Time a model: preprocessing, network, post-processing.

    mmvg benchmark instancevg/refshapes --checkpoint instancevg_refshapes

    On pictures of noise, so that no data is needed; decoding a file is not counted. A time is that of one batch.
    """
    if out is not None:
        check_folder('--out', out.parent)

    import json

    import torch
    from rich.console import Console
    from rich.table import Table

    from mmvg.analysis.latency import peak_memory
    from mmvg.apis import load_config
    from mmvg.apis.benchmark import SENTENCE
    from mmvg.apis.benchmark import benchmark as run

    if threads is not None:
        torch.set_num_threads(threads)
    device = device or ('cuda' if torch.cuda.is_available() else 'cpu')
    cfg = load_config(config, parse_options(cfg_options))
    timings, remarks = run(cfg, checkpoint, batch, device, amp, picture, sentence or SENTENCE, warm_up, repetitions)
    memory, of = peak_memory(device)
    place = (
        torch.cuda.get_device_name(device) if device.startswith('cuda') else f'CPU, {torch.get_num_threads()} threads'
    )
    title = f'{config}, {place}, {amp or "fp32"}, batch {batch}, pictures of {picture[0]} x {picture[1]}'
    table = Table('ms for a batch')
    for heading in ('mean', 'p50', 'p95', 'ms for a picture'):
        table.add_column(heading, justify='right')
    for phase, timing in timings.items():
        if phase == 'total':
            table.add_section()
        numbers = (timing.mean, timing.percentile(50), timing.percentile(95), timing.mean / batch)
        table.add_row(phase, *(f'{1000 * seconds:.2f}' for seconds in numbers))
    console = Console()
    console.print(title)
    console.print(table)
    console.print(f'{batch / timings["total"].mean:.2f} pictures a second; {memory / 2**20:.0f} MiB at most ({of})')
    for remark in remarks:
        console.print(remark, highlight=False)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        about = dict(config=config, device=place, amp=amp, batch=batch, picture=picture, peak_bytes=memory)
        seconds = {phase: list(timing.seconds) for phase, timing in timings.items()}
        out.write_text(json.dumps(about | dict(remarks=remarks, seconds=seconds), indent=1), encoding='utf-8')


def curves(
    runs: Annotated[
        list[str],
        typer.Argument(metavar='RUN...', help='Work dirs of trainings, or their scalars.json; NAME=PATH names one.'),
    ],
    out: Annotated[Path, typer.Option(metavar='FILE', help='The picture: .png, .svg or .pdf.')] = Path('curves.png'),
    keys: Annotated[
        list[str] | None, typer.Option(metavar='KEY...', help='Scalars; by default the loss and the scores.')
    ] = None,
    smooth: Annotated[int, typer.Option(min=1, metavar='N', help='Mean of so many logged values.')] = 1,
    list_: Annotated[bool, typer.Option('--list', help='Print which scalars there are, and draw nothing.')] = False,
) -> None:
    """Draw the curves of trainings, several in one picture.

    mmvg curves work_dirs/instancevg_refshapes work_dirs/lavt_refshapes --keys loss gres/gIoU
    """
    from mmvg.analysis.curves import draw_curves, read_curves

    read = {}
    for run in runs:
        name, found, path = run.partition('=')
        if not found or Path(run).exists():
            name, path = Path(run).name if Path(run).is_dir() else run, run
        if name in read:
            raise typer.BadParameter(f'two runs are called {name}: name them, NAME=PATH', param_hint='RUN')
        read[name] = read_curves(path)
    if list_:
        for name, scalars in read.items():
            for key, (x, y) in scalars.items():
                print(f'{name}  {key}: {len(y)} values to iteration {x[-1]}, the last {y[-1]:.6g}')
        return
    check_picture('--out', out, plot=True)
    names = draw_curves(read, out, keys, smooth)
    print(f'{", ".join(names)} of {len(read)} runs are drawn in {out}')
