"""Whatever can be used is documented, and what the pages say of it is what the code says."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import re
import tomllib

import pytest
from docs.pages import DOCS, ROOT, links, name_of, pages

from mnistkit import errors
from mnistkit.cli.report import INTERRUPTED, TERMINATED
from mnistkit.hooks import DatasetHooks, FormatHooks
from mnistkit.registry import find_formats

VARIABLE = re.compile(r"\bMNISTKIT_[A-Z_]*[A-Z]\b")
SOURCES = ("mnistkit", "plugins", "tests", "benchmarks")
SECTIONS = ("On disk", "Write options", "Read options", "What it carries", "Open it")
EXAMPLE = DOCS / "examples" / "mnistkit-npy"
OWN = [name for name, (plugin, *_) in find_formats().items() if plugin.distribution == "mnistkit"]


def read(name):
    return (DOCS / name).read_text("utf-8")


def column(name):
    """Return the first cells of all rows of a page's tables."""
    return re.findall(r"^\| (.+?) \|", read(name), re.MULTILINE)


@pytest.fixture(scope="module")
def make_pages():
    spec = importlib.util.spec_from_file_location("make_pages", DOCS / "make_pages.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_what_is_made_of_the_code_is_fresh(page, make_pages):
    text = page.read_text("utf-8")

    assert text == make_pages.refreshed(text), "run python docs/make_pages.py"


@pytest.mark.parametrize("name", OWN)
def test_every_format_has_a_page_with_all_sections(name):
    page = read(f"formats/{name}.md")

    found = re.findall(r"^## (.+)$", page, re.MULTILINE)
    assert [section for section in SECTIONS if section in found] == list(SECTIONS)
    for made in (f"options {name} write", f"options {name} read", f"card {name}"):
        assert f"<!-- begin: {made} -->" in page
    assert "```" in page.partition("## On disk")[2].partition("\n## ")[0]
    assert "```" in page.partition("## Open it")[2].partition("\n## ")[0]
    assert f"(docs/formats/{name}.md)" in (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize("kind", [FormatHooks, DatasetHooks])
def test_every_hook_is_documented_with_its_signature(kind):
    hooks = [f for name, f in vars(kind).items() if inspect.isfunction(f)]

    assert hooks
    for hook in hooks:
        signature = (
            str(inspect.signature(hook)).replace("(self)", "()").replace("(self, ", "(").replace("'", "")
        )
        assert f"\n## `{hook.__name__}{signature}`\n" in read("hooks.md")


def test_every_command_and_flag_is_in_the_synopsis(make_pages):
    made = make_pages.refreshed("<!-- begin: commands -->\n<!-- end -->")
    synopsis = read("cli.md").partition("```text\n")[2].partition("```")[0]
    export = made.partition("### `mnistkit export`")[2].partition("### ")[0]

    commands = re.findall(r"^### `mnistkit (\S+)`", made, re.MULTILINE)
    assert set(commands) == set(re.findall(r"^mnistkit (\S+)", synopsis, re.MULTILINE))
    flags = re.findall(r"^\| `(--\S+?)[ `]", export, re.MULTILINE)
    assert set(flags) == set(re.findall(r"--[a-z-]+", synopsis.partition("\n\n")[0]))


def test_every_error_is_public_and_documented():
    family = [e for e in vars(errors).values() if inspect.isclass(e) and issubclass(e, errors.MnistkitError)]

    package = importlib.import_module("mnistkit")
    assert len(family) > 1
    assert {e.__name__ for e in family} <= set(package.__all__)
    assert [e.__name__ for e in family if f"`{e.__name__}`" not in read("errors.md")] == []


def test_every_environment_variable_is_documented():
    files = [ROOT / "hatch_build.py", ROOT / "noxfile.py"]
    files += [path for folder in SOURCES for path in (ROOT / folder).rglob("*.py")]

    used = {name for path in files for name in VARIABLE.findall(path.read_text("utf-8"))}
    documented = {name for cell in column("environment.md") for name in VARIABLE.findall(cell)}
    assert used == documented


def test_every_exit_code_is_documented():
    raised = {kind.exit_code for kind in errors.MnistkitError.__subclasses__()}

    found = {int(cell) for cell in column("exit-codes.md") if cell.isdigit()}
    assert found == {0, *raised, INTERRUPTED, TERMINATED}


@pytest.mark.parametrize("name", ["mnistkit", "mnistkit.plugin", "mnistkit.testing", "mnistkit.catalog"])
def test_every_public_name_is_in_the_reference(name):
    module = importlib.import_module(name)

    section = read("api.md").partition(f"`{name}`\n")[2].partition("\n## ")[0]
    assert [public for public in module.__all__ if f"`{public}`" not in section] == []


def test_public_modules_are_those_that_formats_may_import():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    (public,) = (contract for contract in contracts if contract["id"] == "public")
    section = read("plugins.md").partition("## What is public")[2]

    allowed = {line.removeprefix("** -> ").removesuffix(".**") for line in public["ignore_imports"]}
    listed = set(re.findall(r"^\| `(mnistkit\.\w+)`", section, re.MULTILINE))
    assert listed - {"mnistkit.catalog", "mnistkit.testing"} == allowed


@pytest.mark.parametrize(
    "path", sorted(p for p in EXAMPLE.rglob("*.*") if p.suffix in {".py", ".toml"}), ids=lambda p: p.name
)
def test_the_guide_shows_the_example_whole(path):
    place = re.escape(path.relative_to(DOCS).as_posix())
    pieces = re.findall(
        rf"<!-- begin: file {place}.*? -->\n\n```\w+\n(.*?)```", read("plugins.md"), re.DOTALL
    )

    shown = [line for piece in pieces for line in piece.splitlines() if line]
    assert shown == [line for line in path.read_text("utf-8").splitlines() if line]


def test_the_first_page_leads_to_all_others():
    others = {path.relative_to(DOCS).as_posix() for path in pages() if path.is_relative_to(DOCS)}

    assert {"index.md", *links(DOCS / "index.md")} == others


def test_every_session_of_nox_is_documented():
    tree = ast.parse((ROOT / "noxfile.py").read_text("utf-8"))
    sessions = {f.name for f in tree.body if isinstance(f, ast.FunctionDef) and f.decorator_list}

    page = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    assert sessions == set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
