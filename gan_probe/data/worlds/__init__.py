"""Toy worlds, drawn by code without end, where the truth of every image is known: `toy_rooms`, `toy_faces`."""

from gan_probe.data.worlds.faces import toy_faces
from gan_probe.data.worlds.rooms import toy_rooms
from gan_probe.data.worlds.world import Scene, World

__all__ = ["Scene", "World", "toy_faces", "toy_rooms"]
