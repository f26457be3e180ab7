"""What lies under var/ is for the portal's own user alone."""

import os
import stat

import pytest

from backups.management.private_files import keep_private, open_to_others


@pytest.fixture
def folder(tmp_path):
    """A var/ as an earlier version left it, under the umask of most machines."""
    before = os.umask(0o022)
    var = tmp_path / "var"
    (var / "static").mkdir(parents=True)
    (var / "portal.sqlite3").touch()
    (var / "static" / "a.css").touch()
    (var / "link").symlink_to(tmp_path)
    yield var
    os.umask(before)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_files_of_an_earlier_version_are_mended_and_new_ones_are_private(folder):
    outside = mode(folder.parent)
    assert list(open_to_others(folder))

    keep_private(folder)
    (folder / "new").mkdir()
    (folder / "new" / "file").touch()

    folders = (folder, folder / "static", folder / "new")
    files = (folder / "portal.sqlite3", folder / "static" / "a.css", folder / "new" / "file")
    assert {mode(path) for path in folders} == {0o700}
    assert {mode(path) for path in files} == {0o600}
    assert mode(folder.parent) == outside
    assert not list(open_to_others(folder))


def test_what_lies_in_a_closed_folder_is_open_to_nobody(folder):
    folder.chmod(0o700)

    assert not list(open_to_others(folder))
