"""The real ``kefu run`` is killed at random moments under load: every message is answered once, in order.

The customers are programs that name their messages and repeat one until it is answered, as a platform does.
"""

import random
import threading
import time
import urllib.error
from pathlib import Path

from kefu_process import RunningBot, eventually

KILLS = 6
# Each line is what a customer says and what the answer must hold; the order form spans four messages.
SCRIPT = [
    ("hello", "Maple & Pine"),
    ("where is my order?", "What is your order number?"),
    ("MP-99999", "I cannot find an order MP-99999"),
    ("MP-10234", "on its way with ParcelFox"),
    ("can you track MP-10007 please", "nothing will be delivered"),
    ("tell me a joke", ""),
    ("I want to return something", "order number"),
    ("MP-20871", "Why would you like to return it?"),
    ("it is too small for my room", "Shall I register the return of order MP-20871"),
    ("/deny", "I have not registered a return"),
    ("thank you", "You are welcome"),
]
CUSTOMERS = ("ann", "bob", "cat", "李")


class Life:
    """A bot that is started again whenever it was killed, on the same port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bot = RunningBot(folder)
        self.port = self.bot.port
        self.orphans: list[Path] = []

    def kill_and_start(self) -> None:
        children = [*self.bot.children("action_host"), *self.bot.children("valkey-server")]
        self.bot.kill()
        self.orphans += [Path(f"/proc/{pid}") for pid in children]
        self.bot = RunningBot(self.folder, port=self.port)


def be_a_customer(life: Life, name: str, dice: random.Random, answers: dict[str, list[str]], stop: threading.Event):
    for number, (text, _) in enumerate(SCRIPT):
        message_id = f"m{number}"
        while not stop.is_set():
            try:
                answers[f"{name} {message_id}"] = life.bot.say(name, text, message_id)
                break
            except (AssertionError, OSError, urllib.error.URLError):  # 503, or nobody there: again
                time.sleep(0.2)
        time.sleep(dice.uniform(0, 1.5))


def test_every_message_is_answered_once_and_in_order_across_kills(shop):
    seed = random.randrange(1 << 30)
    print("seed", seed)
    dice = random.Random(seed)
    life, answers, stop = Life(shop), {}, threading.Event()
    talkers = [
        threading.Thread(target=be_a_customer, args=(life, name, random.Random(dice.random()), answers, stop))
        for name in CUSTOMERS
    ]
    try:
        for talker in talkers:
            talker.start()
        for _ in range(KILLS):
            time.sleep(dice.uniform(0.2, 2.5))
            life.kill_and_start()
        eventually(lambda: not any(talker.is_alive() for talker in talkers), within_s=90, what="every message answered")
        for name in CUSTOMERS:
            check(life.bot, name, answers)
        eventually(lambda: not any(map(is_ours, life.orphans)), within_s=10, what="children of killed bots are gone")
    finally:
        stop.set()
        for talker in talkers:
            talker.join()
        life.bot.stop()


def check(bot: RunningBot, name: str, answers: dict[str, list[str]]) -> None:
    events = bot.tracker(name)["events"]
    assert [event["text"] for event in events if event["event"] == "user"] == [text for text, _ in SCRIPT]
    said = [event["text"] for event in events if event["event"] == "bot"]
    heard = [text for number in range(len(SCRIPT)) for text in answers[f"{name} m{number}"]]
    assert heard == said
    for number, (text, words) in enumerate(SCRIPT):
        assert words in " ".join(answers[f"{name} m{number}"]), (name, text)
        # Repeating a message gives its first answer again and adds nothing.
        if number in (3, 10):
            assert bot.say(name, text, f"m{number}") == answers[f"{name} m{number}"]
    assert len(bot.tracker(name)["events"]) == len(events)


def is_ours(process: Path) -> bool:
    """Whether a process still lives that was the child of a killed bot."""
    try:
        parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
        state = (process / "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return parent == 1 and state != "Z"
