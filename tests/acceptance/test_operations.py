"""What an operator sees and does while the bot runs: figures, releases, agents, and the record of it all."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from kefu_process import eventually, kefu, running_bot
from prometheus_client.parser import text_string_to_metric_families

from bot.delivery.audit import verify
from bot.release import ReleaseDraft, current_release


@pytest.fixture
def bot(small):
    with running_bot(small) as bot:
        yield bot


def samples(bot):
    status, text = bot.request("GET", "/metrics", token=True)
    assert status == 200
    found = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(sample.name, *sorted(sample.labels.values())): sample.value for sample in found}


def copy_of_the_current_release(models):
    """Another release with the same parts."""
    previous = current_release(models)
    draft = ReleaseDraft(models)
    for name, fingerprint in previous.fingerprints.items():
        assert draft.reuse(name, fingerprint, previous)
    return previous.id, draft.finish({}).id


def test_figures_follow_what_happens(bot):
    assert bot.say("anna", "hello")
    figures = samples(bot)
    assert sum(value for (name, *_), value in figures.items() if name == "kefu_turns_total") == 1
    assert figures[("kefu_parse_seconds_count",)] == 1
    assert figures[("kefu_store_up",)] == 1
    queues = ("kefu_conversations_ready", "kefu_mailbox_lag_seconds", "kefu_outbox_waiting", "kefu_dead_letters")
    # The reply goes out before the worker lets go of the conversation.
    eventually(lambda: not any(samples(bot)[(name,)] for name in queues), within_s=10, what="empty queues")
    assert "hello" not in str(figures)
    assert "anna" not in str(figures)


def test_explanations_run_beside_turns_and_are_limited(bot):
    long = {"text": "could you please connect me to a human " * 40}

    def explained(_):
        return bot.request("POST", "/model/explain", long, token=True)

    with ThreadPoolExecutor(12) as pool:
        asked = pool.map(explained, range(12))
        said = [bot.say(f"customer-{number}", "hello") for number in range(5)]
        answers = list(asked)
    assert all(said)
    statuses = [status for status, _ in answers]
    assert set(statuses) == {200, 503}  # four wait at most
    assert statuses.count(200) >= 4
    body = next(body for status, body in answers if status == 200)
    assert body["explanation"]["best"]["name"] == "human_handoff"
    assert len(body["explanation"]["words"]) <= 48


def test_releases_change_under_a_running_bot_and_it_is_recorded(bot, small):
    old, new = copy_of_the_current_release(small / "models")

    def answering(release):
        return ("kefu_release_info", release) in samples(bot) and bot.request("GET", "/status", token=True)

    assert answering(old)
    assert bot.request("PUT", "/model", {"release": new}, token=True)[0] == 204
    _, body = eventually(lambda: answering(new), within_s=10, what="the new release in the figures")
    assert body["model_id"] == new
    assert bot.say("anna", "hello")

    assert kefu("releases", "rollback", small).returncode == 0
    eventually(lambda: answering(old), within_s=30, what="the old release in the figures")
    assert bot.request("PUT", "/model", {"release": "missing"}, token=True)[0] == 409
    assert answering(old)

    assert recorded(small) == [
        ("api", "release.swap", new),
        ("api", "release.swap", "missing"),
        ("api", "release.swap_failed", "missing"),
    ]


def test_an_agents_words_are_in_the_log_of_any_conversation_and_recorded_without_them(bot, small):
    words = {"text": "您好，我是小王", "agent": "wang", "message_id": "m1"}
    assert bot.request("POST", "/conversations/nobody-wrote-here/agent", words, token=True)[0] == 202

    def said():
        return bot.request("GET", "/conversations/nobody-wrote-here/log", token=True)[1]

    (line,) = eventually(said, within_s=10, what="the agent's words in the log")
    assert (line["type"], line["author"], line["messages"]) == ("agent", "agent", [{"text": words["text"]}])
    assert recorded(small) == [("wang", "conversation.agent", "nobody-wrote-here")]
    assert samples(bot)[("kefu_dead_letters",)] == 0
    assert "小王" not in str([path.read_text("utf-8") for path in (small / ".kefu" / "audit").glob("*.jsonl")])


def recorded(folder):
    audit = folder / ".kefu" / "audit"
    assert verify(audit) is None
    entries = [
        json.loads(line) for path in sorted(audit.glob("*.jsonl")) for line in path.read_text("utf-8").splitlines()
    ]
    return [(entry["actor"], entry["action"], entry["subject"]) for entry in entries]


def test_a_conversation_is_read_rewritten_and_continued_over_the_api(bot):
    at = "/conversations/shop/anna"

    def call(method, path, body=None, status=200):
        got, answer = bot.request(method, path, body, token=True)
        assert got == status, (path, answer)
        return answer

    call("POST", f"{at}/predict", status=404)
    assert bot.say("shop/anna", "hello")
    story = call("GET", f"{at}/story")
    assert "user: hello" in story
    foretold = call("POST", f"{at}/predict")
    assert foretold["scores"][0]["score"] == foretold["confidence"]
    events = call("GET", f"{at}/tracker?include_events=ALL")["events"]

    noted = call("POST", f"{at}/messages", {"text": "connect me to a human", "sender": "user"})
    assert noted["latest_message"]["text"] == "connect me to a human"
    assert len(bot.tracker("shop/anna")["events"]) > len(events)
    rewritten = call("PUT", f"{at}/tracker/events?include_events=ALL", events)
    assert rewritten["events"] == events
    assert bot.say("shop/anna", "hello", "m2")
    assert [event["text"] for event in bot.tracker("shop/anna")["events"] if event["event"] == "user"] == ["hello"] * 2
    after = call("POST", "/model/predict", events[: events.index(next(e for e in events if e["event"] == "user")) + 1])
    assert max(after["scores"], key=lambda each: each["score"])["score"] == after["confidence"]


def test_what_is_said_while_no_release_answers_is_answered_later(bot, small):
    release = current_release(small / "models").id
    assert bot.request("DELETE", "/model", token=True)[0] == 204
    assert bot.request("GET", "/status", token=True)[0] == 409
    assert bot.request("GET", "/ready")[0] == 503
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(bot.say, "anna", "hello")
        eventually(lambda: samples(bot)[("kefu_conversations_ready",)] == 1, within_s=10, what="a message that waits")
        assert not answer.done()
        assert bot.request("PUT", "/model", {"model_file": f"models/{release}.tar.gz"}, token=True)[0] == 204
        assert answer.result(timeout=30)
    assert bot.request("GET", "/ready")[0] == 200
