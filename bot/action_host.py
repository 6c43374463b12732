"""The program inside the child process: serves the ``actions`` package of the folder that it runs in.

It does what ``python -m rasa_sdk`` does, in one process instead of four (about 100 MB less, and nothing is left behind
when it is killed), for loopback only and for no web page. Run as a file: it imports nothing of ours, because a module
of the folder may have any name.
"""

import logging
import sys

from rasa_sdk import utils
from rasa_sdk.endpoint import create_app_for_serve
from rasa_sdk.executor import ActionExecutor


def main(port: int) -> None:
    """Serve until SIGTERM. A package that cannot be imported ends the program with its traceback."""
    utils.configure_colored_logging("INFO")
    utils.update_sanic_log_level()
    logging.getLogger("matplotlib").setLevel(logging.WARNING)
    executor = ActionExecutor()
    executor.register_package("actions")
    app = create_app_for_serve(executor, cors_origins=[])
    app.run(host="127.0.0.1", port=port, single_process=True, access_log=False, motd=False)


if __name__ == "__main__":
    main(int(sys.argv[1]))
