"""What an equation says, and what it cannot say."""

import pytest

from gan_probe import BadInputError
from gan_probe.arithmetic import implied, parse_concept, parse_equation

JUDGES = {"smile": ("neutral", "smiling"), "sex": ("woman", "man"), "age": ("0", "1"), "size": ("0", "1", "2")}


def expected(text):
    return implied(*(parse_concept(part, JUDGES) for part in parse_equation(text)))


def test_the_papers_equation_gives_a_smiling_man():
    found = expected("smiling & woman - neutral & woman + neutral & man")
    assert found == {"smile": "smiling", "sex": "man"}


def test_a_concept_that_b_and_c_leave_out_stays():
    # "man with glasses - man + woman"
    assert expected("man & smiling - man + woman") == {"smile": "smiling", "sex": "woman"}


def test_what_cancels_is_not_expected():
    assert expected("smiling & man - neutral & man + neutral") == {"smile": "smiling"}


@pytest.mark.parametrize("text", ["smiling & man - neutral + woman", "smiling - man + smiling"])
def test_two_classes_of_one_judge_are_refused(text, refused):
    assert "which" in refused(expected, text)


def test_an_equation_that_leaves_nothing_is_refused(refused):
    assert "cancels" in refused(implied, {}, {"sex": "man"}, {})


@pytest.mark.parametrize("text", ["a + b - c", "a - b", "a-b+c", "a - b + c + d", " - b + c", ""])
def test_other_forms_are_refused(text, refused):
    assert "A - B + C" in refused(parse_equation, text)


def test_a_name_may_hold_spaces_and_hyphens():
    assert parse_equation("no glasses&well-lit - b + c") == ("no glasses & well-lit", "b", "c")


def test_a_class_of_two_judges_needs_the_judges_name(refused):
    assert "JUDGE=CLASS" in refused(parse_concept, "0", JUDGES)
    assert parse_concept("age=0 & 2", JUDGES) == {"age": "0", "size": "2"}


def test_an_unknown_name_and_a_contradiction_are_refused(refused):
    assert "smile: neutral, smiling" in refused(parse_concept, "grinning", JUDGES)
    assert "two classes" in refused(parse_concept, "man & woman", JUDGES)
    with pytest.raises(BadInputError):
        parse_concept("", JUDGES)
