"""Links that lead nowhere are found."""

import pytest
from links import anchors, broken_in_markdown, broken_in_site, targets


def test_targets_are_those_of_the_prose():
    text = (
        "[a](a.md) ![b](b.png 'title') [c `d`](c.md#e)\n[f]: f.md\ngain [+1]: **yes**.\n"
        "`[g](g.md)` <!-- [h](h.md) -->\n```\n[i](i.md)\n```\n"
    )
    assert list(targets(text)) == ["a.md", "b.png", "c.md#e", "f.md"]


def test_anchors_are_githubs():
    text = "# One & two\n## `A_b`: *c*, [d](e.md)\n## Twice\n## Twice\n```\n# none\n```\n<a id='own'></a>\n"
    assert anchors(text) == {"one--two", "a_b-c-d", "twice", "twice-1", "own"}


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("other.md", None),
        ("other.md#there", None),
        ("#here", None),
        ("folder", None),
        ("https://example.org/x", None),
        ("mailto:a@example.org", None),
        ("none.md", "page.md links to none.md, which is not there."),
        ("../outside.md", "page.md links to ../outside.md, which is not there."),
        ("#gone", "page.md links to #gone, but page.md has no such heading."),
        ("other.md#gone", "page.md links to other.md#gone, but other.md has no such heading."),
    ],
)
def test_a_page_is_told_its_broken_links(tmp_path, target, problem):
    root = tmp_path / "root"
    (root / "folder").mkdir(parents=True)
    (tmp_path / "outside.md").write_text("outside the repository")
    (root / "other.md").write_text("# There\n")
    page = root / "page.md"
    page.write_text(f"# Here\n[x]({target})\n")
    assert broken_in_markdown([page], root) == ([problem] if problem else [])


@pytest.mark.parametrize(
    ("html", "problem"),
    [
        ('<a href="sub/b.html#there">x</a>', None),
        ('<a href="sub/">x</a>', None),
        ('<a href="#here">x</a>', None),
        ('<a href="/sub/b.html">x</a>', None),
        ('<a href="https://example.org">x</a>', None),
        ('<img src="data:image/png;base64,AA">', None),
        ("<code>[x][glimpse.y]</code>", None),
        ('<a href="c.html">x</a>', "a.html links to c.html, which is not there."),
        ('<a href="../a.html">x</a>', "a.html links to ../a.html, which is not there."),
        ('<a href="#gone">x</a>', "a.html links to #gone, but a.html has no such anchor."),
        (
            '<a href="sub/b.html#no">x</a>',
            "a.html links to sub/b.html#no, but sub/b.html has no such anchor.",
        ),
        ('<img src="none.png">', "a.html links to none.png, which is not there."),
        (
            '<script src="https://example.org/x.js"></script>',
            "a.html loads https://example.org/x.js: the site is to need no other server.",
        ),
        (
            '<link rel="stylesheet" href="//example.org/x.css">',
            "a.html loads //example.org/x.css: the site is to need no other server.",
        ),
        ("[x][glimpse.y]", "a.html names [glimpse.y], which the API reference does not have."),
    ],
)
def test_a_site_is_told_its_broken_links(tmp_path, html, problem):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "index.html").write_text("")
    (tmp_path / "sub" / "b.html").write_text('<h1 id="there">b</h1>')
    (tmp_path / "a.html").write_text(f'<h1 id="here">a</h1><p>{html}</p>')
    assert broken_in_site(tmp_path) == ([problem] if problem else [])
