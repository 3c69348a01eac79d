"""Preprocessor of mdBook: turns links that leave docs/ into links to the repository, where those files can be read.

It stops the build if such a link leads to no file. mdBook calls it in the folder of book.toml.
"""

import json
import os
import posixpath
import re
import sys

LINK = re.compile(r"\]\(([^)#\s:]+)(#[^)\s]*)?\)")


def outside(match, folder, repository):
    """The link as it is, or, if it leaves the book, as a link to the repository."""
    path, anchor = match[1], match[2] or ""
    target = posixpath.normpath(posixpath.join("docs", folder, path))
    if target.startswith("docs/"):
        return match[0]
    if target.startswith("..") or not os.path.exists(target):
        sys.exit(f"docs/{folder}: {path} leads to no file of the repository")
    return f"]({repository}/blob/HEAD/{target}{anchor})"


def rewrite(items, repository):
    for chapter in (item["Chapter"] for item in items if "Chapter" in item):
        # A page that only groups others has no file.
        folder = posixpath.dirname(chapter.get("source_path") or "")
        chapter["content"] = LINK.sub(lambda match: outside(match, folder, repository), chapter["content"])
        rewrite(chapter["sub_items"], repository)


if sys.argv[1:2] == ["supports"]:
    sys.exit(0)
context, book = json.load(sys.stdin)
rewrite(book["items"], context["config"]["output"]["html"]["git-repository-url"].rstrip("/"))
json.dump(book, sys.stdout)
