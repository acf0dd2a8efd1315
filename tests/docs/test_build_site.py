"""The site: its pages fit together, and what does not fit stops it."""

import re
import tomllib
from importlib.util import find_spec
from pathlib import Path

import build_site
import pytest
from build_site import SiteError, build, moved_links, nav_problems, sources, stage, unknown_names
from links import broken_in_markdown
from reference import Reference

ROOT = Path(__file__).parents[2]

CONFIG = """[project]
site_name = "Small"
use_directory_urls = false
nav = [{ "Home" = "index.md" }, { "Task" = "task.md" }, { "API" = "api/" }]
[project.theme]
font = false
[project.markdown_extensions]
toc.permalink = true
pymdownx.superfences = {}
[project.plugins.mkdocstrings.handlers.python.options]
show_root_heading = true
heading_level = 1
"""


@pytest.fixture
def root(source):
    """A small repository: a README, a page, a package."""
    root = source.parent
    (root / "docs").mkdir()
    (root / "docs" / "zensical.toml").write_text(CONFIG)
    (root / "docs" / "task.md").write_text(
        "# Task\nUse `glimpse.Circle`, a [class](../src/glimpse/records.py).\n"
    )
    (root / "README.md").write_text("# Small\nSee [the task](docs/task.md#task).\n")
    return root


def test_every_page_of_the_documentation_is_in_the_navigation():
    config = tomllib.loads((ROOT / "docs" / "zensical.toml").read_text(encoding="utf-8"))
    assert nav_problems(config["project"]["nav"], set(sources(ROOT))) == []


PAGES = {place: path for place, path in sources(ROOT).items() if place.endswith(".md")}


@pytest.mark.parametrize("place", PAGES)
def test_links_lead_to_what_is_there(place):
    assert broken_in_markdown([PAGES[place]], ROOT) == []


@pytest.fixture(scope="module")
def reference():
    return Reference(ROOT / "src")


@pytest.mark.parametrize("place", PAGES)
def test_pages_name_what_the_package_has(place, reference):
    assert unknown_names(place, PAGES[place].read_text(encoding="utf-8"), reference) == []


def test_the_navigation_is_told_what_it_lacks_and_what_it_has_too_much():
    nav = [{"A": [{"B": "b.md"}, "c.md"]}, {"Again": "b.md"}, {"API": "api/"}]
    assert nav_problems(nav, {"b.md", "d.md", "picture.png"}) == [
        "docs/zensical.toml: nav has no entry for d.md.",
        "docs/zensical.toml: nav names c.md, which is not there.",
        "docs/zensical.toml: nav names b.md twice.",
    ]


def test_names_are_looked_up_but_in_records_of_what_was(source):
    text = "`glimpse.Circle.area()` `glimpse.Square` `other.name`\n## History\n`glimpse.Gone`"
    reference = Reference(source)
    assert unknown_names("page.md", text, reference) == ["page.md names glimpse.Square, which is not there."]
    assert unknown_names("changelog.md", text, reference) == []
    assert unknown_names("evidence/speed.md", text, reference) == []


def test_links_follow_the_pages_into_the_site(tmp_path):
    places = {str(tmp_path / "docs/a/b.md"): "a/b.md", str(tmp_path / "README.md"): "index.md"}
    text = "[b](docs/a/b.md#c) [out](https://example.org) `[b](docs/a/b.md)`"
    assert moved_links(text, tmp_path / "README.md", "index.md", places) == text.replace(
        "(docs/a/b.md#c)", "(a/b.md#c)"
    )
    assert (
        moved_links("[home](../../README.md)", tmp_path / "docs/a/b.md", "a/b.md", places)
        == "[home](../index.md)"
    )


def test_what_is_staged_is_linked(root):
    stage(root, root / "build")
    page = (root / "build" / "docs" / "task.md").read_text()
    assert "[`glimpse.Circle`][glimpse.shapes.circle.Circle]" in page
    assert "(api/glimpse/records.md)" in page
    assert "(task.md#task)" in (root / "build" / "docs" / "index.md").read_text()


def test_a_page_that_does_not_fit_stops_it_with_a_sentence(root):
    (root / "docs" / "lost.md").write_text("[gone](gone.md) `glimpse.Square`")
    with pytest.raises(SiteError) as error:
        stage(root, root / "build")
    assert str(error.value).splitlines() == [
        "docs/zensical.toml: nav has no entry for lost.md.",
        "docs/lost.md links to gone.md, which is not there.",
        "lost.md names glimpse.Square, which is not there.",
    ]
    assert not (root / "build").exists()


def test_of_many_problems_twenty_are_told():
    lines = str(SiteError(*map(str, range(25)))).splitlines()
    assert len(lines) == 21
    assert lines[-1] == "... and 5 more."


def test_no_site_is_exit_code_2_and_a_sentence(monkeypatch, capsys):
    def fail(_):
        raise SiteError("page.md links to gone.md, which is not there.")

    monkeypatch.setattr(build_site, "build", fail)
    with pytest.raises(SystemExit) as stop:
        build_site.main()
    assert stop.value.code == 2
    assert capsys.readouterr().err == "page.md links to gone.md, which is not there.\n"


@pytest.mark.skipif(not find_spec("zensical"), reason="needs the extra docs")
def test_a_site_is_built_and_replaced_only_by_a_whole_one(root):
    page = (build(root) / "task.html").read_text(encoding="utf-8")
    assert re.search(r'href="api/glimpse/shapes/circle.html#glimpse.shapes.circle.Circle"', page)
    circle = (root / "site" / "api" / "glimpse" / "shapes" / "circle.html").read_text(encoding="utf-8")
    assert re.search(r'href="base.html#glimpse.shapes.base.Shape"', circle)  # a name in a docstring
    assert "&lt;" not in "".join(re.findall(r'title="[^"]*"', circle))

    (root / "docs" / "task.md").write_text("# Task\n<a href='gone.html'>x</a>\n")
    with pytest.raises(SiteError, match=r"task.html links to gone.html, which is not there\."):
        build(root)
    assert (root / "site" / "task.html").read_text(encoding="utf-8") == page
