"""toy-faces: one head and shoulders; smile, glasses, pose, kind and colour of hair, skin, all independent.

The head turns as a ball does: what lies on it at an angle moves by the angle's sine, ears come forth on the far side.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gan_probe.data.worlds.canvas import Canvas, column, hsv, mix, rgb, spread
from gan_probe.data.worlds.factors import Choice, Flag, Levels, Number
from gan_probe.data.worlds.world import World

if TYPE_CHECKING:
    from gan_probe.data.worlds.factors import Factor
    from gan_probe.data.worlds.world import Boxes, Values

HAIR = {  # colours of hair, dark and light
    "black": ((0.05, 0.04, 0.05), (0.15, 0.13, 0.13)),
    "brown": ((0.28, 0.16, 0.08), (0.42, 0.26, 0.14)),
    "blond": ((0.82, 0.64, 0.28), (0.96, 0.84, 0.50)),
    "red": ((0.62, 0.22, 0.07), (0.80, 0.36, 0.13)),
    "grey": ((0.66, 0.67, 0.70), (0.86, 0.87, 0.90)),
}
SKIN = ((0.36, 0.22, 0.15), (0.72, 0.49, 0.34), (0.98, 0.83, 0.72))  # dark, middle, light
TURN = 0.5  # sine of the angle at pose 1: 30 degrees
EYES = 0.42  # sine of the eyes' angle from the middle of a face seen from the front
LIP = 0.55  # half the height of a closed mouth; a full smile
BEND, RISE, OPEN = 2.4, 1.3, 0.55  # bends it so far, lifts its ends and opens it by these

FACTORS: dict[str, Factor] = {
    "smile": Levels({"neutral": (0, 0.15), "smiling": (0.7, 1)}),
    "glasses": Flag("glasses", 0.5),
    "pose": Levels({"left": (-1, -0.7), "front": (-0.15, 0.15), "right": (0.7, 1)}),  # where in the image it looks
    "hair": Choice(("short", "long", "bun", "curly")),
    "hair_colour": Choice(tuple(HAIR)),
    "hair_tone": Number(0, 1),
    "hairline": Number(0, 1),
    "skin": Number(0, 1),  # dark to light
    "head_x": Number(12.5, 19.5),  # people do not hold still: two faces laid over each other are a double exposure
    "head_y": Number(13.2, 17.2),
    "head_width": Number(6.6, 7.8),  # half of it
    "head_height": Number(8.0, 9.0),
    "eye_size": Number(0.9, 1.15),
    "eye_hue": Number(0, 1),
    "brow": Number(0, 1),
    "lips": Number(0, 1),
    "frame_hue": Number(0, 1),
    "frame_size": Number(2.3, 2.7),
    "clothes_hue": Number(0, 1),
    "clothes_value": Number(0.25, 0.9),
    "shoulders": Number(9, 12),
    "background_hue": Number(0, 1),
    "background_saturation": Number(0.08, 0.42),
    "background_value": Number(0.45, 0.92),
    "light": Number(-1, 1),  # from the left or the right
    "exposure": Number(0.88, 1.04),
}
SEEN = ("smile", "glasses", "pose", "hair", "hair_colour")


class _Head:
    """Where things are on the head, on the grid; every value is (N,) float32."""

    def __init__(self, v: Values) -> None:
        self.x, self.y, self.rx, self.ry = v["head_x"], v["head_y"], v["head_width"], v["head_height"]
        self.sine = v["pose"] * TURN
        self.cosine = np.sqrt(1 - self.sine * self.sine)
        self.eye_y = self.y - 0.4
        self.mouth_y = self.y + 0.52 * self.ry
        self.left, self.left_width = self.turned(-EYES)
        self.right, self.right_width = self.turned(EYES)
        self.nose = self.x + 1.12 * self.rx * self.sine
        half = self.rx * 0.42 + 0.5 * v["smile"]
        self.mouth = self.x + 0.95 * self.rx * self.sine
        self.mouth_half = half * self.cosine
        self.lens = v["frame_size"]

    def turned(self, sine: float) -> tuple[np.ndarray, np.ndarray]:
        """Where a point of the face at an angle is now, and how wide it looks, 1 where it faces us."""
        cosine = (1 - sine**2) ** 0.5
        x = self.x + self.rx * (sine * self.cosine + cosine * self.sine)
        return x, np.clip(cosine * self.cosine - sine * self.sine, 0.3, 1)


def boxes(v: Values) -> Boxes:
    """Where mouth and glasses are on the grid."""
    head = _Head(v)
    glasses = _box(
        head.left - head.lens * head.left_width - 0.1,
        head.eye_y - head.lens,
        head.right + head.lens * head.right_width + 0.1,
        head.eye_y + head.lens,
    )
    glasses[~v["glasses"]] = np.nan
    mouth = _box(
        head.mouth - head.mouth_half,
        head.mouth_y - RISE * v["smile"] - LIP,
        head.mouth + head.mouth_half,
        head.mouth_y + (BEND - RISE + OPEN) * v["smile"] + LIP,
    )
    return {"mouth": mouth, "glasses": glasses}


def _box(*sides: np.ndarray) -> np.ndarray:
    return np.stack(sides, axis=1).astype(np.float32)


def paint(canvas: Canvas, v: Values) -> None:
    """Draw background, hair, shoulders, face and what is on it."""
    head = _Head(v)
    backdrop = hsv(v["background_hue"], v["background_saturation"], v["background_value"])
    canvas.images += spread(backdrop)
    canvas.shade(1 + (16 - canvas.y) / 16 * 0.12)
    dark, light = (np.array([HAIR[name][end] for name in HAIR], np.float32)[v["hair_colour"]].T for end in (0, 1))
    hair = mix(dark, light, v["hair_tone"])
    skin = _skin(v["skin"])
    _hair_behind(canvas, v, head, hair)
    _shoulders(canvas, v, head, skin)
    _face(canvas, v, head, skin, hair)
    _eyes(canvas, v, head, hair)
    canvas.paint(canvas.ellipse(head.nose, head.y + 1.9, 0.9, 1.2), skin * 0.84)
    _mouth(canvas, v, head, skin)
    _glasses(canvas, v, head)
    canvas.shade(column(v["exposure"]))


def _skin(tone: np.ndarray) -> np.ndarray:
    dark, middle, light = (np.array(colour, np.float32)[:, np.newaxis] for colour in SKIN)
    return mix(mix(dark, middle, np.minimum(2 * tone, 1)), light, np.maximum(2 * tone - 1, 0))


def _hair_behind(canvas: Canvas, v: Values, head: _Head, hair: np.ndarray) -> None:
    long, bun, curly = (column(v["hair"] == kind) for kind in (1, 2, 3))
    shadow = hair * 0.82
    fall = canvas.ellipse(head.x, head.y + 5, head.rx * 1.28, head.ry * 1.3)
    below = canvas.y > column(head.y)
    canvas.paint(fall * below * long, shadow)
    knot = canvas.ellipse(head.x - 3 * head.sine, head.y - head.ry - 1.6, head.rx * 0.46, head.rx * 0.46)
    canvas.paint(knot * bun, shadow)
    cloud = canvas.ellipse(head.x - 2 * head.sine, head.y - 2.4, head.rx * 1.5, head.ry * 1.18)
    canvas.paint(cloud * curly, shadow)


def _shoulders(canvas: Canvas, v: Values, head: _Head, skin: np.ndarray) -> None:
    cloth = hsv(v["clothes_hue"], 0.55, v["clothes_value"])
    canvas.paint(canvas.ellipse(head.x, 33, v["shoulders"], 7), cloth)
    neck = head.rx * 0.42
    canvas.paint(canvas.rectangle(head.x - neck, head.y + 5, head.x + neck, 27), skin * 0.78)
    canvas.paint(canvas.ellipse(head.x, 27, neck, 1.3), skin * 0.78)


def _face(canvas: Canvas, v: Values, head: _Head, skin: np.ndarray, hair: np.ndarray) -> None:
    """Crown of hair, face, and the ear that the turn brings forth."""
    cover = canvas.ellipse(head.x - head.sine, head.y - 0.9, head.rx * 1.12, head.ry * 1.1)
    above = canvas.below(canvas.y - column(head.y + 2.5))
    canvas.paint(cover * above, hair)
    lit = 1 + column(v["light"]) * (canvas.x - column(head.x)) / column(head.rx) * 0.13
    canvas.paint(canvas.ellipse(head.x, head.y + 1, head.rx, head.ry - 1), spread(skin) * lit)
    # the hair again, over the brow and down the side that is turned away
    face = canvas.ellipse(head.x + 5.0 * head.sine, head.y + 2.2 + v["hairline"], head.rx * 1.04, head.ry * 0.98)
    upper = canvas.below(canvas.y - column(head.y + 1.5))
    canvas.paint(cover * upper * (1 - face), hair)
    for side in (-1, 1):
        x = head.x + side * head.rx * (head.cosine - 0.02)
        seen = np.clip(1 - side * 4 * head.sine, 0, 1)
        ear = canvas.ellipse(x, head.y + 0.9, 1.0, 1.7)
        canvas.paint(ear * column(seen), skin * 0.86)


def _eyes(canvas: Canvas, v: Values, head: _Head, hair: np.ndarray) -> None:
    size = v["eye_size"]
    iris = hsv(0.06 + 0.55 * v["eye_hue"], 0.6, 0.25)
    for x, width in ((head.left, head.left_width), (head.right, head.right_width)):
        canvas.paint(canvas.ellipse(x, head.eye_y, size * 1.55 * width, size), rgb(0.97, 0.97, 0.97))
        canvas.paint(canvas.ellipse(x + 0.8 * head.sine, head.eye_y, size * 0.8 * width, size * 0.85), iris)
        brow = head.eye_y - 2.5 - 0.5 * v["brow"]
        half = 1.7 * width
        canvas.paint(canvas.rectangle(x - half, brow - 0.4, x + half, brow + 0.4), hair * 0.6)


def _mouth(canvas: Canvas, v: Values, head: _Head, skin: np.ndarray) -> None:
    """A line that a smile bends upwards at its ends and opens on teeth."""
    across = (canvas.x - column(head.mouth)) / column(head.mouth_half)  # (N, 1, S), -1..1 within the mouth
    arch = np.maximum(1 - across * across, 0)
    smile = column(v["smile"])
    middle = column(head.mouth_y) + smile * (BEND * arch - RISE)
    red = mix(skin * 0.5, rgb(0.86, 0.28, 0.30), 0.4 + 0.4 * v["lips"])
    inside = canvas.span(head.mouth - head.mouth_half, head.mouth + head.mouth_half)[:, np.newaxis, :]
    off = np.abs(canvas.y - middle)
    canvas.paint(inside * canvas.below(off - LIP - smile * arch * OPEN), red)
    teeth = inside * canvas.below(off - smile * arch * (OPEN + 0.2) + 0.15)
    canvas.paint(teeth * np.clip(smile * 4 - 1, 0, 1), rgb(0.99, 0.98, 0.95))


def _glasses(canvas: Canvas, v: Values, head: _Head) -> None:
    there = column(v["glasses"])
    frame = hsv(v["frame_hue"], 0.5, 0.14)
    for x, width in ((head.left, head.left_width), (head.right, head.right_width)):
        rx, ry = head.lens * width + 0.1, head.lens
        rim = canvas.ellipse(x, head.eye_y, rx, ry) * there
        lens = canvas.ellipse(x, head.eye_y, rx - 0.75, ry - 0.75) * there
        canvas.paint(lens * 0.35, rgb(0.85, 0.95, 1.0))
        canvas.paint(rim - lens, frame)
    bridge = canvas.rectangle(
        head.left + head.lens * head.left_width,
        head.eye_y - 0.5,
        head.right - head.lens * head.right_width,
        head.eye_y + 0.3,
    )
    canvas.paint(bridge * there, frame)


toy_faces = World("toy-faces", FACTORS, SEEN, ("smile", "glasses"), boxes, paint)
