"""The report's folder: locked by one run, filled as its analyses end, readable at every moment."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import re
import tempfile
import warnings
from typing import IO, TYPE_CHECKING, Self

from gan_probe import disk
from gan_probe.errors import BadInputError, OutputError
from gan_probe.report.csv import measure_csv, to_csv
from gan_probe.report.drawing import pdf, png
from gan_probe.report.html import render_page
from gan_probe.report.json import dumps
from gan_probe.report.latex import figure_to_latex, to_latex
from gan_probe.report.methods import METHODS, REFERENCES, methods, to_bibtex, to_tex
from gan_probe.report.names import file_names, label_prefix
from gan_probe.report.reading import SUMS, Reading, read_report

if TYPE_CHECKING:
    from pathlib import Path

    from gan_probe.report.model import Artifact, Report, RunReport
    from gan_probe.report.names import Files

# The mark of a report's folder, its lock, and the list of what was written: a name is noted before its file appears.
MANIFEST = ".gan-probe-report"
UNSUCCESSFUL = ("failed", "refused", "interrupted")
FOLDERS = ("tables", "figures", "artifacts", "measures")
# A manifest may come from anywhere: no name in it leads out of the folder.
TOP = ("index.html", "report.json", METHODS, REFERENCES, SUMS)  # replaced as they are: each is whole at every moment
OURS = re.compile(rf"{'|'.join(map(re.escape, TOP))}|({'|'.join(FOLDERS)})/[a-z0-9][a-z0-9._-]*")
BLOCK = 2**20  # bytes of an artifact at a time
UNFINISHED = re.compile(r"\..+\.partial")  # what disk.replacing leaves behind when the process is killed


class ReportFolder:
    """A context that owns a folder and writes a run's report into it.

    Entering creates and locks the folder and tries to write there. It raises OutputError if another run has the
    folder, if it holds a report with a result and `force` is not given, or if it is not empty and not a report's. What
    an earlier report wrote, and nothing else, is removed when the first result of this one lands.

    With `resume` an earlier report is read (`earlier`) and may be replaced; its files are removed only once a new
    `report.json` stands, so that what is taken over from it is never lost.
    """

    def __init__(self, path: Path, force: bool = False, resume: bool = False) -> None:
        self.path = path
        self.force = force
        self.resume = resume
        self.earlier: Reading | None = None
        self.unreadable = ""  # why the earlier report is none that can be gone on with
        self._stack = contextlib.ExitStack()
        self._manifest: IO[bytes] | None = None
        self._created = False
        self._noted: set[str] = set()
        self._pictures: dict[str, bytes] = {}  # every page holds all figures: each is drawn once
        self._sums: dict[str, str] = {}
        self._made: dict[str, bytes] = {}
        self._stamps: dict[str, tuple[int, int, int]] = {}  # of the files as they were written
        self._landed: list[tuple[Report, Files]] = []
        self._stale: list[Path] = []

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            content = self._open()
            self._manifest = stack.enter_context(disk.locked(self.path / MANIFEST))
            held = bool(content or self._old_files())
            if held and self.resume:
                try:
                    self.earlier = read_report(self.path)
                except BadInputError as error:
                    self.unreadable = str(error)
            elif held and not self.force and not self._without_result():
                raise OutputError(f"{self.path} holds a report already: pass --force to replace it, or another --out")
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        if self._created and not self._noted and os.name == "posix":  # elsewhere an open file cannot be removed
            with contextlib.suppress(OSError):  # somebody has put a file of theirs in
                if [*self.path.iterdir()] == [self.path / MANIFEST]:
                    (self.path / MANIFEST).unlink()
                    self.path.rmdir()
        self._stack.close()
        self._manifest = None

    def add(self, run_report: RunReport, report: Report) -> None:
        """Write the files of what is new and bring `index.html` and `report.json` up to date, each whole or not at all.

        `report`, as `check_report` returned it, joins `run_report.analyses` if it is not there yet. A full disk is an
        OutputError; what was written before stays.
        """
        if not any(known is report for known in run_report.analyses):
            run_report.analyses.append(report)
        parts = list(zip(run_report.analyses, file_names(run_report.analyses), strict=True))
        new = [(part, names) for part, names in parts if not any(p is part and n == names for p, n in self._landed)]
        for part, names in new:
            self._write_part(part, names, label_prefix(run_report))
        if new:
            self._landed = parts
            self.finish(run_report)

    def _write_part(self, report: Report, names: Files, prefix: str) -> None:
        # all is made before anything is written: what cannot be made leaves no half of itself
        made: dict[str, bytes] = {}
        for table, file in zip(report.tables, names.tables, strict=True):
            made[f"{file}.csv"] = to_csv(table).encode()
            made[f"{file}.tex"] = to_latex(table, _label(prefix, file)).encode()
        for figure, file in zip(report.figures, names.figures, strict=True):
            self._pictures[file] = made[f"{file}.png"] = png(figure)
            made[f"{file}.pdf"] = page = pdf(figure)
            name = file.partition("/")[2]
            made[f"{file}.tex"] = figure_to_latex(figure, f"{name}.pdf", page, _label(prefix, file)).encode()
        for measure, file in zip(report.measures, names.measures, strict=True):
            made[file] = measure_csv(measure).encode()
        with contextlib.ExitStack() as stack:
            files = {file: _opened(stack, a) for a, file in zip(report.artifacts, names.artifacts, strict=True)}
            self._clear()
            held = {f: a.content for f, a in zip(names.artifacts, report.artifacts, strict=True)}
            self._made |= made | {file: content for file, content in held.items() if isinstance(content, bytes)}
            for file, content in made.items():
                self._write(file, content)
            for file, source in files.items():
                # one that was read back from here may be copied onto itself: it is replaced when it has been read
                with disk.replacing(self._prepare(file)) as target:
                    digest = hashlib.sha256()
                    while block := source.read(BLOCK):
                        digest.update(block)
                        target.write(block)
                    self._sums[file] = digest.hexdigest()
                self._stamps[file] = _stamp(self.path / file)

    def _mend(self) -> None:
        """Write again what has been deleted or changed since it was written: an analysis can do that to any file."""
        self._keep_mark()
        harmed = {name for name, stamp in self._stamps.items() if name not in TOP and _stamp(self.path / name) != stamp}
        if not harmed:
            return
        warnings.warn(f"{len(harmed)} files of {self.path} were deleted or changed: written again", stacklevel=3)
        for name in harmed & self._made.keys():  # all but artifacts that were files
            self._write(name, self._made[name])

    def _keep_mark(self) -> None:
        """Make our mark and lock anew where somebody has deleted it."""
        assert self._manifest is not None  # noqa: S101  # for the type checker
        if _stamp(self.path / MANIFEST)[0] == os.fstat(self._manifest.fileno()).st_ino:
            return
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot write into {self.path}: {error.strerror or error}") from error
        self._manifest = self._stack.enter_context(disk.locked(self.path / MANIFEST))
        noted, self._noted = self._noted, set()
        self._note(*sorted(noted))

    def finish(self, run_report: RunReport) -> None:
        """Bring `index.html` and `report.json` up to date with what the run knows now; mend what was harmed."""
        self._clear()
        self._mend()
        section = methods(run_report)
        self._write(METHODS, to_tex(section).encode())
        self._write(REFERENCES, to_bibtex(section).encode())
        kept = {name: known for name, known in self._sums.items() if name not in (SUMS, "index.html", "report.json")}
        self._write(SUMS, "".join(f"{known}  {name}\n" for name, known in sorted(kept.items())).encode())
        self._write("report.json", dumps(run_report).encode())
        self._write("index.html", render_page(run_report, self._pictures).encode())
        for path in self._stale:
            if f"{path.parent.name}/{path.name}" not in self._sums:
                path.unlink(missing_ok=True)
        self._stale = []

    def _open(self) -> set[str]:
        """Create the folder or look into it: the names that it holds, our mark aside."""
        try:
            self._created = not self.path.exists()
            self.path.mkdir(parents=True, exist_ok=True)
            content = {entry.name for entry in self.path.iterdir()}
            with tempfile.TemporaryFile(dir=self.path):
                pass  # hours of computing must not end at a folder that cannot be written
        except FileExistsError:
            raise OutputError(f"{self.path} is a file, not a folder: pass another --out") from None
        except OSError as error:
            raise OutputError(f"cannot write into {self.path}: {error.strerror or error}") from error
        if content and MANIFEST not in content:
            raise OutputError(f"{self.path} is not empty and not a report of ours: pass a new or empty folder as --out")
        return content - {MANIFEST, *FOLDERS}

    def _old_files(self) -> list[Path]:
        assert self._manifest is not None  # noqa: S101  # for the type checker
        self._manifest.seek(0)
        names = self._manifest.read().decode("utf-8", "replace").splitlines()
        paths = [self.path / name for name in dict.fromkeys(names) if OURS.fullmatch(name)]
        return [
            p
            for p in paths
            if not (p.parent != self.path and p.parent.is_symlink()) and (p.is_symlink() or p.is_file())
        ]

    def _without_result(self) -> bool:
        """Whether the report that is there was finished with no analysis `ok`: nothing is lost with it."""
        try:
            analyses = json.loads((self.path / "report.json").read_bytes())["analyses"]
            return all(analysis["status"] in UNSUCCESSFUL for analysis in analyses)
        except (OSError, ValueError, LookupError, TypeError, RecursionError):
            return False

    def _clear(self) -> None:
        """Remove, once, what an earlier report wrote, but for the files that this one replaces at a stroke."""
        if self._manifest is None:
            raise RuntimeError("use ReportFolder as a context: with ReportFolder(path) as folder")
        if self._noted:
            return
        try:
            old = [path for path in self._old_files() if path.parent != self.path]
            if self.earlier is not None:
                self._stale = old
            else:
                for path in old:
                    path.unlink(missing_ok=True)
            for folder in [self.path, *(self.path / name for name in FOLDERS)]:
                if folder.is_dir() and not (folder != self.path and folder.is_symlink()):
                    for path in folder.iterdir():
                        if UNFINISHED.fullmatch(path.name) and path.is_file():
                            path.unlink()
            for name in FOLDERS:
                with contextlib.suppress(OSError):  # the user's own files are in there, or it never was
                    (self.path / name).rmdir()
            if self.earlier is None:
                self._manifest.truncate(0)
            self._note(*TOP)
        except OSError as error:
            raise OutputError(f"cannot clear {self.path}: {error.strerror or error}") from error

    def _note(self, *names: str) -> None:
        assert self._manifest is not None  # noqa: S101  # for the type checker
        for name in names:
            if name not in self._noted:
                self._manifest.seek(0, 2)
                self._manifest.write(f"{name}\n".encode())
                self._noted.add(name)
        self._manifest.flush()

    def _prepare(self, name: str) -> Path:
        path = self.path / name
        try:
            self._note(name)
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
        return path

    def _write(self, name: str, content: bytes) -> None:
        disk.write_bytes(self._prepare(name), content)
        self._sums[name] = hashlib.sha256(content).hexdigest()
        self._stamps[name] = _stamp(self.path / name)


def _stamp(path: Path) -> tuple[int, int, int]:
    """What changes when a file does: its number, size and time; zeros where there is none."""
    try:
        found = path.stat()
    except OSError:
        return 0, 0, 0
    return found.st_ino, found.st_size, found.st_mtime_ns


def _label(prefix: str, file: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", f"{prefix}{file.partition('/')[2]}")


def _opened(stack: contextlib.ExitStack, artifact: Artifact) -> IO[bytes]:
    if isinstance(artifact.content, bytes):
        return io.BytesIO(artifact.content)
    try:
        return stack.enter_context(artifact.content.open("rb"))
    except OSError as error:  # it was there when the analysis ended
        raise ValueError(f"artifact {artifact.name!r}: its file cannot be read: {error.strerror}") from error
