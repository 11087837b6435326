"""What a person said of pairs: a CSV of pair numbers, and yes or no."""

from __future__ import annotations

import csv
from pathlib import Path

from gan_probe.data.names import short
from gan_probe.errors import BadInputError

COLUMNS = ("pair", "first", "second", "duplicate")
WORDS = {"yes": True, "y": True, "1": True, "no": False, "n": False, "0": False}


def read_judged(path: Path, pairs: list[tuple[str, str]]) -> list[bool]:
    """Whether each pair that has an answer is a duplicate.

    The CSV's first line names the columns pair and duplicate (yes or no); where it names first and second too, these
    must be the images of the pair of that number, from 1, among `pairs`. Empty answers are left out. Raises
    BadInputError for anything else.
    """
    where = f"--judged {short(path, 40)}"
    answers: dict[int, bool] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            if not {"pair", "duplicate"} <= set(rows.fieldnames or ()):
                raise BadInputError(f"{where}: its first line must name the columns pair and duplicate")
            for row in rows:
                line = f"{where}, line {rows.line_num}"
                answer = (row["duplicate"] or "").strip().lower()
                if not answer:
                    continue
                number = (row["pair"] or "").strip()
                if answer not in WORDS:
                    raise BadInputError(f"{line}: duplicate is {short(answer, 20)!r}: write yes or no")
                if not number.isdecimal() or not 1 <= int(number[:9]) <= len(pairs):
                    raise BadInputError(f"{line}: pair {short(number, 20)!r} is not 1 to {len(pairs)}")
                if int(number) in answers:
                    raise BadInputError(f"{line}: pair {number} has an answer already: keep one")
                if row.get("first") is not None and row.get("second") is not None:
                    drawn = pairs[int(number) - 1]
                    if (row["first"].strip(), row["second"].strip()) != drawn:
                        now = f"{short(drawn[0], 25)} and {short(drawn[1], 25)}"
                        raise BadInputError(f"{line}: pair {number} is now {now}: judge this run's pairs.csv")
                answers[int(number)] = WORDS[answer]
    except OSError as error:
        raise BadInputError(f"{where}: cannot read it: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error):
        raise BadInputError(f"{where}: cannot read it as CSV: save it as CSV in UTF-8") from None
    if not answers:
        raise BadInputError(f"{where}: it has no answers: write yes or no into its column duplicate")
    return [answers[number] for number in sorted(answers)]
