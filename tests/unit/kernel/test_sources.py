"""Kernels, their functions and their sources, as files; none is booted or compiled."""

import gzip
import struct
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.kernel import build
from harness.kernel.errors import KernelUnavailableError
from harness.kernel.image import matches, read_image
from harness.kernel.symbols import read_symbols

NOTE = b"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0" + bytes(range(20))
OF_A_VDSO = NOTE[:-20] + bytes(range(20, 40))
IMAGE = bytes(56) + b"ARM\x64" + bytes(40) + b"Linux version 7.2.1 (x) " + OF_A_VDSO + NOTE


def test_an_image_says_what_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    plain, packed = tmp_path / "Image", tmp_path / "Image.gz"
    plain.write_bytes(IMAGE)
    packed.write_bytes(gzip.compress(IMAGE))
    for path in (plain, packed):
        image = read_image(path)
        assert (image.version, image.build_id) == ("7.2.1", bytes(range(20)).hex())
        assert image.path.read_bytes() == IMAGE


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"\x7fELF" + bytes(80), "expected arch/arm64/boot/Image"), (b"", "no kernel for arm64"),
     (b"MZ\0\0zimg" + bytes(80), "compressed EFI image"), (b"\x1f\x8b\x08", "damaged")],
)  # fmt: skip
def test_what_is_no_image_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=said):
        read_image(path)
    with pytest.raises(UsageError, match="No such file"):
        read_image(tmp_path / "none")


def test_versions() -> None:
    assert matches("7.2.13", "7.2")
    assert matches("7.2.13", "7.2.13")
    assert not matches("7.20.1", "7.2")
    assert not matches("6.12.117", "6.1")


def test_where_functions_are(tmp_path: Path) -> None:
    image = tmp_path / "Image"
    image.write_bytes(struct.pack("<4I", 1, 2, 3, 4))
    lines = "1000 T _text\n1004 t one\n100c t two\n100c T alias\n"
    symbols = read_symbols(lines, image)
    assert symbols.addresses["two"] == 0x100C
    assert symbols.name(0x1008) == "one+0x4"
    assert symbols.name(0x1004) == "one"
    assert symbols.name(0x10) == "0x10"
    assert list(symbols.instructions("one")) == [(0x1004, 2), (0x1008, 3)]
    with pytest.raises(KernelUnavailableError, match="CONFIG_KALLSYMS"):
        read_symbols("0 T _text\n0 t one\n", image)


PATCH = b"--- a/file\n+++ b/file\n@@ -1 +1 @@\n-old\n+new\n"


def test_patches_are_laid_whole_and_taken_back(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "file").write_text("old\n")
    said: list[str] = []
    build.lay(tree, [PATCH], said.append)
    assert (tree / "file").read_text() == "new\n"
    with pytest.raises(UsageError, match="patch 2 does not fit"):
        build.lay(tree, [PATCH, PATCH], said.append)
    assert (tree / "file").read_text() == "old\n"
    build.lay(tree, [PATCH], said.append)
    build.lay(tree, [], said.append)
    assert (tree / "file").read_text() == "old\n"
    assert list((tmp_path / "patches").iterdir()) == []


def test_what_is_no_source_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(UsageError, match="no arch/arm64/kvm"):
        build.prepared(str(tmp_path), print)
    with pytest.raises(UsageError, match="expected a tree of Linux"):
        build.prepared(str(tmp_path / "none"), print)
    bad = tmp_path / "a.tar"
    bad.write_bytes(b"nothing")
    with pytest.raises(UsageError, match=r"a\.tar"):
        build.prepared(str(bad), print)


def test_a_copy_of_a_tree_follows_it(tmp_path: Path) -> None:
    source, to = tmp_path / "source", tmp_path / "to"
    (source / ".git").mkdir(parents=True)
    (source / "a").write_text("1")
    (source / "link").symlink_to("a")
    build.copy(source, to)
    assert sorted(each.name for each in to.iterdir()) == ["a", "link"]
    kept = (to / "a").stat().st_ino
    (source / "b").write_text("2")
    build.copy(source, to)
    assert (to / "b").read_text() == "2"
    assert (to / "a").stat().st_ino == kept
