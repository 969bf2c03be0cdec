"""The page in a real browser: upload, type, click, see the answer."""

import json
import os
import shutil
import time

import pytest

webdriver = pytest.importorskip('selenium.webdriver', reason='needs Selenium: pip install -r requirements/tests.txt')

from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402

pytestmark = pytest.mark.slow
BROWSERS = ('chromium', 'chromium-browser', 'google-chrome')


@pytest.fixture(scope='module')
def browser(page_url, tmp_path_factory):
    binary = next(filter(None, map(shutil.which, BROWSERS)), None)
    driver = shutil.which('chromedriver')
    if binary is None or driver is None:
        pytest.skip('no browser: needs Chromium and its driver (Debian: apt-get install chromium chromium-driver)')
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    profile = tmp_path_factory.mktemp('profile')
    for word in ('--headless=new', '--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', '--no-first-run'):
        options.add_argument(word)
    options.add_argument('--window-size=1360,1100')
    options.add_argument(f'--user-data-dir={profile}')
    options.set_capability('goog:loggingPrefs', dict(performance='ALL', browser='ALL'))
    window = webdriver.Chrome(options=options, service=Service(driver))
    yield window
    window.quit()


@pytest.fixture
def page(browser, page_url):
    browser.get(page_url)
    wait(lambda: browser.find_elements(By.CSS_SELECTOR, '#find') and browser.find_elements(*UPLOAD))
    return browser


UPLOAD = (By.CSS_SELECTOR, '#picture input[type=file]')


def wait(condition, seconds=60):
    """The first true value of ``condition``; elements come and go while the page is drawn anew."""
    from selenium.common.exceptions import WebDriverException

    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if value := condition():
                return value
        except WebDriverException:
            pass
        time.sleep(0.1)
    raise AssertionError(f'nothing came within {seconds} s')


def text_of(page, selector):
    return page.find_element(By.CSS_SELECTOR, selector).text


def upload(page, path):
    page.find_element(*UPLOAD).send_keys(str(path))
    wait(lambda: page.find_elements(By.CSS_SELECTOR, '#picture img'))
    time.sleep(0.3)


def write(page, sentences):
    box = page.find_element(By.CSS_SELECTOR, '#sentences textarea')
    box.send_keys(Keys.CONTROL, 'a')
    box.send_keys(Keys.DELETE)
    for number, sentence in enumerate(sentences):
        if number:
            box.send_keys(Keys.ENTER)
        box.send_keys(sentence)


def click(page, name):
    page.find_element(By.CSS_SELECTOR, f'#{name}').click()


def pictures(page):
    """Widths of the pictures of the gallery that are loaded."""
    found = page.find_elements(By.CSS_SELECTOR, '#gallery img')
    widths = [int(image.get_attribute('naturalWidth') or 0) for image in found]
    return widths if widths and all(widths) else []


def test_upload_type_click_and_see_the_answer(page, session, picture):
    upload(page, picture)
    write(page, ['the red ring', 'both stars'])
    click(page, 'find')
    wait(lambda: 'both stars' in text_of(page, '#answers'))
    label = next(iter(session.choices))
    rows = text_of(page, '#answers').splitlines()
    for sentence, record in zip(['the red ring', 'both stars'], answers_of(session, label, picture), strict=True):
        (row,) = [row for row in rows if sentence in row]
        expected = 'nothing matches' if record['no_target'] else f'{len(record["boxes"])} found: ['
        assert expected in row
    wait(lambda: len(pictures(page)) == 2)
    elsewhere = [url for url in requested(page) if url.startswith('http') and '127.0.0.1' not in url]
    assert elsewhere == []  # nothing is fetched behind the back of the user


def answers_of(session, label, picture):
    return session.model(label)(picture, ['the red ring', 'both stars'])['predictions']


def requested(page):
    messages = (json.loads(entry['message'])['message'] for entry in page.get_log('performance'))
    return [m['params']['request']['url'] for m in messages if m['method'] == 'Network.requestWillBeSent']


