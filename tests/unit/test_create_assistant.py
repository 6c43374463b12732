"""``kefu init``: what a new assistant's folder holds."""

import re
from pathlib import Path

import pytest

from bot.cli import main
from bot.folder import load_folder

HAN = re.compile(r"[\u4e00-\u9fff]")


@pytest.mark.parametrize(
    ("language", "title", "greeting"),
    [
        ("en", "Help centre", "Hello! Ask me anything that our help pages may answer."),
        ("zh", "帮助中心", "您好！帮助页面里有的，都可以问我。"),
    ],
)
def test_a_help_centre_speaks_its_language_from_the_first_word(
    language: str, title: str, greeting: str, tmp_path: Path
) -> None:
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "delivery.md").write_text("# Delivery\n\nThree days.\n", "utf-8")
    assert main(["init", str(tmp_path / "desk"), "--knowledge", str(pages), "--language", language]) == 0
    project = load_folder(tmp_path / "desk", env={})
    assert (tmp_path / "desk/knowledge/delivery.md").is_file()
    web = project.credentials["web"]
    assert (web["title"], web["greeting"]) == (title, greeting)
    words = [variation.text or "" for each in project.domain.responses.values() for variation in each]
    assert {bool(HAN.search(text)) for text in words} == {language == "zh"}


def test_a_folder_without_pages_is_told_what_to_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "pages").mkdir()
    assert main(["init", str(tmp_path / "desk"), "--knowledge", str(tmp_path / "pages")]) == 2
    assert "name a folder with files that can be read (docs/knowledge.md)" in capsys.readouterr().err
    assert not (tmp_path / "desk").exists()
