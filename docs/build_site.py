"""Build the site from the Markdown pages and the docstrings; `make docs` runs it.

Pages are put together in `build/site` and become `site/` when every link of theirs leads somewhere.
"""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any

from docstrings import with_links, with_lists
from links import CODE, TARGET, broken_in_markdown, broken_in_site, outside
from reference import PACKAGE, Reference

HERE = Path(__file__).parent
ROOT = HERE.parent
OTHER_PAGES = {"README.md": "index.md", "CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md"}
"""Pages of the site from outside `docs`, and their places."""
OTHER_FILES = ("LICENSE", "CITATION.cff")
TOOLS = {".py", ".toml"}
"""What in `docs` makes the site and is no part of it."""
# records of what was, whose names need no longer be there
RECORDS = re.compile(r"changelog\.md|evidence/")
HISTORY = re.compile(r"^## History$.*", flags=re.M | re.S)
DOTTED = re.compile(rf"`({PACKAGE}(?:\.\w+)+)(?:\(\))?`")
TITLE = re.compile(r' title="([^"]*&lt;[^"]*)"')


class SiteError(Exception):
    """Why there is no site, in a sentence each; of many, the first twenty are told."""

    def __init__(self, *problems: str) -> None:
        more = len(problems) - 20
        super().__init__("\n".join([*problems[:20], *([f"... and {more} more."] if more > 0 else [])]))


def sources(root: Path) -> dict[str, Path]:
    """Every file of the site that is not made here, by its place in it."""
    docs = root / "docs"
    found = {
        path.relative_to(docs).as_posix(): path
        for path in sorted(docs.rglob("*"))
        if path.is_file() and path.suffix not in TOOLS and "__pycache__" not in path.parts
    }
    others = {**OTHER_PAGES, **{name: name for name in OTHER_FILES}}
    return found | {place: root / name for name, place in others.items() if (root / name).is_file()}


def entries(nav: list[Any]) -> Iterator[str]:
    """The pages of a navigation, in its order."""
    for entry in nav:
        for value in entry.values() if isinstance(entry, dict) else [entry]:
            if isinstance(value, str):
                yield value
            else:
                yield from entries(value)


def nav_problems(nav: list[Any], places: set[str]) -> list[str]:
    """A sentence for each page that the navigation lacks, names twice, or names though it is not there."""
    named = [entry for entry in entries(nav) if entry != "api/"]
    pages = {place for place in places if place.endswith(".md")}
    return [
        *(f"docs/zensical.toml: nav has no entry for {page}." for page in sorted(pages - set(named))),
        *(
            f"docs/zensical.toml: nav names {page}, which is not there."
            for page in named
            if page not in pages
        ),
        *(
            f"docs/zensical.toml: nav names {page} twice."
            for page in sorted(set(named))
            if named.count(page) > 1
        ),
    ]


def unknown_names(place: str, text: str, reference: Reference) -> list[str]:
    """A sentence for each `glimpse.…` that a page names and the source does not have."""
    if RECORDS.match(place):
        return []
    names = dict.fromkeys(DOTTED.findall(HISTORY.sub("", text)))
    return [f"{place} names {name}, which is not there." for name in names if not reference.resolve(name)]


def moved_links(text: str, source: Path, place: str, places: dict[str, str]) -> str:
    """A page whose links lead to the places of the site; `places` has them by the paths of the repository."""

    def change(prose: str) -> str:
        def target(found: re.Match[str]) -> str:
            old = found["inline"] or found["reference"]
            path, hash_, fragment = old.partition("#")
            # by its words: a page is not read through a link of the file system
            file = os.path.normpath(source.parent / path)
            if not path or file not in places:
                return found[0]
            new = os.path.relpath(places[file], PurePosixPath(place).parent)
            return found[0].replace(old, f"{new}{hash_}{fragment}")

        return TARGET.sub(target, prose)

    return outside(CODE, text, change)


