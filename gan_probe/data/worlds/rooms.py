"""toy-rooms: a wall and a floor; a bed, a window, a door, a lamp and a picture, each there or not, never overlapping.

The wall has three bays in any order: the door's, the bed's and the lamp's. The window hangs over the bed or over the
lamp, the picture over the other. Where an object would stand does not depend on whether any other is there.
"""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np

from gan_probe.data.worlds.canvas import GRID, Canvas, column, hsv, mix, rgb, spread
from gan_probe.data.worlds.factors import Choice, Flag, Number
from gan_probe.data.worlds.world import World

if TYPE_CHECKING:
    from gan_probe.data.worlds.factors import Factor
    from gan_probe.data.worlds.world import Boxes, Values

OBJECTS = ("bed", "window", "door", "lamp", "picture")
BAYS = {"bed": 14.6, "door": 7.4, "lamp": 8.0}  # widths; the rest is left free on both sides

FACTORS: dict[str, Factor] = {
    **{name: Flag(name, 0.6) for name in OBJECTS},
    "bays": Choice(tuple("-".join(order) for order in permutations(BAYS))),
    "window_over": Choice(("bed", "lamp")),
    "bed_head": Choice(("left", "right")),
    "wallpaper": Choice(("plain", "stripes", "panels")),
    "shift": Number(-1, 1),  # of everything, sideways
    "floor": Number(20.4, 22.6),  # where it meets the wall
    "horizon": Number(4, 28),  # the floor boards' vanishing point, from the left
    "wall_hue": Number(0, 1),
    "wall_saturation": Number(0.08, 0.34),
    "wall_value": Number(0.6, 0.9),
    "stripe_width": Number(2.2, 4.2),
    "floor_hue": Number(0.04, 0.11),
    "floor_value": Number(0.38, 0.74),
    "light": Number(-1, 1),  # from the left or the right
    "exposure": Number(0.86, 1.06),
    "window_width": Number(0, 1),
    "window_height": Number(0, 1),
    "window_x": Number(0, 1),  # from its leftmost to its rightmost place
    "window_y": Number(0, 1),
    "dusk": Number(0, 1),  # of the sky
    "curtain_hue": Number(0, 1),
    "curtain_width": Number(1.1, 1.6),
    "picture_width": Number(4.6, 6.6),
    "picture_height": Number(3.8, 5.4),
    "picture_x": Number(0, 1),  # from its leftmost to its rightmost place
    "picture_y": Number(0, 1),
    "picture_hue": Number(0, 1),
    "door_hue": Number(0.02, 0.12),
    "door_value": Number(0.3, 0.85),
    "door_width": Number(5.8, 6.8),
    "door_height": Number(14.6, 16.2),
    "bed_width": Number(12.8, 14.2),
    "bed_height": Number(-0.5, 0.5),
    "blanket_hue": Number(0, 1),
    "blanket_value": Number(0.5, 0.9),
    "wood_value": Number(0.25, 0.6),
    "shade_hue": Number(0.09, 0.15),
    "lamp_width": Number(4.8, 6.2),
    "lamp_height": Number(9.2, 10.2),
}


def boxes(v: Values) -> Boxes:
    """Where each object stands on the grid."""
    place = _places(v)
    for name, box in place.items():
        box[~v[name]] = np.nan
    return place


