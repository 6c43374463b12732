"""A running bot learns: thumbs and corrected labels, a gate, and a new release without a dropped message."""

import asyncio
import json
import threading
import time

import aiohttp
import pytest
from kefu_process import eventually, kefu, running_bot

from bot.commands.transcripts import transcripts_of
from bot.paths import AssistantPaths

pytestmark = pytest.mark.slow

# What this bot does not understand yet, as its owner would label it.
CORRECTED = {
    "human_handoff": ["get me your supervisor", "put me through to the front desk", "somebody with a pulse please"],
    "thank": ["much obliged", "you saved my day", "that sorted it, ta"],
    "goodbye": ["catch you on the flip side", "i am off then", "toodle pip"],
    "greet": ["howdy partner", "top of the morning", "g'day"],
    "bot_challenge": ["is there a brain behind this", "silicon or flesh", "did a programmer make you"],
}


def as_csv(path, labels):
    rows = [f'"{text}",{intent}' for intent, texts in labels.items() for text in texts]
    path.write_text("text,intent\n" + "\n".join(rows) + "\n", "utf-8")
    return path


def files(folder):
    """Everything that an owner edits, and what is current."""
    mine = [path for path in folder.rglob("*") if path.is_file() and "models" not in path.parts]
    mine = [path for path in mine if ".kefu" not in path.parts and path.name != "run.log"]
    return {path: path.read_bytes() for path in [*mine, folder / "models" / "current.json"]}


async def ask_and_rate(bot, text, value):
    """Ask over the widget's socket, and rate the answer; returns the answer's HTML."""
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(bot.url + "ws", origin=bot.url.rstrip("/")) as socket,
    ):

        async def heard(kind):
            while (frame := await socket.receive_json(timeout=30))["type"] != kind:
                pass
            return frame

        await socket.send_json({"type": "hello"})
        await heard("welcome")
        await socket.send_json({"type": "message", "id": "question-1", "text": text})
        reply = await heard("bot")
        assert reply["rateable"], reply
        rating = {"type": "feedback", "id": f"rating-{value}-1", "message": reply["id"], "value": value}
        await socket.send_json(rating)
        while (await heard("ack"))["id"] != rating["id"]:
            pass
        return reply["html"]


def release(bot):
    return bot.request("GET", "/status", token=True)[1]["model_id"]


class Traffic:
    """A customer who never stops talking; what each message was answered with."""

    def __init__(self, bot):
        self.bot, self.outcomes, self._stop = bot, [], threading.Event()
        self._talking = threading.Thread(target=self._talk)

    def __enter__(self):
        self._talking.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._talking.join()

    def _talk(self):
        while not self._stop.is_set():
            body = {"sender": "busy", "message": "hello", "message_id": f"m{len(self.outcomes)}"}
            self.outcomes.append(self.bot.request("POST", "/webhooks/rest/webhook", body))
            time.sleep(0.05)