def as_staged(place: str, source: Path, places: dict[str, str], reference: Reference) -> str:
    """The text of a page as the generator gets it."""
    text = with_lists(moved_links(source.read_text(encoding="utf-8"), source, place, places))
    if RECORDS.match(place):
        return text

    def place_of(name: str) -> str | None:
        return reference.find(name) if name[0].isupper() or name.startswith(f"{PACKAGE}.") else None

    return with_links(HISTORY.sub("", text), place_of) + "".join(HISTORY.findall(text))


def with_reference(nav: list[Any], reference: Reference) -> list[Any]:
    """The navigation with the pages of the reference in place of `api/`."""
    return [
        {title: reference.nav() if value == "api/" else value for title, value in entry.items()}
        for entry in nav
    ]


def stage(root: Path, folder: Path) -> Path:
    """Put everything that the generator needs into a new folder; gives its configuration.

    Raises:
        SiteError: the navigation and the pages do not fit, a link of a page leads nowhere, or a page names
            what the package does not have.
    """
    config = tomllib.loads((root / "docs" / "zensical.toml").read_text(encoding="utf-8"))["project"]
    files, reference = sources(root), Reference(root / "src")
    pages = {place: path for place, path in files.items() if place.endswith(".md")}
    problems = nav_problems(config["nav"], set(files))
    problems += broken_in_markdown(pages.values(), root)
    for place, path in pages.items():
        problems += unknown_names(place, path.read_text(encoding="utf-8"), reference)
    if problems:
        raise SiteError(*problems)

    shutil.rmtree(folder, ignore_errors=True)
    places = {str(path): place for place, path in files.items()}
    # a link to a source file leads to the module's page
    places |= {str(root / "src" / module.file): module.page for module in reference.shown}
    for place, path in files.items():
        target = folder / "docs" / place
        target.parent.mkdir(parents=True, exist_ok=True)
        if place in pages:
            target.write_text(as_staged(place, path, places, reference), encoding="utf-8")
        else:
            shutil.copyfile(path, target)
    for place, text in reference.pages().items():
        target = folder / "docs" / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    config["nav"] = with_reference(config["nav"], reference)
    python = config["plugins"]["mkdocstrings"]["handlers"]["python"]
    python["paths"] = [str(root / "src")]
    python["options"]["extensions"] = [{str(HERE / "griffe_docstrings.py"): {"source": str(root / "src")}}]
    written = folder / "zensical.yml"  # JSON is YAML, and the standard library writes no TOML
    written.write_text(json.dumps(config, indent=2), encoding="utf-8")
    return written


def plain_title(found: re.Match[str]) -> str:
    """The title of a link without the markup that the generator leaves in the headings of the reference."""
    words = re.sub(r"<[^>]*>", " ", html.unescape(found[1])).split()
    return f' title="{html.escape(" ".join(words))}"'


def build(root: Path) -> Path:
    """Build the site into `site/`, which is left as it was if anything is wrong with the new one."""
    if not find_spec("zensical"):
        raise SiteError('The site needs zensical and mkdocstrings: pip install -e ".[docs]", or make docs.')
    folder = root / "build" / "site"
    config = stage(root, folder)
    done = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--strict", "--config-file", str(config)],
        env={**os.environ, "PYTHONPATH": str(HERE)},
        capture_output=True,
        text=True,
        check=False,
    )
    output = f"{done.stdout}{done.stderr}".strip()
    if done.returncode:
        raise SiteError(f"zensical stopped with exit code {done.returncode}:\n{output}")
    built = folder / "site"
    for page in built.rglob("*.html"):
        page.write_text(TITLE.sub(plain_title, page.read_text(encoding="utf-8")), encoding="utf-8")
    if problems := broken_in_site(built):
        raise SiteError(*problems)
    site = root / "site"
    shutil.rmtree(site, ignore_errors=True)
    built.rename(site)
    return site


def main() -> None:
    """Build it; exit code 2 and sentences if it cannot be built."""
    try:
        site = build(ROOT)
    except SiteError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None
    count = len(list(site.rglob("*.html")))
    print(f"{count} pages in {site.name}/, every link leads somewhere: open site/index.html")


if __name__ == "__main__":
    main()
