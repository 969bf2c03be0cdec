"""The page itself, in Gradio; what it does is in :mod:`mmvg.webpage.session`."""

import atexit
import os
import shutil
import tempfile
from html import escape
from itertools import count
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from mmvg.visualization.layers import PARTS
from mmvg.webpage.guarded_blocks import BoundedRequests, GuardedBlocks
from mmvg.webpage.scenes import draw_example
from mmvg.webpage.session import Session, explain, records, table

SHOWN = ('boxes', 'masks', 'points', 'grasps')
CSS = """
.answers {width: 100%; border-collapse: collapse} .answers td, .answers th {text-align: left; padding: 4px 8px}
.answers tr.nothing td {color: #8a4b00} .problem {border-left: 4px solid #d55e00; padding: 8px 12px; font-weight: 600}
.hint {padding: 8px 12px; border-left: 4px solid #0072b2} #gallery .grid-wrap {max-height: none; overflow: visible}
#gallery .thumbnail-item {aspect-ratio: auto; height: auto; align-self: start}
#gallery .thumbnail-item img {height: auto}
"""


def build_page(session: Session) -> GuardedBlocks:
    """Lay out the page on the models of ``session``; the first of them that can be is loaded.

    Raises:
        FileNotFoundError: If the files of all models are gone.
        ValueError: If no model can be loaded.
    """
    labels = list(session.choices)
    first = session.first_model()
    numbers = count()
    folder = _private_folder()

    def show(ticket: str | None, threshold: float, parts: list[str]) -> tuple:
        """Gallery, table, JSON and hint for answers that are there already."""
        if ticket is None:
            return (gr.skip(),) * 4
        try:
            answers = session.kept.get(ticket)
            rows = records(answers, threshold)
            return session.draw(answers, threshold, parts), table(rows), rows, ''
        except Exception as error:
            return None, '', None, problem(error)

    def find(label: str, picture: str | None, text: str, threshold: float, parts: list[str], old: str | None) -> tuple:
        session.kept.drop(old)
        try:
            ticket = session.kept.put(session.ask(label, picture, text))
        except Exception as error:
            return None, None, '', None, problem(error)
        return ticket, *show(ticket, threshold, parts)

    def choose(label: str, old: str | None) -> tuple:
        """Threshold of a model, and nothing else: the answers that are shown are those of another one."""
        session.kept.drop(old)
        try:
            threshold, hint = session.model(label).score_thr, note(f'{label} is ready. Press Find.')
        except Exception as error:
            threshold, hint = gr.skip(), problem(error)
        return threshold, None, None, '', None, hint

    def draw_scene() -> tuple:
        image, sentences = draw_example(next(numbers))
        return image, '\n'.join(sentences)

    with GuardedBlocks(title='mmvg', analytics_enabled=False, fill_width=True, delete_cache=(3600, 3600)) as page:
        page.limits, page.folder = session.limits, folder
        gr.Markdown('# What does the sentence mean in the picture?')
        answers = gr.State(None, time_to_live=3600, delete_callback=session.kept.drop)
        with gr.Row():
            with gr.Column(scale=2, min_width=320):
                picture = gr.Image(
                    label='picture', sources=['upload', 'webcam', 'clipboard'], format='png', elem_id='picture'
                )
                page.take_pictures(picture)  # mmvg reads it, and says what is wrong with it
                scene = gr.Button('Draw a scene of RefShapes', elem_id='scene')
                text = gr.Textbox(
                    label='sentences, one per line (Shift+Enter asks)',
                    lines=4,
                    placeholder='the red ring\nboth stars\nthe mug by its handle',
                    elem_id='sentences',
                )
                text.preprocess = as_typed
                ask = gr.Button('Find', variant='primary', elem_id='find')
                threshold = gr.Slider(
                    0, 1, session.model(first).score_thr, step=0.01, label='score threshold', elem_id='threshold'
                )
                threshold.preprocess = as_typed
                parts = gr.CheckboxGroup(list(PARTS), value=list(SHOWN), label='draw', elem_id='parts')
                label = gr.Dropdown(labels, value=first, label='model', filterable=False, elem_id='model')
            with gr.Column(scale=4, min_width=480):
                hint = gr.HTML(note('Upload a picture, write sentences, and press Find.'), elem_id='hint')
                gallery = gr.Gallery(
                    show_label=False, format='png', columns=2, height='auto', object_fit='contain', elem_id='gallery'
                )
                rows = gr.HTML(elem_id='answers')
                with gr.Accordion('as JSON', open=False):
                    content = gr.JSON(show_label=False, elem_id='json')
        shown = [gallery, rows, content, hint]
        asked = [label, picture, text, threshold, parts, answers]
        work, redraw = dict(concurrency_id='models', concurrency_limit=1), [answers, threshold, parts]
        ask.click(find, asked, [answers, *shown], api_name='find', **work)
        text.submit(find, asked, [answers, *shown], api_name=False, **work)
        threshold.change(show, redraw, shown, show_progress='hidden', trigger_mode='always_last', api_name=False)
        parts.change(show, redraw, shown, show_progress='hidden', api_name=False)
        label.change(choose, [label, answers], [threshold, answers, *shown], api_name=False, **work)
        scene.click(draw_scene, None, [picture, text], api_name=False)
    return page


def as_typed(payload: Any) -> Any:
    """What came in, whatever it is: the session checks it, and says what is wrong with it."""
    return payload


def note(text: str) -> str:
    """What to do next, as HTML."""
    return f'<div class="hint">{escape(text)}</div>'


def problem(error: Exception) -> str:
    """An error as HTML."""
    return f'<div class="problem" role="alert">{escape(explain(error))}</div>'


def launch_page(
    page: GuardedBlocks,
    host: str = '127.0.0.1',
    port: int | None = None,
    block: bool = True,
) -> str:
    """Start the server, on this machine only unless ``host`` says otherwise; returns its address.

    Raises:
        OSError: If the port is taken.
    """
    limits = page.limits
    max_upload = int(limits.upload_mb * 1e6)
    bounds = dict(max_upload=max_upload + 10_000, folder=page.folder, max_folder=int(limits.disk_mb * 1e6))
    _, url, _ = page.queue(max_size=limits.waiting, api_open=False).launch(
        server_name=host,
        server_port=port,
        share=False,
        quiet=True,
        prevent_thread_lock=True,
        footer_links=[],
        css=CSS,
        theme=gr.themes.Base(primary_hue='blue', font=['system-ui', 'sans-serif'], font_mono=['monospace']),
        state_session_capacity=100,
        max_file_size=max_upload,
        app_kwargs=dict(middleware=[Middleware(BoundedRequests, **bounds)]),
    )
    print(f'the page is at {url} (Ctrl+C ends it)', flush=True)
    if block:
        page.block_thread()
    return url


def _private_folder() -> Path:
    """Where uploads and drawings are until the program ends; nobody else can read it."""
    if (folder := os.environ.get('GRADIO_TEMP_DIR')) is None:
        folder = os.environ['GRADIO_TEMP_DIR'] = tempfile.mkdtemp(prefix='mmvg_page_')
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)
