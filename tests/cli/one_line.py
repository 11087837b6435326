"""What an error prints."""


def one_line(err):
    """The only line that names the program, and no traceback beside it."""
    lines = [line for line in err.splitlines() if line.startswith("gan-probe: ")]
    assert len(lines) == 1
    assert len(lines[0]) < 330
    assert "Traceback" not in err
    return lines[0]