def test_corrected_labels_are_learned_by_the_running_bot(small, tmp_path):
    labels = as_csv(tmp_path / "corrected.csv", CORRECTED)
    with running_bot(small) as bot:
        before = release(bot)
        liked, disliked = "how many weeks do I have to bring something back", "what does a return cost"
        assert "30 days" in asyncio.run(ask_and_rate(bot, liked, "up"))
        assert asyncio.run(ask_and_rate(bot, disliked, "down"))
        eventually(lambda: sum(len(turn.ratings) for turn in turns(small)) == 2, within_s=10, what="ratings")
        dry = kefu("retrain", small, "--labels", labels, "--dry-run", "--json")
        assert dry.returncode == 0, dry.stderr
        found = json.loads(dry.stdout)
        assert len(found["learned"]) == 15
        assert found["lessons"]["questions"] == [liked]
        assert [text for text, _ in found["lessons"]["disliked"]] == [disliked]

        with Traffic(bot) as traffic:
            done = kefu("retrain", small, "--labels", labels, "--json")
            outcome = json.loads(done.stdout)
            assert (done.returncode, outcome["published"]) == (0, True), done.stdout + done.stderr
            eventually(lambda: release(bot) == outcome["release"], within_s=30, what="the new release answers")
            count = len(traffic.outcomes)
            eventually(lambda: len(traffic.outcomes) > count + 3, within_s=30, what="messages after the swap")

        assert release(bot) != before
        assert {status for status, _ in traffic.outcomes} == {200}
        assert {answers[0]["text"] for _, answers in traffic.outcomes} == {"Hello! What would you like to know?"}
        releases = [turn.record.release_id for turn in turns(small, "busy")]
        assert len(releases) == len(traffic.outcomes)
        assert list(dict.fromkeys(releases)) == [before, outcome["release"]]

        taught = (small / "data" / "corrections.yml").read_text("utf-8")
        held_out = (small / "tests" / "held_out.csv").read_text("utf-8")
        for text in [text for texts in CORRECTED.values() for text in texts]:
            assert (text in taught) != (text in held_out), text
        assert (small / "data" / "confirmed_questions.txt").read_text("utf-8") == f"{liked}\n"
        learned = next(text for text in CORRECTED["human_handoff"] if text in taught)
        assert "bringing in a colleague" in bot.say("cat", learned)[0]

    # The corrections are an ordinary data file now: nothing is left to learn, and training has nothing new to do.
    again = kefu("retrain", small, "--labels", labels)
    assert again.returncode == 0, again.stdout
    assert "nothing new to learn" in again.stdout
    assert kefu("data", "validate", small).returncode == 0


def turns(folder, conversation_id=None):
    found = transcripts_of(AssistantPaths(folder), None)
    return [turn for turn in found if conversation_id in (None, turn.conversation_id)]


def test_poisoned_labels_are_not_published(small, tmp_path):
    """Greetings, thanks and farewells with each other's labels: the gate keeps what works."""
    tests = """version: "3.1"
stories:
- story: polite
  steps:
  - {user: "hello there", intent: greet}
  - {action: utter_greet}
  - {user: "thanks a lot", intent: thank}
  - {action: utter_welcome}
  - {user: "goodbye", intent: goodbye}
  - {action: utter_goodbye}
"""
    (small / "tests").mkdir()
    (small / "tests" / "test_polite.yml").write_text(tests, "utf-8")
    wrong = {
        "goodbye": ["hello there friend", "hello there", "well hello there", "oh hello there", "hello again you"],
        "greet": ["thanks a lot", "thanks a lot for that", "many thanks a lot", "thanks a lot mate", "thanks, a lot"],
        "thank": ["goodbye", "goodbye now", "ok goodbye", "well goodbye", "goodbye then"],
    }
    labels = as_csv(tmp_path / "poisoned.csv", wrong)
    before = files(small)
    with running_bot(small) as bot:
        running = release(bot)
        done = kefu("retrain", small, "--labels", labels, "--json")
        outcome = json.loads(done.stdout)
        assert (done.returncode, outcome["published"]) == (1, False), done.stdout + done.stderr
        assert outcome["reason"] == "worse than the running release"
        assert outcome["candidate"]["stories"] < outcome["running"]["stories"]
        time.sleep(2)
        assert release(bot) == running
        assert bot.say("ann", "hello there") == ["Hello! What would you like to know?"]
    assert files(small) == before


def test_labels_that_make_no_sense_are_refused_with_their_lines(small, tmp_path):
    labels = tmp_path / "labels.csv"
    labels.write_text("text,intent\nhello you,greet\nwhat now,no_such_intent\n,greet\n", "utf-8")
    before = files(small)
    done = kefu("retrain", small, "--labels", labels)
    assert done.returncode == 2
    assert "labels.csv:3: the domain has no intent 'no_such_intent'; add it to domain.yml or correct it" in done.stderr
    assert "labels.csv:4: text or intent is empty" in done.stderr
    assert kefu("retrain", small, "--labels", tmp_path / "nowhere.csv").returncode == 2
    assert files(small) == before
