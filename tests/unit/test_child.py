"""A child's bounded log, and what ties a child to its parent."""

import stat
import subprocess
import sys

import pytest

from bot.child import BoundedLog, ends_with_us


def test_the_newest_words_are_kept_and_the_oldest_go(tmp_path):
    log = BoundedLog(tmp_path / "child.log", limit_bytes=100)
    assert log.tail(3) == ""
    for number in range(40):
        log.write(f"line {number:02d} 日志\n".encode())
    assert log.tail(2) == "line 38 日志\nline 39 日志"
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["child.log", "child.log.1"]
    assert all((tmp_path / name).stat().st_size <= 100 for name in files)
    assert all(stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600 for name in files)


def test_words_longer_than_the_limit_are_kept_whole(tmp_path):
    log = BoundedLog(tmp_path / "child.log", limit_bytes=10)
    log.write(b"first\n")
    log.write(b"x" * 50)
    assert log.tail(1) == "x" * 50


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_a_child_gets_its_signal_from_the_kernel():
    """The child asks the kernel which signal it is to get: PR_GET_PDEATHSIG is 2."""
    code = "import ctypes; n = ctypes.c_int(); ctypes.CDLL(None).prctl(2, ctypes.byref(n)); print(n.value)"
    done = subprocess.run(
        [sys.executable, "-c", code], preexec_fn=ends_with_us(), capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "15"