def _places(v: Values) -> dict[str, np.ndarray]:
    """x0, y0, x1, y1 (N, 4) float32 of each object, there or not."""
    floor = v["floor"]
    centre = {bay: _bay_centre(v, bay) for bay in BAYS}
    half = v["bed_width"] / 2
    top = floor - 5 + v["bed_height"]
    bed = centre["bed"] - half, top, centre["bed"] + half, floor + 4.6
    half = v["door_width"] / 2
    door = centre["door"] - half, floor - v["door_height"], centre["door"] + half, floor
    half = v["lamp_width"] / 2
    lamp = centre["lamp"] - half, floor + 1.6 - v["lamp_height"], centre["lamp"] + half, floor + 1.6
    over_bed = v["window_over"] == 0
    # over the bed there is room for a wide, low place; over the lamp the bay is narrow and the lamp high
    width = np.where(over_bed, 8.4 + 3.6 * v["window_width"], 7 + 0.8 * v["window_width"])
    height = np.where(over_bed, 8 + 2.4 * v["window_height"], 7.8 + 1.6 * v["window_height"])
    window = _hung(v, over_bed, centre, width, height, v["window_x"], v["window_y"])
    picture = _hung(v, ~over_bed, centre, *(v[f"picture_{part}"] for part in ("width", "height", "x", "y")))
    found = {"bed": bed, "window": window, "door": door, "lamp": lamp, "picture": picture}
    return {name: np.stack(box, axis=1).astype(np.float32) for name, box in found.items()}


def _bay_centre(v: Values, bay: str) -> np.ndarray:
    """The middle (N,) of a bay."""
    middles = []
    for order in permutations(BAYS):
        before = sum(BAYS[other] for other in order[: order.index(bay)])
        middles.append(before + BAYS[bay] / 2 + (32 - sum(BAYS.values())) / 2)
    return np.array(middles, dtype=np.float32)[v["bays"]] + v["shift"]


def _hung(
    v: Values,
    over_bed: np.ndarray,
    centre: dict[str, np.ndarray],
    width: np.ndarray,
    height: np.ndarray,
    along: np.ndarray,
    down: np.ndarray,
) -> tuple[np.ndarray, ...]:
    """The box of something on the wall over the bed or the lamp; `along` and `down` (N,) in 0..1 move it about."""
    slack = np.where(over_bed, BAYS["bed"], BAYS["lamp"]) - width
    x0 = np.where(over_bed, centre["bed"], centre["lamp"]) - width / 2 + slack * (along - 0.5)
    lowest = v["floor"] - np.where(over_bed, 5.8, 9)  # just above the headboard or the lamp
    y1 = lowest - (lowest - height - 1.4) * (1 - down) * 0.5
    return x0, y1 - height, x0 + width, y1


def paint(canvas: Canvas, v: Values) -> None:
    """Draw wall, floor and objects."""
    place = _places(v)
    _wall(canvas, v)
    _floor(canvas, v)
    for name, draw in (("window", _window), ("picture", _picture), ("door", _door), ("bed", _bed), ("lamp", _lamp)):
        draw(_Pen(canvas, v[name], place[name]), v)
    canvas.shade(column(v["exposure"]))


class _Pen:
    """Draws parts of one object, in the images that have it, on the grid."""

    def __init__(self, canvas: Canvas, there: np.ndarray, box: np.ndarray) -> None:
        self.canvas, self.there = canvas, there.astype(np.float32)
        self.x0, self.y0, self.x1, self.y1 = box.T
        self.width, self.height = self.x1 - self.x0, self.y1 - self.y0

    def rectangle(self, x0: np.ndarray, y0: np.ndarray, x1: np.ndarray, y1: np.ndarray, colour: np.ndarray) -> None:
        """A rectangle on the grid."""
        rows = self.canvas.span(y0, y1) * self.there[:, np.newaxis]
        self.canvas.paint(rows[:, :, np.newaxis] * self.canvas.span(x0, x1)[:, np.newaxis, :], colour)

    def fill(self, colour: np.ndarray) -> None:
        """The whole box."""
        self.rectangle(self.x0, self.y0, self.x1, self.y1, colour)

    def ellipse(self, x: np.ndarray, y: np.ndarray, rx: float, ry: float, colour: np.ndarray) -> None:
        """An ellipse on the grid."""
        self.canvas.paint(self.canvas.ellipse(x, y, rx, ry) * column(self.there), colour)


