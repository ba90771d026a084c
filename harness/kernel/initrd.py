"""An initial RAM disk: a cpio archive of the format that Linux unpacks ("newc"), compressed."""

import gzip
from collections.abc import Mapping
from pathlib import PurePosixPath

__all__ = ["pack"]

_FOLDER = 0o040755
_PROGRAM = 0o100755
_ALIGNMENT = 4


def pack(files: Mapping[str, bytes], folders: tuple[str, ...] = ()) -> bytes:
    """Give the archive of ``files`` (path from the root, without a slash: content) and ``folders``.

    All files may be executed. The folders of the files are made.

    Source:
        Linux, Documentation/driver-api/early-userspace/buffer-format.rst.
    """
    wanted = set(folders)
    for path in files:
        wanted.update(str(parent) for parent in PurePosixPath(path).parents if str(parent) != ".")
    entries = [(path, _FOLDER, b"") for path in sorted(wanted)]
    entries += [(path, _PROGRAM, content) for path, content in sorted(files.items())]
    archive = b"".join(_entry(n + 1, *entry) for n, entry in enumerate(entries))
    return gzip.compress(archive + _entry(0, "TRAILER!!!", 0, b""), compresslevel=1, mtime=0)


def _entry(inode: int, path: str, mode: int, content: bytes) -> bytes:
    name = path.encode() + b"\0"
    links = 2 if mode == _FOLDER else 1
    fields = (inode, mode, 0, 0, links, 0, len(content), 0, 0, 0, 0, len(name), 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name
    return _padded(head) + _padded(content)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % _ALIGNMENT)
