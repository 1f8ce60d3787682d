"""An option is declared once and understood three ways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pytest

from mnistkit.errors import UsageError
from mnistkit.options import adopt, as_dict, build, options_of, parse
from mnistkit.plugin import option


@dataclass(frozen=True, kw_only=True)
class Options:
    layout: Literal["wide", "long"] = option("wide", help="How.")
    level: int = option(6, help="How much.", min=1, max=9)
    rows: int | None = option(None, help="How many.")
    scale: float = option(1.0, help="By what.")
    header: bool = option(True, help="Whether.")
    shape: str = option("", help="Which.")


def test_declaration_tells_all():
    layout, level, *_, shape = options_of(Options)

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
        ({"rows": 1.5}, "expected a whole number or nothing, found 1.5"),
        ({"colour": 1}, "x: no option 'colour'; known: header, layout, level, rows, scale, shape"),
    ],
    ids=str,
)
def test_bad_values_are_refused_with_what_is_allowed(values, message):
    with pytest.raises(UsageError, match=message):
        build(Options, values, where="x")


@pytest.mark.parametrize("text", [{"level": "many"}, {"header": "perhaps"}, {"layout": "tall"}], ids=str)
def test_bad_texts_are_refused(text):
    with pytest.raises(UsageError, match="bad value"):
        parse(Options, text, where="x")


def test_adopt_keeps_what_fits():
    assert adopt(Options, {"layout": "long", "level": 99, "other": 1}) == {"layout": "long"}


def test_values_are_recorded_by_name():
    assert as_dict(Options(level=2))["level"] == 2
