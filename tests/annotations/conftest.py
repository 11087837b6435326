"""A card to hold annotations against, and the page over a few samples."""

import threading
from contextlib import contextmanager

import numpy as np
import pytest

from gan_probe import Card
from gan_probe.annotations.folder import AnnotationFolder
from gan_probe.annotations.server import PageServer


@pytest.fixture(scope="session")
def card():
    return Card("rooms", "pt", image_size=64, channels=3, sha256="a" * 64)


@pytest.fixture
def serve(card, tmp_path):
    """Serves the page over ten plain samples: `with serve() as server`."""

    @contextmanager
    def start(folder=None):
        pixels = np.zeros((10, 64, 64, 3), np.uint8)
        pixels[:] = 20 * np.arange(10)[:, None, None, None]
        with AnnotationFolder(folder or tmp_path / "marks", card) as marks, PageServer(marks, pixels) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
            thread.start()
            try:
                yield server
            finally:
                server.shutdown()
                thread.join()

    return start