def _wall(canvas: Canvas, v: Values) -> None:
    colour = hsv(v["wall_hue"], v["wall_saturation"], v["wall_value"])
    canvas.images += spread(colour)
    stripes = np.abs((canvas.x / column(v["stripe_width"])) % 1 - 0.5) * 4 - 1  # (N, 1, S) in -1..1
    canvas.shade(1 + 0.07 * column(v["wallpaper"] == 1) * np.clip(2 * stripes, -1, 1))
    panels = canvas.span(v["floor"] - 7, v["floor"]) * (v["wallpaper"] == 2)[:, np.newaxis]
    canvas.shade(1 - 0.16 * panels[:, :, np.newaxis])
    light = column(v["light"]) * (canvas.x - 16) / 16 * 0.14 - (canvas.y - 8) / 24 * 0.1
    canvas.shade(1 + light)


def _floor(canvas: Canvas, v: Values) -> None:
    floor = v["floor"]
    canvas.paint(canvas.rectangle(0, floor - 1, GRID, floor), rgb(0.93, 0.91, 0.87))
    wood = spread(hsv(v["floor_hue"], 0.5, v["floor_value"]))
    depth = np.maximum(canvas.y - column(floor) + 9, 1)  # from the horizon, nine units above the edge
    boards = ((canvas.x - column(v["horizon"])) / depth * 3) % 2
    tone = 0.9 + 0.16 * np.clip(4 * np.abs(boards - 1) - 2, -1, 1) * 0.5
    near = 1 + (canvas.y - column(floor)) * 0.016
    canvas.paint(canvas.rectangle(0, floor, GRID, GRID), wood * (tone * near))


def _window(pen: _Pen, v: Values) -> None:
    dusk = v["dusk"]
    white = rgb(0.97, 0.97, 0.95)
    pen.fill(white)
    high = mix(rgb(0.45, 0.72, 0.98), rgb(0.62, 0.60, 0.92), dusk)
    low = mix(rgb(0.83, 0.94, 1.0), rgb(1.0, 0.80, 0.50), dusk)
    down = (pen.canvas.y - column(pen.y0)) / column(pen.height)  # (N, S, 1), 0..1 within the window
    sky = mix(spread(high), spread(low), np.clip(down, 0, 1))
    x0, y0, x1, y1 = pen.x0 + 0.7, pen.y0 + 0.7, pen.x1 - 0.7, pen.y1 - 0.9
    pen.rectangle(x0, y0, x1, y1, sky)
    hills = mix(rgb(0.42, 0.68, 0.36), rgb(0.30, 0.30, 0.38), dusk)
    pen.rectangle(x0, y1 - 0.2 * pen.height, x1, y1, hills)
    middle, bar = (pen.x0 + pen.x1) / 2, pen.y0 + 0.44 * pen.height
    pen.rectangle(middle - 0.35, y0, middle + 0.35, y1, white)
    pen.rectangle(x0, bar - 0.35, x1, bar + 0.35, white)
    cloth = hsv(v["curtain_hue"], 0.55, 0.8)
    for left, right in ((pen.x0, pen.x0 + v["curtain_width"]), (pen.x1 - v["curtain_width"], pen.x1)):
        pen.rectangle(left, pen.y0, right, pen.y1, cloth)
    pen.rectangle(pen.x0, pen.y0, pen.x1, pen.y0 + 0.6, rgb(0.3, 0.2, 0.12))  # the rod


def _picture(pen: _Pen, v: Values) -> None:
    pen.fill(rgb(0.36, 0.22, 0.10))
    x0, y0, x1, y1 = pen.x0 + 0.8, pen.y0 + 0.8, pen.x1 - 0.8, pen.y1 - 0.8
    pen.rectangle(x0, y0, x1, y1, hsv(v["picture_hue"], 0.35, 0.95))
    pen.rectangle(x0, y0 + 0.55 * (y1 - y0), x1, y1, hsv(v["picture_hue"] + 0.45, 0.75, 0.55))
    pen.ellipse(x0 + 0.68 * (x1 - x0), y0 + 0.36 * (y1 - y0), 0.75, 0.75, hsv(v["picture_hue"] + 0.1, 0.8, 0.9))


