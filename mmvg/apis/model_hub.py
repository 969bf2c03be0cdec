"""Push models to the Hugging Face hub, and pull them from there: only when asked, by an address that says so."""

import re
from pathlib import Path

#: How the address of a model on the hub begins: ``hf://user/name``, or ``hf://user/name@revision``.
HUB = 'hf://'
#: What is fetched of a repository: what belongs to a model folder, and never code or pickles.
PATTERNS = ('config.json', 'model.safetensors', 'README.md', '*.txt', '*.json', '*.spm', '*.model')
_ADDRESS = re.compile(r'hf://(?P<name>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w./-]+))?')


def pull_model(address: str) -> Path:
    """Fetch a model folder from the hub into the cache of huggingface_hub.

    Args:
        address: ``hf://user/name``, or ``hf://user/name@revision`` for a branch, a tag or a commit.

    Returns:
        The folder, whose files are checked as those of any other one when it is opened.

    Raises:
        ValueError: If the address is none, or the hub has no such model for the user.
        ModuleNotFoundError: If huggingface_hub is not installed.
    """
    name, revision = _parse(address)
    hub = _hub()
    try:
        return Path(hub.snapshot_download(name, revision=revision, allow_patterns=list(PATTERNS)))
    except (hub.errors.HfHubHTTPError, hub.errors.LocalEntryNotFoundError, hub.errors.HFValidationError) as error:
        raise ValueError(f'{address}: the hub does not give it ({_first_line(error)})') from error


def push_folder(folder: str | Path, address: str, private: bool | None = None, message: str | None = None) -> str:
    """Upload a model folder; the repository is made if there is none.

    Args:
        folder: Written by :func:`mmvg.weights.write_model_folder`.
        address: ``hf://user/name`` or ``user/name``.
        private: Whether a new repository is private; the default is that of the account.
        message: Of the commit.

    Returns:
        Address of the commit.

    Raises:
        ValueError: If the address is none, or the hub refuses.
        ModuleNotFoundError: If huggingface_hub is not installed.
    """
    name, revision = _parse(address if address.startswith(HUB) else f'{HUB}{address}')
    hub = _hub()
    try:
        api = hub.HfApi()
        api.create_repo(name, private=private, exist_ok=True)
        done = api.upload_folder(
            repo_id=name, folder_path=str(folder), revision=revision, commit_message=message or 'Upload a model of mmvg'
        )
    except (hub.errors.HfHubHTTPError, hub.errors.LocalTokenNotFoundError, hub.errors.HFValidationError) as error:
        raise ValueError(f'{address}: the hub does not take it ({_first_line(error)})') from error
    return str(done)


def _parse(address: str) -> tuple[str, str | None]:
    match = _ADDRESS.fullmatch(address)
    if match is None:
        raise ValueError(f'{address}: an address on the hub is hf://user/name, with @revision behind it if need be')
    return match['name'], match['revision']


def _hub():
    try:
        import huggingface_hub
        import huggingface_hub.errors
    except ModuleNotFoundError:
        raise ModuleNotFoundError('models on the hub need huggingface_hub: pip install huggingface_hub') from None
    return huggingface_hub


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
