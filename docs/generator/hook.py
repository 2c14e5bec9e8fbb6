"""The hook that `mkdocs.yml` names: adds the reference to the site, and unlinks what is not on it. Writes no file."""

from __future__ import annotations

from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from docs.generator.links import unlinked
from docs.generator.pages import PAGES


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    for path, write in PAGES.items():
        files.append(File.generated(config, path, content=write()))
    return files


def on_page_markdown(markdown: str, *, page: Page, **_: Any) -> str:
    return unlinked(markdown, page.file.src_uri)
