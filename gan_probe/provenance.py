"""What a reader needs to repeat a run: versions, machine, threads, seed."""

from __future__ import annotations

import datetime
import importlib.metadata
import platform
from typing import Any


def provenance(command: str, seed: int, device: object, data: str | None) -> dict[str, Any]:
    """The record of a run that is about to start, for `RunReport.run`; `images` is filled as data are read."""
    import numpy as np
    import sklearn
    import torch

    import gan_probe

    return {
        "command": command,
        "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "versions": {
            "gan-probe": gan_probe.__version__,
            "python": platform.python_version(),
            "torch": str(torch.__version__),
            "numpy": np.__version__,
            "scikit-learn": sklearn.__version__,
            **{name: importlib.metadata.version(name) for name in ("onnxruntime", "pillow")},
        },
        "platform": f"{platform.system()} {platform.machine()}",
        "device": str(device),
        "threads": torch.get_num_threads(),
        "seed": seed,
        "data": data,
        "images": [],  # a line for every set of images read: split, n, fingerprint, what was skipped
    }
