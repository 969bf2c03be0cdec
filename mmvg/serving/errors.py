"""What a client gets in place of an answer."""

from collections.abc import Mapping


class RequestError(Exception):
    """A request is not answered.

    Args:
        status: Of HTTP.
        code: A word for programs.
        message: A sentence for people: what is wrong and what to do.
        headers: Further headers of the response.

    Example:
        >>> RequestError(404, 'unknown_model', "there is no model 'rings'").body()
        {'error': {'code': 'unknown_model', 'message': "there is no model 'rings'"}}
    """

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = dict(headers or {})

    def body(self) -> dict[str, dict[str, str]]:
        """Return the JSON of the response."""
        return dict(error=dict(code=self.code, message=str(self)))


def busy(message: str, seconds: int) -> RequestError:
    """Return the error of a server that has too much to do, and says when to come again.

    Example:
        >>> busy('64 sentences wait already', 3).headers
        {'Retry-After': '3'}
    """
    return RequestError(503, 'busy', message, {'Retry-After': str(seconds)})
