"""Rules of the house that a reviewer would otherwise have to remember."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest
from django.apps import apps
from django.db import models
from django.urls import URLPattern, URLResolver, get_resolver

ROOT = Path(__file__).parent.parent
APPS = ("common", "townships", "mandates", "grid", "enforcement", "services", "config")
ORDER = {name: place for place, name in enumerate(("townships", "common", "mandates", "grid"))}
TOP = {
    ".ci", ".dockerignore", ".editorconfig", ".env.example", ".gitignore", ".python-version",
    "CHANGELOG.md", "CONTRIBUTING.md", "Dockerfile", "LICENSE", "Makefile", "README.md", "bench",
    "common", "config", "deploy", "docker-compose.yml", "docs", "enforcement", "grid", "locale", "manage.py",
    "mandates", "pyproject.toml", "services", "static", "templates", "tests", "townships",
    "uv.lock",
}  # fmt: skip


def sources() -> list[Path]:
    return [
        path
        for app in APPS
        for path in sorted((ROOT / app).rglob("*.py"))
        if "migrations" not in path.parts
    ]


def tracked() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    )
    return [name for name in listed.stdout.split("\0") if name]


def test_nothing_unplanned_stands_at_the_top() -> None:
    assert {name.split("/")[0] for name in tracked()} - TOP == set()


def test_foreign_keys_point_down() -> None:
    """Tables of common may point at townships; otherwise keys follow the order of the imports."""
    wrong = [
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models()
        for field in model._meta.local_fields
        if isinstance(field, models.ForeignKey)
        and model._meta.app_label in ORDER
        and field.related_model._meta.app_label in ORDER
        and ORDER[field.related_model._meta.app_label] > ORDER[model._meta.app_label]
    ]
    assert wrong == []


def test_every_url_has_a_name() -> None:
    def walk(patterns: list[URLPattern | URLResolver], path: str = "") -> list[str]:
        found = []
        for pattern in patterns:
            here = path + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                found += walk(pattern.url_patterns, here)
            elif not pattern.name:
                found.append(here)
        return found

    ours = [p for p in walk(get_resolver().url_patterns) if not p.startswith("console/")]
    assert ours == []


@pytest.mark.parametrize("path", sources(), ids=lambda p: str(p.relative_to(ROOT)))
def test_only_the_outermost_code_reads_the_clock(path: Path) -> None:
    allowed = {
        "views", "api", "tasks.py", "commands", "middleware.py", "http.py", "shell.py", "admin", "admin.py",
        "templatetags", "demo",
    }  # fmt: skip
    if allowed & set(path.relative_to(ROOT).parts) or path.parts[-1] in allowed:
        return
    found = re.findall(
        r"timezone\.now\(\)|datetime\.now\(|date\.today\(|timezone\.localdate\(\)", path.read_text()
    )
    assert found == []


@pytest.mark.parametrize("path", sources(), ids=lambda p: str(p.relative_to(ROOT)))
def test_no_place_name_stands_in_code(path: Path) -> None:
    names = ("宣城", "宣州", "郎溪", "泾县", "绩溪", "旌德", "宁国", "广德", "Xuancheng")
    tree = ast.parse(path.read_text())
    strings = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    docs = {
        ast.get_docstring(node, clean=False)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
    }
    assert [s for s in strings if s not in docs and any(name in s for name in names)] == []


@pytest.mark.parametrize(
    "path", sorted((ROOT / "templates").rglob("*.html")), ids=lambda p: str(p.relative_to(ROOT))
)
def test_templates_hold_no_inline_script_or_style(path: Path) -> None:
    text = path.read_text()
    assert re.findall(r"<style|\sstyle=|\son[a-z]+=[\"']|javascript:", text) == []
    assert [tag for tag in re.findall(r"<script[^>]*>", text) if "src=" not in tag] == []
