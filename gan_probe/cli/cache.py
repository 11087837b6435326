"""`gan-probe cache`: the features kept on disk, and their end."""

from __future__ import annotations

import dataclasses
import datetime
import json
from typing import TYPE_CHECKING

import click

from gan_probe.cli import options as shared

if TYPE_CHECKING:
    from gan_probe.features.store import Entry
    from gan_probe.report import Table

SHOWN = 12  # characters of a key


@click.command(
    short_help="List or clear the features kept on disk.",
    epilog="""\b
Examples:
  gan-probe cache
  gan-probe cache --clear
  gan-probe cache --clear 3f2a99b0 77c1
  gan-probe cache --json""",
)
@click.argument("keys", metavar="[KEY]...", nargs=-1)
@click.option("--clear", is_flag=True, help="Delete these entries; without KEY all, unfinished ones included.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with all that an entry was made from.")
@shared.debug
def command(keys: tuple[str, ...], clear: bool, as_json: bool) -> None:
    """List the features that earlier runs extracted and later ones need not, or delete them.

    KEY is an entry's, or its first characters. They lie in `features` in $GAN_PROBE_CACHE, $XDG_CACHE_HOME/gan-probe
    or ~/.cache/gan-probe. Data sets that were downloaded there are neither listed nor deleted.
    """
    from gan_probe.features.store import FeatureStore
    from gan_probe.report.text import format_table

    store = FeatureStore.default()
    entries = _chosen(store.entries(), keys)
    total = sum(entry.bytes for entry in entries)
    unfinished = 0 if keys else store.leftovers()
    freed, in_use = (0, list[str]()) if not clear else store.clear([e.digest for e in entries] if keys else None)
    if as_json:
        listed = [{"digest": e.digest, "path": str(store.path(e)), **dataclasses.asdict(e)} for e in entries]
        whole = {"root": str(store.root), "bytes": total, "unfinished_bytes": unfinished, "entries": listed}
        cleared = {"freed_bytes": freed, "in_use": in_use} if clear else {}
        click.echo(json.dumps({**whole, **cleared}, indent=2))
    elif clear:
        click.echo(f"freed {_size(freed)} at {store.root}")
    else:
        if entries:
            click.echo(format_table(_table(entries)))
        click.echo(f"{len(entries)} {'entry' if len(entries) == 1 else 'entries'}, {_size(total)}, at {store.root}")
        if unfinished:
            click.echo(f"{_size(unfinished)} more are unfinished: being written, or left by a run that was killed")
    for digest in in_use:
        click.echo(f"note: {digest[:SHOWN]} is being written by another run, and stays", err=True)


def _chosen(entries: list[Entry], keys: tuple[str, ...]) -> list[Entry]:
    from gan_probe.errors import UsageError, one_line

    if not keys:
        return entries
    found: dict[str, Entry] = {}
    for key in keys:
        fitting = [entry for entry in entries if entry.digest.startswith(key.lower())]
        if len(fitting) != 1 or not key:
            many = "no entry begins" if not fitting else f"{len(fitting)} entries begin"
            raise UsageError(f"{many} with {one_line(key, 70)!r}; `gan-probe cache` lists them")
        found[fitting[0].digest] = fitting[0]
    return list(found.values())


def _table(entries: list[Entry]) -> Table:
    from gan_probe.report import Table

    now = datetime.datetime.now(datetime.UTC)
    rows = [
        {
            "key": entry.digest[:SHOWN],
            "what": " ".join(str(value) for value in entry.about.values()),
            "layers": ",".join(layer for layer, _, _ in entry.columns),
            "rows": f"{entry.rows:,}",
            "columns": f"{entry.shape[1]:,}",
            "type": entry.dtype,
            "size": _size(entry.bytes),
            "age": _age(now - datetime.datetime.fromisoformat(entry.created)),
        }
        for entry in entries
    ]
    return Table("features", rows)


def _size(count: int) -> str:
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{count} bytes"


def _age(age: datetime.timedelta) -> str:
    for unit, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if age.total_seconds() >= unit:
            return f"{age.total_seconds() // unit:.0f} {name}"
    return "now"
