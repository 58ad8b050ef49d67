"""Google's own emulators, from the Google Cloud CLI."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from google.cloud import firestore
from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient

from helpers.platforms import TOPIC
from helpers.support import missing
from trueup.completion.start import Phase4Topic
from trueup.completion.store import CompletionStore
from trueup.gateways.firestore import FirestoreCompletions
from trueup.gateways.pubsub import PubSubTopic

# The jar names no main class; this is the one that Google's launcher starts.
_FIRESTORE_CLASS = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
_FIRST_SECONDS = 60


@contextmanager
def firestore_emulator() -> Iterator[str]:
    """Google's own Firestore emulator; yields host:port."""
    with _emulator("cloud-firestore-emulator", "*.jar", lambda jar: ["-cp", jar, _FIRESTORE_CLASS]) as address:
        _answer_once(address)
        yield address


def _answer_once(address: str) -> None:
    """Its first answers take longer than trueup waits for one, if the machine is busy."""
    with mock.patch.dict(os.environ, {"FIRESTORE_EMULATOR_HOST": address}):
        document = firestore.Client(project="first").document("first/answer")
        document.set({"is_there": True}, timeout=_FIRST_SECONDS)
        assert document.get(timeout=_FIRST_SECONDS).exists


@contextmanager
def pubsub_emulator() -> Iterator[str]:
    """Google's own Pub/Sub emulator; yields host:port."""
    with _emulator("pubsub-emulator", "lib/*.jar", lambda jar: ["-jar", jar]) as address:
        yield address


@contextmanager
def _emulator(component: str, pattern: str, launch: Any) -> Iterator[str]:
    gcloud, java = shutil.which("gcloud"), shutil.which("java")
    if gcloud is None or java is None:
        missing(f"Google's {component} (gcloud and java on the PATH)")
    jars = sorted(_sdk_root(Path(str(gcloud))).glob(f"platform/{component}/{pattern}"))
    if not jars:
        missing(f"Google's {component} (gcloud components install {component})")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [str(java), *launch(str(jars[-1])), "--host=127.0.0.1", f"--port={port}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port, process, component)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=10)


def _sdk_root(gcloud: Path) -> Path:
    found = gcloud.resolve().parent.parent
    if (found / "platform").is_dir():
        return found
    said = subprocess.run(
        [str(gcloud), "info", "--format=value(installation.sdk_root)"], capture_output=True, text=True, check=False
    )
    return Path(said.stdout.strip() or str(found))


def _wait_for(port: int, process: subprocess.Popen[bytes], component: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail(f"Google's {component} did not start within 60 s")


class Google:
    """A project on Google's emulators; their addresses are in the environment."""

    def __init__(self, project: str, is_new: bool = True) -> None:
        self.project, self.place = project, ("google", project)
        if not is_new:
            return
        self._subscriber = SubscriberClient()
        self._subscription = f"projects/{project}/subscriptions/phase4"
        topic = f"projects/{project}/topics/{TOPIC}"
        PublisherClient().create_topic(name=topic)
        self._subscriber.create_subscription(name=self._subscription, topic=topic)

    def collection(self, name: str) -> CompletionStore:
        return FirestoreCompletions(self.project, name)

    def topic(self) -> Phase4Topic:
        return PubSubTopic(self.project, TOPIC)

    def received(self) -> list[tuple[dict[str, Any], Mapping[str, str]]]:
        found: list[tuple[dict[str, Any], Mapping[str, str]]] = []
        while True:
            pulled = self._subscriber.pull(
                subscription=self._subscription, max_messages=100, return_immediately=True, timeout=10
            ).received_messages
            if not pulled:
                return found
            self._subscriber.acknowledge(subscription=self._subscription, ack_ids=[one.ack_id for one in pulled])
            found += [(json.loads(one.message.data), dict(one.message.attributes)) for one in pulled]

    def forget(self, collection: str, document_id: str) -> None:
        firestore.Client(project=self.project).collection(collection).document(document_id).delete()
