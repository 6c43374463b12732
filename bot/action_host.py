"""The program that serves a folder's custom actions: a child process of ``kefu run``, or ``kefu run actions`` itself.

It does what ``python -m rasa_sdk`` does, in one process instead of four (about 100 MB less, and nothing is left behind
when it is killed). It runs in the assistant's folder, and as a file: it imports nothing of ours, because a module of
the folder may have any name. Exit codes: 0 ended by a signal, 1 the actions cannot be imported, 3 the port is taken.
"""

import argparse
import importlib.util
import logging
import socket
import sys
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path

from rasa_sdk import utils
from rasa_sdk.endpoint import create_app_for_serve
from rasa_sdk.executor import ActionExecutor


def main() -> int:
    """Serve until a signal."""
    args = _arguments()
    utils.configure_colored_logging("DEBUG" if args.debug else "INFO")
    utils.update_sanic_log_level()
    logging.getLogger("matplotlib").setLevel(logging.WARNING)
    # The protocol's version that the bot sends is Rasa's last open one, and this rasa-sdk speaks it.
    warnings.filterwarnings("ignore", message="Your versions of rasa and rasa_sdk", category=UserWarning)
    executor = ActionExecutor()
    if (failure := _register(executor, args.actions)) is not None:
        print(f"kefu: {failure}", file=sys.stderr)
        return 1
    try:
        listener = _listen(args.host, args.port)
    except OSError as exc:
        advice = "name another address with --host or --port"
        print(f"kefu: cannot listen on {args.host}:{args.port}: {exc.strerror}; {advice}", file=sys.stderr)
        return 3
    names = ", ".join(sorted(executor.actions)) or f"none: {args.actions} imports no class that derives from Action"
    print(f"Actions answer at http://{args.host}:{listener.getsockname()[1]}/webhook ({names})", flush=True)
    app = create_app_for_serve(executor, cors_origins=args.cors, auto_reload=args.auto_reload)
    app.run(sock=listener, single_process=True, access_log=False, motd=False)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--actions", default="actions")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--cors", nargs="*", default=[])
    parser.add_argument("--auto-reload", action="store_true")
    parser.add_argument("--debug", action="store_true")
    return parser.parse_args()


def _register(executor: ActionExecutor, module: str) -> str | None:
    """Import the actions; what hinders it, in words. Its traceback is printed."""
    if not _is_there(module):
        path = f"{module.replace('.', '/')}/__init__.py"
        return f"there is no module {module!r} in {Path.cwd()}; write {path} there, or name your own with --actions"
    try:
        executor.register_package(module)
    except SystemExit as exc:  # what the SDK makes of an ImportError, after printing it
        return _broken(module, exc.__context__ or exc)
    except Exception as exc:  # whatever their code raises while it is imported
        traceback.print_exc()
        return _broken(module, exc)
    return None


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # of a dotted name, the parent
        return False


def _broken(module: str, exc: BaseException) -> str:
    """The line of theirs that is to be mended."""
    at = next(_places(exc), module)
    return f"{at}: {type(exc).__name__}: {exc}; mend it, or install what is missing, and start again"


def _places(exc: BaseException) -> Iterator[str]:
    """Lines of the folder's own files that an error came through, the innermost first."""
    if isinstance(exc, SyntaxError):
        yield f"{_shown(exc.filename or '')}:{exc.lineno}"
    for frame in reversed(traceback.extract_tb(exc.__traceback__)):
        if Path(frame.filename).is_relative_to(Path.cwd()) and "site-packages" not in frame.filename:
            yield f"{_shown(frame.filename)}:{frame.lineno}"


def _shown(filename: str) -> str:
    return filename.removeprefix(f"{Path.cwd()}/")


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family)


if __name__ == "__main__":
    sys.exit(main())
