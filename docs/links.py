"""Links that lead nowhere: in the Markdown pages, and in the built site."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

FENCE = re.compile(r"^ *(?P<fence>`{3,}|~{3,})[^\n]*\n.*?^ *(?P=fence) *$", flags=re.S | re.M)
SPAN = r"(?P<tick>(?<!`)`+(?!`)).+?(?<!`)(?P=tick)(?!`)"
CODE = re.compile(f"{FENCE.pattern}|{SPAN}|<!--.*?-->", flags=re.S | re.M)
TARGET = re.compile(r"\]\((?P<inline>[^)\s]+)|^\[[^\]\n^]+\]: +(?P<reference>\S+)$", flags=re.M)
HEADING = re.compile(r"^#{1,6} +(.+?)(?: +#+)?$", flags=re.M)
SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:|//", flags=re.I)


def outside(code: re.Pattern[str], text: str, change: Callable[[str], str]) -> str:
    """Text with `change` applied to all of it but what `code` matches."""
    parts, end = [], 0
    for found in code.finditer(text):
        parts += [change(text[end : found.start()]), found[0]]
        end = found.end()
    return "".join([*parts, change(text[end:])])


def targets(text: str) -> Iterator[str]:
    """Where the links and images of a Markdown page lead."""
    for found in TARGET.finditer(CODE.sub("`code`", text)):
        yield found["inline"] or found["reference"]


def anchors(text: str) -> set[str]:
    """The fragments that a Markdown page answers to: GitHub's, which `zensical.toml` asks of the site too."""
    prose = FENCE.sub("", text)
    seen: Counter[str] = Counter()
    found = set(re.findall(r"<[^>]*\bid=[\"']([^\"']+)", prose))
    for heading in HEADING.findall(prose):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return found


def broken_in_markdown(pages: Iterable[Path], root: Path) -> list[str]:
    """A sentence for each relative link of these pages that leads to no file below `root`, or no heading."""
    problems = []
    for page in pages:
        for target in targets(page.read_text(encoding="utf-8")):
            if SCHEME.match(target):
                continue
            path, _, fragment = unquote(target).partition("#")
            # normalized by its words: resolve() would leave a repository that stands behind a link
            file = Path(os.path.normpath(page.parent / path)) if path else page
            name = page.relative_to(root)
            if not file.is_relative_to(root) or not file.exists():
                problems.append(f"{name} links to {target}, which is not there.")
            elif (
                fragment
                and file.suffix == ".md"
                and fragment not in anchors(file.read_text(encoding="utf-8"))
            ):
                problems.append(
                    f"{name} links to {target}, but {file.relative_to(root)} has no such heading."
                )
    return problems


class HtmlPage(HTMLParser):
    """What a page answers to (`ids`), where it leads (`links`), and what is loaded to show it (`loaded`)."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.prose: list[str] = []
        self._quiet = 0  # how deep in elements whose text nobody reads
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what the element says."""
        values = {name: value for name, value in attrs if value is not None}
        self.ids |= {values[name] for name in ("id", "name") if name in values and tag != "meta"}
        if tag in {"script", "style", "code", "pre"}:
            self._quiet += 1
        if tag == "a":
            self.links += [values["href"]] if "href" in values else []
        elif tag == "link":
            outward = {"canonical", "alternate", "prev", "next"} & set(values.get("rel", "").split())
            (self.links if outward else self.loaded).append(values.get("href", ""))
        elif "src" in values:
            self.loaded.append(values["src"])

    def handle_endtag(self, tag: str) -> None:
        """Leave the element."""
        if tag in {"script", "style", "code", "pre"}:
            self._quiet -= 1

    def handle_data(self, data: str) -> None:
        """Keep the text that is read as prose."""
        if not self._quiet:
            self.prose.append(data)


def broken_in_site(site: Path) -> list[str]:
    """A sentence for each link of the site that leads nowhere, and for what it would load from elsewhere."""
    pages = {path: HtmlPage(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    problems = []
    for path, page in pages.items():
        name = path.relative_to(site)
        problems += [
            f"{name} loads {source}: the site is to need no other server."
            for source in page.loaded
            if SCHEME.match(source) and not source.startswith("data:")
        ]
        problems += [
            f"{name} names [{missing}], which the API reference does not have."
            for missing in re.findall(r"\]\[(glimpse[\w.]*)\]", "".join(page.prose))
        ]
        for target in [*page.links, *page.loaded]:
            if SCHEME.match(target):
                continue
            parts = urlsplit(target)
            base = site if parts.path.startswith("/") else path.parent
            file = Path(os.path.normpath(base / unquote(parts.path).lstrip("/"))) if parts.path else path
            file = file / "index.html" if file.is_dir() else file
            if not file.is_relative_to(site) or not file.is_file():
                problems.append(f"{name} links to {target}, which is not there.")
            elif parts.fragment and file in pages and unquote(parts.fragment) not in pages[file].ids:
                problems.append(f"{name} links to {target}, but {file.relative_to(site)} has no such anchor.")
    return list(dict.fromkeys(problems))
