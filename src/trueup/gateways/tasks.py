"""Tasks of Cloud Tasks, with the Google client of the caller: trueup does not install it."""

from __future__ import annotations

import inspect
from typing import Any

from google.api_core.exceptions import (
    AlreadyExists,
    GoogleAPIError,
    InvalidArgument,
    NotFound,
    PermissionDenied,
)
from google.auth.exceptions import GoogleAuthError

from trueup.errors import EnqueueError, UsageError

_ATTEMPT_SECONDS = 10.0
_CLIENT = "Pass a google.cloud.tasks_v2.CloudTasksClient, not the asynchronous one."


def create_task(client: Any, queue: str, task_id: str, url: str, body: bytes, service_account: str | None) -> bool:
    """Create an HTTP task; False if the queue has, or lately had, one of this name.

    ``client``: a google.cloud.tasks_v2.CloudTasksClient. ``body``: JSON. Raises EnqueueError, and UsageError
    for a client that answers later: nobody waits for it here, so it would create nothing.
    """
    create = getattr(client, "create_task", None)
    if not callable(create) or inspect.iscoroutinefunction(create):
        raise UsageError(f"The client is a {type(client).__name__}.", _CLIENT)
    request: dict[str, Any] = {
        "http_method": "POST",
        "url": url,
        "headers": {"Content-Type": "application/json"},
        "body": body,
    }
    if service_account is not None:
        request["oidc_token"] = {"service_account_email": service_account}
    task = {"name": f"{queue}/tasks/{task_id}", "http_request": request}
    try:
        answer = create(request={"parent": queue, "task": task}, timeout=_ATTEMPT_SECONDS)
    except AlreadyExists:
        return False
    except (GoogleAPIError, GoogleAuthError, OSError) as error:
        raise EnqueueError(f"Cloud Tasks {queue}: {str(error)[:300]}", _next_step(error)) from error
    if inspect.isawaitable(answer):
        if inspect.iscoroutine(answer):
            answer.close()
        raise UsageError(f"The client is a {type(client).__name__}, which answers later.", _CLIENT)
    return True


def _next_step(error: BaseException) -> str:
    if isinstance(error, PermissionDenied):
        return (
            "Grant the account cloudtasks.tasks.create (roles/cloudtasks.enqueuer), and with a service account "
            "iam.serviceAccounts.actAs on it."
        )
    if isinstance(error, NotFound | InvalidArgument):
        return "Check the queue (projects/P/locations/L/queues/Q) and the URL."
    return "Try again: the name makes sure that the task is created once."
