"""The topic that starts phase 4, with Google's Pub/Sub client."""

import json
from collections.abc import Mapping
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any

from google.api_core.exceptions import GoogleAPIError, InvalidArgument, NotFound, PermissionDenied
from google.api_core.retry import Retry
from google.auth.exceptions import GoogleAuthError
from google.cloud.pubsub_v1 import PublisherClient

from trueup.errors import PublishError

_ATTEMPT_SECONDS = 5.0
_RETRY = Retry(initial=0.2, maximum=1.0, timeout=8.0)
_GIVE_UP_SECONDS = 12.0


class PubSubTopic:
    """A topic: a name in ``project``, or ``projects/p/topics/t``. ``credentials``: None for PUBSUB_EMULATOR_HOST or
    default credentials.
    """

    def __init__(self, project: str, topic: str, credentials: Any = None) -> None:
        self._path = topic if topic.startswith("projects/") else f"projects/{project}/topics/{topic}"
        try:
            self._client = PublisherClient(credentials=credentials)
        except (GoogleAuthError, OSError) as error:
            raise PublishError(
                f"Pub/Sub {self._path}: no usable credentials: {str(error)[:300]}",
                "Run: gcloud auth application-default login",
            ) from error

    def publish(self, message: Mapping[str, Any], attributes: Mapping[str, str]) -> str:
        """See Phase4Topic."""
        data = json.dumps(message, ensure_ascii=False, sort_keys=True).encode()
        try:
            sent = self._client.publish(self._path, data, retry=_RETRY, timeout=_ATTEMPT_SECONDS, **attributes)
            return str(sent.result(timeout=_GIVE_UP_SECONDS))
        except (GoogleAPIError, GoogleAuthError, FutureTimeoutError, OSError) as error:
            raise PublishError(
                f"Pub/Sub {self._path}: phase 4 may not have been started: {str(error)[:300] or type(error).__name__}",
                _next_step(error),
            ) from error

    def problem(self) -> str:
        """See Phase4Topic."""
        try:
            self._client.get_topic(topic=self._path, retry=_RETRY, timeout=_ATTEMPT_SECONDS)
        except PermissionDenied:
            return f"{self._path} may not be looked up (pubsub.topics.get), so it may be missing."
        except (GoogleAPIError, GoogleAuthError, OSError) as error:
            return f"{self._path}: {str(error)[:300] or type(error).__name__}"
        return ""

    def close(self) -> None:
        """See Phase4Topic."""
        self._client.stop()


def _next_step(error: BaseException) -> str:
    if isinstance(error, PermissionDenied):
        return "Grant the account pubsub.topics.publish (roles/pubsub.publisher) on the topic, then run it again."
    if isinstance(error, NotFound | InvalidArgument):
        return "Check the var phase4_topic and the project, then run it again."
    return "Run it again. The message has the same key, so a repeated message does no harm."
