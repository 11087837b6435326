"""What people mark on samples: boxes on objects, as COCO JSON, and exemplars of concepts, as plain JSON.

    boxes = read_boxes("boxes.json", gan.card, seed=ctx.seed)
    boxes.names                    # ("window", "door")
    boxes.of("window")             # {12: array (K, 4) of x, y, width, height in pixels, 15: array (0, 4), ...}
    concepts = read_concepts("concepts.json", gan.card, seed=ctx.seed)
    concepts.of("smiling woman")   # (12, 40, 77)

Numbers are positions in the run's stream of samples. Both readers raise BadInputError, in one line, for what they
cannot use, another checkpoint's file or another seed's included.
"""

from gan_probe.annotations.coco import Box, Boxes, from_coco, read_boxes, to_coco
from gan_probe.annotations.concepts import Concepts, read_concepts

__all__ = ["Box", "Boxes", "Concepts", "from_coco", "read_boxes", "read_concepts", "to_coco"]