def test_the_slider_and_the_boxes_to_tick_draw_the_answers_again(page, picture):
    upload(page, picture)
    write(page, ['the red ring'])
    click(page, 'find')
    narrow = wait(lambda: pictures(page))
    number = page.find_element(By.CSS_SELECTOR, '#threshold input[type=number]')
    number.send_keys(Keys.CONTROL, 'a')
    number.send_keys('1', Keys.TAB)
    wait(lambda: 'nothing matches' in text_of(page, '#answers'))
    number.send_keys(Keys.CONTROL, 'a')
    number.send_keys('0', Keys.TAB)
    wait(lambda: ' found: [' in text_of(page, '#answers'))
    page.find_element(By.XPATH, "//*[@id='parts']//label[contains(., 'attention')]").click()
    wait(lambda: (widths := pictures(page)) and widths[0] > 1.8 * narrow[0])


def test_a_scene_is_drawn_with_sentences_about_it(page):
    click(page, 'scene')
    box = page.find_element(By.CSS_SELECTOR, '#sentences textarea')
    sentences = wait(lambda: (box.get_attribute('value') or '').splitlines())
    assert len(sentences) >= 2
    wait(lambda: page.find_elements(By.CSS_SELECTOR, '#picture img'))
    click(page, 'find')
    wait(lambda: all(sentence in text_of(page, '#answers') for sentence in sentences))
    wait(lambda: len(pictures(page)) == len(sentences))


def test_mistakes_end_in_a_sentence_on_the_page(page, picture, tmp_path):
    def problem(words):
        wait(lambda: words in text_of(page, '#hint [role=alert]'))

    click(page, 'find')
    problem('there is no picture yet')
    (tmp_path / 'photo.jpg').write_text('these are notes, not pixels')
    upload(page, tmp_path / 'photo.jpg')
    write(page, ['the red ring'])
    click(page, 'find')
    problem('is not a picture but text')
    page.find_element(
        By.CSS_SELECTOR, "#picture button[aria-label*='Remove'], #picture button[title*='Remove']"
    ).click()
    wait(lambda: not page.find_elements(By.CSS_SELECTOR, '#picture img'))
    upload(page, picture)
    write(page, ['...'])
    click(page, 'find')
    problem('no word in it')
    write(page, ['the red ring'])
    page.find_element(By.CSS_SELECTOR, '#sentences textarea').send_keys(Keys.SHIFT, Keys.ENTER)
    wait(lambda: 'the red ring' in text_of(page, '#answers'))
    assert not page.find_elements(By.CSS_SELECTOR, '#hint [role=alert]')


def test_another_model_is_chosen_from_the_list(page, session, picture):
    labels = list(session.choices)
    upload(page, picture)
    write(page, ['the red ring', 'both stars'])

    def choose(label):
        page.find_element(By.CSS_SELECTOR, '#model input').click()
        options = wait(lambda: page.find_elements(By.CSS_SELECTOR, 'ul[role=listbox] li, [role=option]'))
        next(option for option in options if os.path.join(*label.split(os.sep)[-2:]) in option.text).click()

    choose(labels[1])
    wait(lambda: 'is ready' in text_of(page, '#hint'))
    click(page, 'find')
    wait(lambda: 'both stars' in text_of(page, '#answers'))
    scores = [f'{record["target_score"]:.2f}' for record in answers_of(session, labels[1], picture)]
    found = [record['scores'] for record in answers_of(session, labels[1], picture)]
    shown = text_of(page, '#answers')
    for score, row in zip(scores, found, strict=True):
        assert (f'{row[0]:.2f}' if row else score) in shown
    choose(labels[-1])
    wait(lambda: 'does not carry its config' in text_of(page, '#hint'))


def test_the_page_has_no_errors_of_its_own(page):
    severe = [entry for entry in page.get_log('browser') if entry['level'] == 'SEVERE']
    assert [entry for entry in severe if 'photo.jpg' not in entry['message']] == []
