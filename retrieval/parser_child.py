"""The child process that parses what needs large readers: HTML, PDF, DOCX, PPTX, XLSX. It may be killed at any time.

One JSON object a line. In: ``path`` (as the documents are named), ``file`` (where it lies). Out: ``document`` and
``faults``, or the ``problem`` and ``remedy`` of a file that cannot be used. It limits its memory, and sets an alarm for
each file at which the kernel ends it, in native code too. It ends with its input.
"""

import json
import resource
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from retrieval.documents import Document, Fault, FaultyFile

MEMORY_LIMIT_BYTES = 1_000_000_000
TIME_LIMIT_S = 60.0
SUFFIXES = (".html", ".htm", ".pdf", ".docx", ".pptx", ".xlsx")


def main() -> None:
    """Answer line by line until the input ends."""
    with suppress(ValueError, OSError):  # a system without such a limit still has the alarm
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for line in sys.stdin:
        request = json.loads(line)
        signal.setitimer(signal.ITIMER_REAL, float(request["limit_s"]))
        sys.stdout.write(json.dumps(_answer(request)) + "\n")
        sys.stdout.flush()
        signal.setitimer(signal.ITIMER_REAL, 0)


def _answer(request: Mapping[str, str]) -> Mapping[str, object]:
    try:
        raw = Path(request["file"]).read_bytes()
        document, faults = _parser(request["path"])(request["path"], raw)
        return {"document": asdict(document), "faults": list(map(asdict, faults))}
    except FaultyFile as error:
        return {"problem": error.problem, "remedy": error.remedy}
    except OSError as error:
        return {"problem": f"cannot be read ({error.strerror})", "remedy": "check that it exists and its permissions"}
    except MemoryError:
        problem = f"needs more than {MEMORY_LIMIT_BYTES // 1_000_000} MB of memory"
        return {"problem": problem, "remedy": "split it into smaller files"}
    except RecursionError:
        return {"problem": "nested too deeply", "remedy": "save it again with a simpler structure"}


def _parser(path: str) -> Callable[[str, bytes], tuple[Document, tuple[Fault, ...]]]:
    """The parser for a file's ending, imported when the first such file comes."""
    match path.rsplit(".", 1)[-1].lower():
        case "html" | "htm":
            from retrieval.web_page import parse_web_page  # noqa: PLC0415

            return lambda name, raw: (parse_web_page(name, raw), ())
        case "pdf":
            from retrieval.pdf import parse_pdf  # noqa: PLC0415

            return lambda name, raw: (parse_pdf(name, raw), ())
        case _:
            from retrieval.office import parse_office  # noqa: PLC0415

            return parse_office


if __name__ == "__main__":
    main()
