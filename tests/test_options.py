"""An option is declared once and understood three ways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pytest

from mnistkit.errors import PluginError, UsageError
from mnistkit.options import adopt, as_dict, build, faults_of, options_of, parse
from mnistkit.plugin import option


@dataclass(frozen=True, kw_only=True)
class Options:
    layout: Literal["wide", "long"] = option("wide", help="How.")
    level: int = option(6, help="How much.", min=1, max=9)
    rows: int | None = option(None, help="How many.")
    scale: float = option(1.0, help="By what.")
    header: bool = option(True, help="Whether.")
    shape: str = option("", help="Which.")
    rank: Literal[1, 2] = option(1, help="Which one.")
    ends: bool | None = option(None, help="Whether at all.")


def test_declaration_tells_all():
    layout, level, *_, shape, _, _ = options_of(Options)

    assert (layout.flag, layout.choices, layout.default, layout.help) == (
        "--layout",
        ("wide", "long"),
        "wide",
        "How.",
    )
    assert level.spelled == "a whole number from 1 to 9"
    assert shape.spelled == "text"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ({"layout": "long"}, "long"),
        ({"level": "3"}, 3),
        ({"rows": "12"}, 12),
        ({"scale": "0.5"}, 0.5),
        ({"header": "no"}, False),
        ({"header": "true"}, True),
        ({"shape": "20x28"}, "20x28"),
        ({"rank": "2"}, 2),
        ({"ends": "no"}, False),
        ({"ends": "none"}, None),
        ({"rows": "None"}, None),
        ({"level": "+3"}, 3),
        ({"scale": "-1.5e3"}, -1500.0),
        ({"shape": "none"}, "none"),
    ],
    ids=str,
)
def test_text_becomes_a_value(text, value):
    (name,) = text

    assert getattr(parse(Options, text, where="x"), name) == value


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"layout": "tall"}, r"x: bad value for --layout: expected wide\|long, found 'tall'"),
        ({"level": 10}, "bad value for --level: expected a whole number from 1 to 9, found 10"),
        ({"level": True}, "found True"),
        ({"level": "6"}, "found '6'"),
        ({"header": 1}, "expected true or false, found 1"),
        ({"rows": 1.5}, "expected a whole number or none, found 1.5"),
        (
            {"colour": 1},
            "x: no option 'colour'; known: ends, header, layout, level, rank, rows, scale, shape",
        ),
        ({"rank": True}, r"bad value for --rank: expected 1\|2, found True"),
        ({"rank": 1.0}, "found 1.0"),
        ({"rank": np.zeros(3)}, r"bad value for --rank: .* found array\("),
        ({"layout": np.array(["wide", "long"])}, r"bad value for --layout: .* found array\("),
        ({"scale": float("nan")}, "bad value for --scale: expected a number, found nan"),
        ({"scale": float("inf")}, "found inf"),
    ],
    ids=str,
)
def test_bad_values_are_refused_with_what_is_allowed(values, message):
    with pytest.raises(UsageError, match=message):
        build(Options, values, where="x")


@pytest.mark.parametrize(
    "text",
    [
        {"level": "many"},
        {"header": "perhaps"},
        {"layout": "tall"},
        {"rank": "3"},
        {"rank": "1.0"},
        {"rows": "1_0"},
        {"rows": " 5"},
        {"rows": "\N{ARABIC-INDIC DIGIT FIVE}"},
        {"rows": "9" * 5000},
        {"scale": "nan"},
        {"scale": "1e999"},
        {"scale": "1_0.5"},
        {"level": "none"},
    ],
    ids=str,
)
def test_bad_texts_are_refused(text):
    with pytest.raises(UsageError, match="bad value"):
        parse(Options, text, where="x")


def test_adopt_keeps_what_fits():
    assert adopt(Options, {"layout": "long", "level": 99, "other": 1}) == {"layout": "long"}


def test_values_are_recorded_by_name():
    assert as_dict(Options(level=2))["level"] == 2


@dataclass(frozen=True, kw_only=True)
class Picky:
    size: int = option(1, help="How many.")

    def __post_init__(self):
        if self.size == 2:
            raise ValueError("two is odd")
        if self.size == 3:
            raise KeyError("three")


def test_what_a_format_objects_to_is_said_in_one_line():
    with pytest.raises(UsageError, match=r"^x: bad options: found two is odd$"):
        build(Picky, {"size": 2}, where="x")
    with pytest.raises(PluginError, match=r"^x: failed while taking options: found KeyError: 'three'"):
        build(Picky, {"size": 3}, where="x")


def test_a_good_declaration_has_no_faults():
    assert list(faults_of(Options)) == []


@dataclass(frozen=True, kw_only=True)
class Wrong:
    bare: int
    mute: int = 1
    many: list[int] | None = option(None, help="Many.")  # noqa: RUF009 - a field; its type is what is wrong
    far: int = option(10, help="How far.", max=9)
    odd: int = option(10, help="How odd.", max="9")


def test_faults_of_a_declaration_are_all_named():
    faults = list(faults_of(Wrong))

    assert faults == [
        "option 'bare' has no default",
        "option 'mute' has no help",
        "option 'many' is of type list[int], which no text can give",
        "option 'far' has the default 10, which it does not allow",
        "option 'odd' has the bound '9'",
    ]
    assert "is no dataclass" in next(faults_of(int))
