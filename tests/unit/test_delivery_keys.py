import pytest

from bot.delivery.keys import Keys


def test_partition_is_the_crc16_of_redis_cluster() -> None:
    # The check value of CRC-16/XMODEM, which the cluster specification gives for this text.
    assert Keys(partitions=65_536).partition("123456789") == 0x31C3


@pytest.mark.parametrize("conversation_id", ["anna", "客户-7", "a:b", "{x}", "}{", "\ud800", ""])
def test_keys_of_a_conversation_share_its_tag(conversation_id: str) -> None:
    keys = Keys()
    names = [
        keys.of(conversation_id, "meta"),
        keys.queue(conversation_id, "ready"),
        keys.seen(conversation_id, "c", "e"),
    ]
    tags = {name[name.index("{") + 1 : name.index("}")] for name in names}
    assert tags == {str(keys.partition(conversation_id))}


def test_an_event_id_cannot_mark_an_event_of_another_conversation() -> None:
    keys = Keys(partitions=1)
    assert keys.seen("a", "web", "b:c") != keys.seen("a:b", "web", "c")
    assert keys.seen("a", "web", "1:x") != keys.seen("a:1", "web", "x")


def test_spread_over_partitions() -> None:
    keys = Keys()
    assert {keys.partition(f"customer-{number}") for number in range(500)} == set(range(16))
