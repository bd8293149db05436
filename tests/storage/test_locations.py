from __future__ import annotations

import glob
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage import StorageError, has_glob, join, list_uris, name_of, scheme_of
from storage.locations import compile_glob, fixed_folder


@pytest.mark.parametrize(
    ("base", "parts", "expected"),
    [
        ("/a", ("b", "c.json"), "/a/b/c.json"),
        ("/a/", ("b",), "/a/b"),
        ("file:///a", ("b",), "file:///a/b"),
        ("s3://bucket/x/", ("y",), "s3://bucket/x/y"),
        ("relative", ("y",), "relative/y"),
        ("/a", ("",), "/a"),
    ],
)
def test_join(base, parts, expected):
    assert join(base, *parts) == expected


@pytest.mark.parametrize("part", ["/etc/passwd", "../up", "a/../../b", "file:///x", "s3://b/k"])
def test_join_refuses_to_leave_its_base(part):
    with pytest.raises(StorageError, match="may not leave"):
        join("/a", part)


def test_schemes_and_names():
    assert scheme_of("S3://b/k") == "s3"
    assert scheme_of("/a/b") == ""
    assert name_of("gs://b/k/x.json") == "x.json"
    assert has_glob("a/*.b") and not has_glob("a/b")
    assert fixed_folder("/data/train-*/x/*.tfrecord") == "/data/"


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("a/*.r", "a/x.r", True),
        ("a/*.r", "a/b/x.r", False),
        ("a/**/*.r", "a/x.r", True),
        ("a/**/*.r", "a/b/c/x.r", True),
        ("a/**", "a/b/c", True),
        ("a/?.r", "a/x.r", True),
        ("a/?.r", "a/xy.r", False),
        ("a/[xy].r", "a/y.r", True),
        ("a/[!xy].r", "a/y.r", False),
        ("a/[!xy].r", "a/z.r", True),
        ("a/[]x].r", "a/].r", True),
        ("a/*", "a/.hidden", False),
        ("a/**/x", "a/.git/x", False),
        ("a/.*", "a/.hidden", True),
        ("a/x[.r", "a/x[.r", True),
        ("a/[^x]", "a/^", True),
        ("a/x+(1).r", "a/x+(1).r", True),
    ],
)
def test_globs(pattern, path, matches):
    assert (compile_glob(pattern).fullmatch(path) is not None) == matches


_names = st.text(alphabet="ab.[]-!1", min_size=1, max_size=4).filter(lambda name: name not in (".", ".."))
_patterns = st.text(alphabet="ab.*?[]-!1", min_size=1, max_size=5).filter(lambda text: "**" not in text)


@given(pattern=_patterns, name=_names)
def test_globs_within_a_folder_are_the_shells(pattern, name):
    # glob decides by fnmatch; a pattern that begins with a wildcard never matches a hidden name.
    import fnmatch

    expected = fnmatch.fnmatchcase(name, pattern) and (not name.startswith(".") or pattern.startswith("."))
    assert (compile_glob(pattern).fullmatch(name) is not None) == expected


def test_listing_equals_glob(tmp_path):
    for name in ("a.r", "b.r", "c.txt", "sub/d.r", "sub/deep/e.r", ".hidden/f.r", ".g.r"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    for pattern in ("*.r", "**/*.r", "*/*.r", "sub/**/*.r", "[ab].r", "nothing*"):
        whole = f"{tmp_path}/{pattern}"
        found = glob.glob(whole, recursive=True)  # noqa: PTH207 - the other implementation
        expected = sorted(path for path in found if Path(path).is_file())
        assert list_uris(whole) == expected
        assert list_uris("file://" + whole) == ["file://" + path for path in expected]


def test_listing_relative_patterns_and_literal_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("x[1].r").write_bytes(b"x")
    Path("y.r").write_bytes(b"x")
    assert list_uris("*.r") == ["x[1].r", "y.r"]
    assert list_uris("x[1].r") == ["x[1].r"]  # the file itself, though it reads as a pattern too
    assert list_uris("missing.r") == []
    assert list_uris(os.fspath(tmp_path)) == []
