"""What BigQuery's refusals and lost connections mean, and the next step."""

from collections.abc import Iterator
from contextlib import contextmanager

from google.api_core.exceptions import BadRequest, Forbidden, GoogleAPIError, NotFound, Unauthorized
from google.auth.exceptions import GoogleAuthError
from requests.exceptions import RequestException

from trueup.errors import WarehouseError

# What Google's client raises for a request. TimeoutError: a job took longer than the target allows.
REFUSALS = (GoogleAPIError, GoogleAuthError, RequestException, TimeoutError)
# BigQuery's words for a transaction, and for a statement, that lost to another one.
CONCURRENT = ("concurrent update", "aborted due to concurrent", "could not serialize access")
_LOGIN = "Run: gcloud auth application-default login"
_NETWORK = "Check the network and the project (TRUEUP_PROJECT), then run it again."
_PLACE = "Check the project, the dataset and the location of the target in profiles.yml."
_GRANT = "Grant the account the permission that the message names; README.md lists all that trueup needs."
_READ = (
    "Grant the account bigquery.tables.getData (roles/bigquery.dataViewer) on the dataset of that table, "
    "or check the location in profiles.yml."
)
_CREATE_TOKENS = "Grant your account roles/iam.serviceAccountTokenCreator on the service account that it impersonates."
# A part of BigQuery's message, in lower case, and what to do. dbt and Great Expectations keep only the message.
_STEPS = (
    ("does not answer", _NETWORK),
    (
        "bytes billed",
        "Raise maximum_bytes_billed of the target in profiles.yml (TRUEUP_MAXIMUM_BYTES_BILLED), or check fewer days.",
    ),
    ("designated timeout", "Raise job_execution_timeout_seconds of the target in profiles.yml, or check fewer days."),
    ("impersonat", _CREATE_TOKENS),
    ("serviceaccounttokencreator", _CREATE_TOKENS),
    ("permission to query table", _READ),
    ("access denied", _GRANT),
    ("permission", _GRANT),
    ("not found", _PLACE),
)


@contextmanager
def explained(what: str, hint: str = "") -> Iterator[None]:
    """Raise a refusal or a lost connection as WarehouseError with the next step."""
    try:
        yield
    except REFUSALS as error:
        message = first_line(error)
        is_lost = message.startswith("BigQuery does not answer")
        raise WarehouseError(
            message if is_lost else f"BigQuery {what}: {message}", f"{next_step(error)} {hint}".strip()
        ) from error


def next_step(error: BaseException) -> str:
    """What to do about an error; "" for a request that is wrong in itself."""
    text = first_line(error)
    if isinstance(error, Forbidden):
        return step_for(text) or _GRANT
    if isinstance(error, BadRequest):
        return step_for(text) if "bytes billed" in text.lower() else ""
    if isinstance(error, NotFound):
        return _PLACE
    if isinstance(error, GoogleAuthError | Unauthorized):
        return step_for(text) if "impersonat" in text.lower() else _LOGIN
    if isinstance(error, TimeoutError):
        return step_for("designated timeout")
    return step_for(text) or _NETWORK


def step_for(message: str) -> str:
    """What to do about a message of BigQuery; "" if that is unknown."""
    return next((todo for part, todo in _STEPS if part in message.lower()), "")


def login_step(method: str) -> str:
    """What to do about credentials that cannot be used, by the method of the profile."""
    return _LOGIN if method == "oauth" else f"Check the settings of the method {method} in profiles.yml."


# dbt begins messages with them.
_HEADINGS = ("Runtime Error", "Database Error")


def first_line(error: BaseException) -> str:
    """The first line of an error's message that says something."""
    message = getattr(error, "message", None) or str(error)
    lines = [line.strip() for line in str(message).splitlines()]
    return next((line[:400] for line in lines if line and line not in _HEADINGS), repr(error))
