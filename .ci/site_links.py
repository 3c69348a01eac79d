"""Preprocessor of mdBook: the pages are written for readers of the repository, and this makes their links fit the site.

A link that leaves docs/ leads to the repository, and stops the build if there is no such file. A link to README.md leads to
index.html, which mdBook makes of it. mdBook calls this in the folder of book.toml.
"""

import json
import os
import posixpath
import re
import sys

LINK = re.compile(r"\]\(([^)#\s:]+)(#[^)\s]*)?\)")


def fitting(match, folder, repository):
    path, anchor = match[1], match[2] or ""
    target = posixpath.normpath(posixpath.join("docs", folder, path))
    if target.startswith("docs/"):
        return f"]({re.sub(r'README.md$', 'index.md', path)}{anchor})"
    if target.startswith("..") or not os.path.exists(target):
        sys.exit(f"docs/{folder}: {path} leads to no file of the repository")
    return f"]({repository}/blob/HEAD/{target}{anchor})"


def rewrite(items, repository):
    for chapter in (item["Chapter"] for item in items if "Chapter" in item):
        # A page that only groups others has no file.
        folder = posixpath.dirname(chapter.get("source_path") or "")
        chapter["content"] = LINK.sub(lambda match: fitting(match, folder, repository), chapter["content"])
        rewrite(chapter["sub_items"], repository)


if sys.argv[1:2] == ["supports"]:
    sys.exit(0)
context, book = json.load(sys.stdin)
rewrite(book["items"], context["config"]["output"]["html"]["git-repository-url"].rstrip("/"))
json.dump(book, sys.stdout)
