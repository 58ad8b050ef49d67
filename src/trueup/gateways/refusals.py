"""What BigQuery's refusals and lost connections mean, and the next step."""

from collections.abc import Iterator
from contextlib import contextmanager

from google.api_core.exceptions import BadRequest, Forbidden, GoogleAPIError, NotFound, Unauthorized
from google.auth.exceptions import GoogleAuthError
from requests.exceptions import RequestException

from trueup.errors import WarehouseError

# What Google's client raises for a request.
REFUSALS = (GoogleAPIError, GoogleAuthError, RequestException)


@contextmanager
def explained(what: str, hint: str = "") -> Iterator[None]:
    """Raise a refusal or a lost connection as WarehouseError with the next step."""
    try:
        yield
    except REFUSALS as error:
        step = next_step(error) if not isinstance(error, BadRequest) else ""
        raise WarehouseError(f"BigQuery {what}: {first_line(error)}", f"{step} {hint}".strip()) from error


def next_step(error: BaseException) -> str:
    """What to do about an error."""
    if isinstance(error, Forbidden):
        return "Grant the account the permission that the message names; README.md lists all that trueup needs."
    if isinstance(error, NotFound):
        return "Check the project, the dataset and the location of the target in profiles.yml."
    if isinstance(error, GoogleAuthError | Unauthorized):
        return "Run: gcloud auth application-default login"
    return "Check the network and the project (TRUEUP_PROJECT), then run it again."


def first_line(error: BaseException) -> str:
    """The first line of an error's message."""
    message = getattr(error, "message", None) or str(error)
    return str(message).strip().splitlines()[0][:400] if str(message).strip() else repr(error)
