"""The page of benchmarks: each benchmark writes its own section and leaves the others as they are."""

from pathlib import Path


def write_section(page: Path, name: str, text: str) -> None:
    """Put a benchmark's Markdown between its marks, which HTML comments are; at the end where there are none yet."""
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
    written = page.read_text("utf-8") if page.is_file() else ""
    before, found, rest = written.partition(begin)
    after = rest.partition(end)[2] if found else ""
    apart = "" if found or not before else "\n"
    page.write_text(f"{before}{apart}{begin}{text.strip()}\n{end}{after}", "utf-8")
