"""``kefu test`` and ``kefu test --live`` as they are typed: stories that fail on purpose, and the helpdesk's own."""

import json
import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from kefu_process import copied, kefu, running_bot, trained

from bot.folder import load_folder
from bot.live_test import LiveBot, Player

FAILING = Path(__file__).parents[1] / "failing_assistant"
HELPDESK = Path(__file__).parents[3] / "shared" / "data" / "assistants" / "helpdesk"
HELPDESK_ACTIONS = Path(__file__).parent / "action_server" / "helpdesk"

MISTAKES = {
    "a wrong intent": ["5: intent in 'hello there': expected 'thanks', got 'greet'"],
    "an entity too many": ["10: entities in 'please reserve a room in Rome': expected [], got [city='Rome' at 25-29]"],
    "an entity that is not there": ["16: entities in 'I need a room': expected [city='room' at 9-13], got []"],
    "another value": [
        "22: entities in 'book me a room in Rome': expected [city='Milan' at 18-22], got [city='Rome' at 18-22]"
    ],
    "another action": [
        "30: action: expected 'utter_welcome', got 'utter_greet' (by RulePolicy, 1.00)",
        "30: action: expected 'action_listen', got 'action_default_fallback' (by RulePolicy, 0.30)",
    ],
    # the form declined, so that the rule for thanks is found; after the greeting of the story nothing is known
    "a form that is passed over": [
        "39: action: expected 'utter_greet', got 'utter_welcome' (by RulePolicy, 1.00)",
        "40: action: expected 'booking_form', got 'action_default_fallback' (by RulePolicy, 0.30)",
    ],
    "another key": [
        "43: intent in 'opening hours of the desk': expected 'hours/pool', got 'hours/desk'",
        "45: action: expected 'utter_hours/pool', got 'utter_hours/desk' (by RulePolicy, 1.00)",
    ],
}
DIFFERENCES = {
    "a wrong intent": ["7: the bot did utter_greet; the story says utter_welcome"],
    "another action": ["30: the bot did utter_greet; the story says utter_welcome"],
    "a form that is passed over": [
        "39: the bot did utter_welcome, booking_form; the story says utter_greet, booking_form"
    ],
    "another key": [
        '45: the customer got "The desk is open from 8 to 20."; utter_hours/pool says "The pool is open from 7 to 22."'
    ],
    # nothing of these two shows without the action server
    "a slot that only the action knows": [
        "50: the bot did booking_form, action_book, action_default_fallback; "
        "the story says booking_form, action_book, utter_booked",
        "55: the slot booked is None, not True",
    ],
    "an action that breaks down": [
        "59: an action failed, and the bot apologised; its log says why",
        "61: the bot did booking_form, action_book; the story says booking_form, action_book, utter_booked",
        "66: the slot booked is None, not True",
    ],
}


@pytest.fixture(scope="module")
def failing(tmp_path_factory) -> Path:
    return trained(copied(FAILING, tmp_path_factory.mktemp("failing") / "bookings"), "--fast")


def told(lines: list[str]) -> dict[str, list[str]]:
    """The failures of each story, without the path, out of what the command prints."""
    found: dict[str, list[str]] = {}
    for line in lines:
        if head := re.match(r"FAILED  (.+)  \(tests/test_wrong\.yml:\d+\)", line):
            found[head[1]] = []
        elif failure := re.match(r"(?: {4}| {6}!:  )tests/test_wrong\.yml:(\d+: .+)", line):
            found[list(found)[-1]].append(failure[1])
    return found


def test_each_mistake_is_told_with_its_line(failing, tmp_path):
    out, junit, page = tmp_path / "out", tmp_path / "junit.xml", tmp_path / "page"
    done = kefu("test", failing, "--out", out, "--successes", "--junit", junit, "--report", page)
    assert done.returncode == 1, done.stderr
    assert told(done.stdout.splitlines()) == MISTAKES
    assert "5 of 12 test stories passed" in done.stdout
    assert "actions  6 of 7; not utter_hours/desk" in done.stdout
    assert {path.name for path in out.iterdir()} == {
        "story_report.json", "failed_test_stories.yml", "successful_test_stories.yml", "stories_with_warnings.yml",
    }  # fmt: skip
    whole = json.loads((out / "story_report.json").read_text("utf-8"))["conversation_accuracy"]
    assert whole == {"accuracy": 5 / 12, "correct": 5, "with_warnings": 0, "total": 12}
    failed = [case for case in ElementTree.parse(junit).iter("testcase") if case.find("failure") is not None]
    assert [case.get("name") for case in failed] == list(MISTAKES)
    html = (page / "story_report.html").read_text("utf-8")
    assert all(name in html for name in MISTAKES)
    assert not re.search(r"(?:src|href|url)\s*[=(]", html)  # it needs nothing else


def test_failed_stories_fail_again_in_the_same_way(failing, tmp_path):
    kefu("test", failing, "--out", tmp_path)
    again = json.loads(kefu("test", failing, "--stories", tmp_path / "failed_test_stories.yml", "--json").stdout)
    assert [story["story"] for story in again["stories"]] == [f"{name} (tests/test_wrong.yml)" for name in MISTAKES]
    kinds = [[check["kind"] for check in story["mismatches"]] for story in again["stories"]]
    assert kinds == [[line.split()[1].rstrip(":") for line in lines] for lines in MISTAKES.values()]


