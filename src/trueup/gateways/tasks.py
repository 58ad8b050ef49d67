"""Tasks of Cloud Tasks, with the Google client of the caller: trueup does not install it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from google.api_core.exceptions import (
    AlreadyExists,
    GoogleAPIError,
    InvalidArgument,
    NotFound,
    PermissionDenied,
)
from google.auth.exceptions import GoogleAuthError

from trueup.errors import EnqueueError

_ATTEMPT_SECONDS = 10.0


def create_task(
    client: Any, queue: str, task_id: str, url: str, body: Mapping[str, Any], service_account: str | None
) -> bool:
    """Create an HTTP task; False if the queue has, or lately had, one of this name.

    ``client``: a google.cloud.tasks_v2.CloudTasksClient. Raises EnqueueError.
    """
    request: dict[str, Any] = {
        "http_method": "POST",
        "url": url,
        "headers": {"Content-Type": "application/json"},
        "body": json.dumps(body, sort_keys=True).encode(),
    }
    if service_account is not None:
        request["oidc_token"] = {"service_account_email": service_account}
    task = {"name": f"{queue}/tasks/{task_id}", "http_request": request}
    try:
        client.create_task(request={"parent": queue, "task": task}, timeout=_ATTEMPT_SECONDS)
    except AlreadyExists:
        return False
    except (GoogleAPIError, GoogleAuthError, OSError) as error:
        raise EnqueueError(f"Cloud Tasks {queue}: {str(error)[:300]}", _next_step(error)) from error
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
