"""Does an expression say what its author typed?"""

from pathlib import Path

from mmvg.data_check.findings import FindingReport
from mmvg.foreign_files import shown


def check_text(text: str, file: Path, where: str, report: FindingReport) -> None:
    """Note characters that were lost or decoded wrongly on the way: ``cafÃ©`` for ``café``."""
    if text.isascii():
        return
    if '\ufffd' in text:
        report.found('expression with a character that was lost', file, f'{where}: {shown(text)}', 'note')
    elif (meant := ' '.join(map(_repaired, text.split(' ')))) != text:
        report.found('expression that was decoded wrongly', file, f'{where}: {shown(text)} for {shown(meant)}', 'note')


def _repaired(word: str) -> str:
    """Undo that the bytes of UTF-8 were read as another code, if the word looks like that."""
    if not word.isascii():
        for code in ('cp1252', 'latin1'):
            try:
                return word.encode(code).decode('utf-8')
            except UnicodeError:
                continue
    return word
