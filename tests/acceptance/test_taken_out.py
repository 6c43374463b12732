"""A page is brought to a running bot and taken out: it answers, then nobody hears of it, and no message is lost."""

import json
import threading
import time

import pytest
from kefu_process import RunningBot, eventually, kefu, running_bot

pytestmark = pytest.mark.slow

PAGE = "# Airship flights\n\nA flight in our airship takes 45 minutes and costs £777 for two passengers.\n"
QUESTION = "how long does a flight in the airship take"


class Traffic:
    """A customer who asks the same question again and again: what came, and which release answered."""

    def __init__(self, bot: RunningBot) -> None:
        self.bot, self.statuses, self.answers = bot, [], []
        self._stop = threading.Event()
        self._asking = threading.Thread(target=self._ask)

    def __enter__(self) -> "Traffic":
        self._asking.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._asking.join()

    def _ask(self) -> None:
        while not self._stop.is_set():
            body = {"sender": f"busy{len(self.statuses)}", "message": QUESTION}
            status, answers = self.bot.request("POST", "/webhooks/rest/webhook", body)
            self.statuses.append(status)
            self.answers.append(" ".join(answer.get("text", "") for answer in answers))
            time.sleep(0.05)


def release(bot: RunningBot) -> str:
    return bot.request("GET", "/status", token=True)[1]["model_id"]


def made(*arguments: object) -> dict:
    done = kefu(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_page_comes_and_goes_while_the_bot_runs(small) -> None:
    with running_bot(small) as bot:
        first = release(bot)
        assert "45 minutes" not in " ".join(bot.say("ann", QUESTION))
        (small / "knowledge" / "airship.md").write_text(PAGE, "utf-8")
        with_page = made("train", small, "--knowledge")["release"]
        eventually(lambda: release(bot) == with_page, within_s=60, what="the page answers")
        assert "45 minutes" in " ".join(bot.say("bo", QUESTION))

        with Traffic(bot) as traffic:
            eventually(lambda: len(traffic.answers) > 3, within_s=60, what="answers before")
            outcome = made("knowledge", small, "--remove", "airship.md")
            assert outcome["removed"] == [{"path": "airship.md", "also_in": []}]
            eventually(lambda: release(bot) == outcome["release"], within_s=60, what="the page is forgotten")
            told = len(traffic.answers) + 1  # one may have begun before the swap
            eventually(lambda: len(traffic.answers) > told + 3, within_s=60, what="answers after")

        assert set(traffic.statuses) == {200}
        assert all(traffic.answers), "a message went without an answer"
        assert "45 minutes" in traffic.answers[0]
        assert not any("airship" in answer.lower() or "45 minutes" in answer for answer in traffic.answers[told:])
        assert not (small / "knowledge" / "airship.md").exists()
        knowledge = small / "models" / outcome["release"] / "knowledge"
        kept = [path.name for path in knowledge.rglob("*") if path.is_file() and b"airship" in path.read_bytes()]
        assert kept == []
        unchanged = [
            path.relative_to(small / "models" / first) for path in (small / "models" / first / "nlu").rglob("*.*")
        ]
        for path in unchanged:
            assert (small / "models" / outcome["release"] / path).read_bytes() == (
                small / "models" / first / path
            ).read_bytes()

        status, missing = bot.request("GET", "/knowledge/unanswered", token=True)
        assert status == 200
        (asked,) = [each for each in missing if each["question"] == QUESTION]
        assert asked["count"] >= 4
        listed = made("knowledge", small, "--unanswered")
        assert [each["question"] for each in listed] == [each["question"] for each in missing]


def test_the_last_release_is_kept_where_there_is_nothing_to_remove(small) -> None:
    before = (small / "models" / "current.json").read_bytes()
    done = kefu("knowledge", small, "--remove", "fqa.csv")
    assert done.returncode == 3
    assert 'no such document; did you mean "faq.csv"?' in done.stderr
    assert (small / "models" / "current.json").read_bytes() == before
    assert (small / "knowledge" / "faq.csv").is_file()
