"""The paper's figure 8, the same along a random direction, the response as curves, and the turning as an animation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gan_probe import Artifact, Figure
from gan_probe.report.animation import webp
from gan_probe.report.figures import BLUE, COLUMN, ORANGE, image_grid, legible, new_figure, two_lines, unwritten

if TYPE_CHECKING:
    from gan_probe import Table
    from gan_probe_plugins.turn_vector.turning import Axes, Turned

SHOWN = 5  # rows, as in the paper
MOST = 10  # exemplars of an end in a picture


def strips(turned: Turned) -> list[Figure]:
    """New latents in rows, moved along the axis and along a random direction."""
    first, second = turned.axes.ends
    n, steps = turned.rows.shape[:2]
    reach = turned.positions[-1]
    found = []
    for name, images, way in (
        ("turning", turned.rows, f"the axis from {first} to {second}"),
        ("control", turned.astray, "a random direction as long as that axis"),
    ):
        found.append(
            Figure(
                name,
                image_grid(images.reshape(-1, *images.shape[2:]), steps),
                title=f"Along {way}",
                caption=f"Rows: {n} new latents, the first drawn. Columns: {steps} steps from -{reach:g} to {reach:g} "
                f"lengths of the axis; the original stands in the middle (column {steps // 2 + 1})."
                + (" Control: the same latents." if name == "control" else ""),
                alt=f"{n} rows of {steps} generated images each, along {way}.",
            )
        )
    return found


def exemplars(axes: Axes) -> Figure:
    """Each end's exemplars of the axis shown, in a row each."""
    most = min(MOST, max(map(len, axes.images)))
    rows = []
    for images in axes.images:
        rows += [*images[:most], *[np.full_like(images[0], 255)] * (most - len(images))]
    first, second = axes.ends
    return Figure(
        "exemplars",
        image_grid(np.stack(rows), most),
        title="Exemplars of the axis shown",
        caption=f"Above: {first}; below: {second}{f'; the first {most} of each' if most == MOST else ''}. Do they show "
        "what their names say, and nothing else that sets them apart?",
        alt=f"A row of samples that stand for {first} above one for {second}.",
    )


def response_figure(response: Table, turned: Turned) -> Figure:
    """The mean response by position, with the control's."""
    first, second = turned.axes.ends
    figure = new_figure(COLUMN, 2.2)
    axes = figure.subplots()
    x = np.array([row["position"] for row in response.rows], dtype=float)
    for names, label, colour, marker in (
        (("response", "low", "high"), "the axis", BLUE, "o-"),
        (("control", "control low", "control high"), "random directions", ORANGE, "s--"),
    ):
        y, low, high = (np.array([row[name] for row in response.rows], dtype=float) for name in names)
        axes.fill_between(x, low, high, color=colour, alpha=0.25, linewidth=0)
        axes.plot(x, y, marker, color=colour, markersize=4, label=label)
    axes.set_ylim(-0.02, 1.02)
    least, most = (two_lines(name, 12) for name in legible([first, second]))
    axes.set_yticks([0, 0.5, 1], [f"0  {least}", "0.5", f"1  {most}"])
    axes.set_xlabel("position, in lengths of the axis")
    axes.set_ylabel("mean response")
    figure.legend(loc="outside upper left", ncols=2)
    return Figure(
        "response",
        figure,
        title="The judge's response along the axis",
        caption=response.caption + unwritten([first, second]),
        alt=f"The mean response goes from {response.rows[0]['response']:.2f} to "
        f"{response.rows[-1]['response']:.2f} along the axis, and from {response.rows[0]['control']:.2f} to "
        f"{response.rows[-1]['control']:.2f} along random directions.",
    )


def animation(turned: Turned) -> Artifact:
    """The rows side by side, turning from the first end to the second and back."""
    frames = [image_grid(turned.rows[:, step], len(turned.rows)) for step in range(len(turned.positions))]
    captions = [f"{position:+.1f} of the axis" for position in turned.positions]
    first, second = turned.axes.ends
    return Artifact(
        "turning.webp",
        webp(frames + frames[-2::-1], captions + captions[-2::-1]),
        f"the same {len(turned.rows)} latents, turning from {first} to {second} and back",
    )
