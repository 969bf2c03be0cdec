"""The page itself, in Gradio; what it does is in :mod:`mmvg.webpage.session`."""

from html import escape
from itertools import count

import gradio as gr

from mmvg.visualization.layers import PARTS
from mmvg.webpage.scenes import draw_example
from mmvg.webpage.session import AskedPicture, Session, explain, records, table

SHOWN = ('boxes', 'masks', 'points', 'grasps')
CSS = """
.answers {width: 100%; border-collapse: collapse} .answers td, .answers th {text-align: left; padding: 4px 8px}
.answers tr.nothing td {color: #8a4b00} .problem {border-left: 4px solid #d55e00; padding: 8px 12px; font-weight: 600}
.hint {padding: 8px 12px; border-left: 4px solid #0072b2} #gallery .grid-wrap {max-height: none; overflow: visible}
#gallery .thumbnail-item {aspect-ratio: auto; height: auto; align-self: start}
#gallery .thumbnail-item img {height: auto}
"""


def build_page(session: Session) -> gr.Blocks:
    """Lay out the page on the models of ``session``; the first of them is loaded.

    Raises:
        FileNotFoundError: If the first model is not there.
        ValueError: If its files do not fit each other.
    """
    labels = list(session.choices)
    numbers = count()

    def show(label: str, answers: AskedPicture | None, threshold: float, parts: list[str]) -> tuple:
        """Gallery, table, JSON and hint for answers that are there already."""
        if answers is None:
            return (gr.skip(),) * 4
        try:
            rows = records(answers, threshold)
            return session.draw(label, answers, threshold, parts), table(rows), rows, ''
        except Exception as error:
            return None, '', None, problem(error)

    def find(label: str, picture: str | None, text: str, threshold: float, parts: list[str]) -> tuple:
        try:
            answers = session.ask(label, picture, text)
        except Exception as error:
            return None, None, '', None, problem(error)
        return answers, *show(label, answers, threshold, parts)

    def choose(label: str) -> tuple:
        """Threshold of a model, and nothing else: the answers that are shown are those of another one."""
        try:
            threshold, hint = session.model(label).score_thr, note(f'{label} is ready. Press Find.')
        except Exception as error:
            threshold, hint = gr.skip(), problem(error)
        return threshold, None, None, '', None, hint

    def draw_scene() -> tuple:
        image, sentences = draw_example(next(numbers))
        return image, '\n'.join(sentences)

    with gr.Blocks(title='mmvg', analytics_enabled=False, fill_width=True, delete_cache=(3600, 3600)) as page:
        gr.Markdown('# What does the sentence mean in the picture?')
        answers = gr.State(None)
        with gr.Row():
            with gr.Column(scale=2, min_width=320):
                picture = gr.Image(
                    label='picture', sources=['upload', 'webcam', 'clipboard'], format='png', elem_id='picture'
                )
                picture.preprocess = uploaded_file  # mmvg reads it, and says what is wrong with it
                scene = gr.Button('Draw a scene of RefShapes', elem_id='scene')
                text = gr.Textbox(
                    label='sentences, one per line (Shift+Enter asks)',
                    lines=4,
                    placeholder='the red ring\nboth stars\nthe mug by its handle',
                    elem_id='sentences',
                )
                ask = gr.Button('Find', variant='primary', elem_id='find')
                threshold = gr.Slider(
                    0, 1, session.model(labels[0]).score_thr, step=0.01, label='score threshold', elem_id='threshold'
                )
                threshold.preprocess = as_typed  # mmvg checks it, and says what is wrong with it
                parts = gr.CheckboxGroup(list(PARTS), value=list(SHOWN), label='draw', elem_id='parts')
                label = gr.Dropdown(labels, value=labels[0], label='model', filterable=False, elem_id='model')
            with gr.Column(scale=4, min_width=480):
                hint = gr.HTML(note('Upload a picture, write sentences, and press Find.'), elem_id='hint')
                gallery = gr.Gallery(
                    show_label=False, format='png', columns=2, height='auto', object_fit='contain', elem_id='gallery'
                )
                rows = gr.HTML(elem_id='answers')
                with gr.Accordion('as JSON', open=False):
                    content = gr.JSON(show_label=False, elem_id='json')
        shown = [gallery, rows, content, hint]
        asked = [label, picture, text, threshold, parts]
        ask.click(find, asked, [answers, *shown], api_name='find')
        text.submit(find, asked, [answers, *shown], api_name=False)
        redraw = [label, answers, threshold, parts]
        threshold.change(show, redraw, shown, show_progress='hidden', trigger_mode='always_last', api_name=False)
        parts.change(show, redraw, shown, show_progress='hidden', api_name=False)
        label.change(choose, label, [threshold, answers, *shown], api_name=False)
        scene.click(draw_scene, None, [picture, text], api_name=False)
    return page


def uploaded_file(payload: gr.FileData | None) -> str | None:
    """Path of a file as it was uploaded."""
    return None if payload is None else payload.path


def as_typed(payload: float | None) -> float | None:
    """A number, whatever it is."""
    return payload


def note(text: str) -> str:
    """What to do next, as HTML."""
    return f'<div class="hint">{escape(text)}</div>'


def problem(error: Exception) -> str:
    """An error as HTML."""
    return f'<div class="problem" role="alert">{escape(explain(error))}</div>'


def launch_page(page: gr.Blocks, host: str = '127.0.0.1', port: int | None = None, block: bool = True) -> str:
    """Start the server, on this machine only unless ``host`` says otherwise; returns its address.

    Raises:
        OSError: If the port is taken.
    """
    _, url, _ = page.queue(max_size=32).launch(
        server_name=host,
        server_port=port,
        share=False,
        quiet=True,
        prevent_thread_lock=True,
        footer_links=[],
        css=CSS,
        theme=gr.themes.Base(primary_hue='blue', font=['system-ui', 'sans-serif'], font_mono=['monospace']),
        state_session_capacity=100,
        max_file_size='50mb',
    )
    print(f'the page is at {url} (Ctrl+C ends it)', flush=True)
    if block:
        page.block_thread()
    return url