def test_what_is_played_can_be_chosen(failing, tmp_path):
    stopped = kefu("test", failing, "--fail-on-prediction-errors", "--out", tmp_path)
    assert stopped.returncode == 1
    assert list(told(stopped.stdout.splitlines())) == ["a wrong intent"]
    assert "stopped at the first mistake" in stopped.stdout
    release = json.loads((failing / "models" / "current.json").read_text())["history"][-1]
    right = kefu("test", failing, "-s", failing / "tests" / "test_right.yml", "-m", release, "--out", tmp_path)
    assert (right.returncode, right.stdout.splitlines()[0]) == (0, "3 of 3 test stories passed")
    first = kefu("test", failing, "--max-stories", "2", "--e2e", "--no-plot", "--no-errors", "--no-warnings", "--json")
    assert len(json.loads(first.stdout)["stories"]) == 2


def test_an_assistant_without_test_stories_is_told_where_they_go(failing, tmp_path):
    folder = copied(failing, tmp_path / "bookings")
    shutil.rmtree(folder / "tests")
    done = kefu("test", trained(folder, "--fast"), "--out", tmp_path / "out")
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "0 of 0 test stories passed")
    assert "names begin with test_" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--stories", "nowhere.yml"), 2, "nowhere.yml:1: the file cannot be read"),
        (("--stories", "data"), 2, "there is no file of test stories; their names begin with test_"),
        (("--stories", "data/nlu.yml"), 2, "there is no story"),
        (("--model", "20200101-000000-abcdef"), 3, "20200101-000000-abcdef"),
        (("--url", "http://127.0.0.1:1"), 2, "--url is for --live"),
        (("--live", "--nlu"), 2, "name one of them"),
        (("--live", "--report", "pages"), 2, "--report is for a run without --live"),
        (("--live", "--url", "http://127.0.0.1:1"), 2, "needs the bot's admin token"),
        (("--live", "--url", "http://127.0.0.1:1", "-t", "x" * 24), 3, "cannot be talked to"),
    ],
)
def test_what_cannot_be_played_is_said(failing, arguments, code, words):
    done = kefu("test", ".", *arguments, cwd=failing)
    assert (done.returncode, words in done.stderr, done.stdout) == (code, True, ""), done.stderr


def test_live_the_customer_sees_it(failing, tmp_path):
    junit = tmp_path / "junit.xml"
    done = kefu("test", failing, "--live", "--junit", junit)
    assert done.returncode == 1, done.stderr
    assert told(done.stdout.splitlines()) == DIFFERENCES
    assert "6 of 12 test stories passed" in done.stdout
    assert "    you:  a room in Oslo, please\n    bot:  How many nights?\n    kefu: " in done.stdout
    cases = {case.get("name"): case for case in ElementTree.parse(junit).iter("testcase")}
    assert len(cases) == 12
    assert "bot:  The desk is open" in cases["another key"].findtext("system-out")
    assert not (failing / ".kefu").exists()  # the bot of the test lived elsewhere


def test_live_against_a_bot_that_runs(failing, tmp_path):
    folder = copied(failing, tmp_path / "bookings")
    with running_bot(folder) as bot:
        done = kefu("test", folder, "--live", "--url", bot.url, "--stories", folder / "tests" / "test_right.yml")
        assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "3 of 3 test stories passed"), done.stdout
        refused = kefu("test", folder, "--live", "--url", bot.url, "-t", "not-the-token-of-this-bot")
        assert (refused.returncode, "does not take the token" in refused.stderr) == (3, True)


async def test_a_bot_that_breaks_off_fails_the_story():
    """A server that knows no conversation and answers no message, in place of a bot that has gone wrong."""

    async def tracker(_):
        return web.json_response({"events": []})

    async def webhook(_):
        return web.json_response({"status": "failure"}, status=503)

    application = web.Application()
    application.add_routes(
        [web.get("/conversations/{id}/tracker", tracker), web.post("/webhooks/rest/webhook", webhook)]
    )
    heard = []
    async with TestServer(application) as server, LiveBot(str(server.make_url("/")), "token") as bot:
        player = Player(bot, load_folder(FAILING, env={}))
        results = await player.play_all(max_stories=2, on_story=heard.append)
    assert results == heard
    for result in results:
        assert len(result.failures) == 1
        assert (
            "/webhooks/rest/webhook answers with status 503; the rest of the story was not played" in result.failures[0]
        )


@pytest.mark.skipif(not HELPDESK.is_dir(), reason="the helpdesk assistant (shared/data) is not beside the repository")
def test_the_helpdesk_passes_its_stories_live(tmp_path):
    """A published Rasa assistant with an action server written after its domain, on real HTTP; all else as it is."""
    folder = copied(HELPDESK, tmp_path / "helpdesk")
    shutil.copytree(HELPDESK_ACTIONS, folder / "actions")
    (folder / "endpoints.yml").unlink()  # it names a server on port 5055; without it the folder's own is started
    trained(folder, "--fast")
    replayed = kefu("test", folder)
    assert "12 of 12 test stories passed" in replayed.stdout, replayed.stdout
    done = kefu("test", folder, "--live", "--json")
    assert done.returncode == 0, done.stdout
    report = json.loads(done.stdout)
    assert (report["passed"], len(report["stories"])) == (12, 12)
    talks = {story["story"]: [spoken["text"] for spoken in story["talk"]] for story in report["stories"]}
    for story, said in (
        ("open incident", "is opened for"),
        ("interrupted", "is opened for"),  # the form goes on after the help
        ("incident status happy path", "There is no incident of|: new"),
        ("trigger handoff", "you haven't configured a host"),
    ):
        assert any(re.search(said, text) for text in talks[story]), talks[story]