def _door(pen: _Pen, v: Values) -> None:
    wood = hsv(v["door_hue"], 0.6, v["door_value"])
    pen.fill(wood * 0.62)
    x0, y0, x1 = pen.x0 + 0.7, pen.y0 + 0.7, pen.x1 - 0.7
    pen.rectangle(x0, y0, x1, pen.y1, wood)
    inner = x1 - x0
    for top, bottom in ((0.07, 0.42), (0.52, 0.92)):
        high, low = pen.y0 + top * pen.height, pen.y0 + bottom * pen.height
        pen.rectangle(x0 + 0.2 * inner, high, x1 - 0.2 * inner, low, wood * 0.72)
    pen.ellipse(x1 - 0.65, pen.y0 + 0.52 * pen.height, 0.6, 0.6, rgb(1.0, 0.86, 0.35))


def _bed(pen: _Pen, v: Values) -> None:
    left = v["bed_head"] == 0
    wood = hsv(0.07, 0.6, v["wood_value"])
    cloth = hsv(v["blanket_hue"], 0.6, v["blanket_value"])
    mattress = pen.y1 - 5.2

    def part(start: float, end: float, y0: np.ndarray, y1: np.ndarray, colour: np.ndarray) -> None:
        """From one share of the length to another, counted from the head's end."""
        from_left, to_left = pen.x0 + start * pen.width, pen.x0 + end * pen.width
        from_right, to_right = pen.x1 - end * pen.width, pen.x1 - start * pen.width
        pen.rectangle(np.where(left, from_left, from_right), y0, np.where(left, to_left, to_right), y1, colour)

    part(0.02, 0.98, pen.y1 - 1.6, pen.y1, rgb(0.12, 0.09, 0.08))  # the dark below
    part(0.02, 0.98, mattress, pen.y1 - 1.2, rgb(0.95, 0.94, 0.92))
    part(0.36, 0.98, mattress - 0.5, pen.y1 - 1.2, cloth)
    part(0.36, 0.45, mattress - 0.5, pen.y1 - 1.2, mix(cloth, np.ones_like(cloth), 0.45))
    part(0.09, 0.30, mattress - 1.5, mattress + 0.5, rgb(1, 1, 1))  # the pillow
    part(0, 0.085, pen.y0, pen.y1, wood)
    part(0.92, 1, mattress - 1.2, pen.y1, wood)


def _lamp(pen: _Pen, v: Values) -> None:
    middle = (pen.x0 + pen.x1) / 2
    wood = hsv(0.07, 0.55, v["wood_value"] * 0.8 + 0.1)
    table = pen.y1 - 4.4
    for foot in (pen.x0 + 0.4, pen.x1 - 1.2):
        pen.rectangle(foot, table, foot + 0.8, pen.y1, wood * 0.7)
    pen.rectangle(pen.x0, table, pen.x1, table + 2.2, wood)
    pen.rectangle(middle - 0.45, pen.y0 + 3, middle + 0.45, table, rgb(0.25, 0.22, 0.2))
    # the shade: narrow above, wide below, brightest in the middle
    shade = pen.y0 + 3.6
    rows = pen.canvas.span(pen.y0, shade)[:, :, np.newaxis] * column(pen.there)
    reach = column(pen.width) * (0.3 + (pen.canvas.y - column(pen.y0)) * 0.05)
    away = np.abs(pen.canvas.x - column(middle))
    glow = np.clip(1 - away / column(pen.width) * 2, 0, 1)
    bright = mix(spread(hsv(v["shade_hue"], 0.75, 0.92)), spread(hsv(v["shade_hue"], 0.25, 1.0)), glow)
    pen.canvas.paint(rows * pen.canvas.below(away - reach), bright)


toy_rooms = World("toy-rooms", FACTORS, (*OBJECTS, "wallpaper"), ("window",), boxes, paint)
