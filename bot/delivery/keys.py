"""The names of everything that delivery keeps in the store. Knows no connection.

All keys of a conversation share the hash tag of its partition, ``{p}``, so that one script may touch them together.
"""

from binascii import crc_hqx
from dataclasses import dataclass

WORKERS = "workers"
"""Consumer group of the run queue ``ready``."""

SENDERS = "senders"
"""Consumer group of the run queue ``due``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """Names under a prefix. ``partitions`` may only change while the store is empty: it decides every name."""

    prefix: str = "kefu"
    partitions: int = 16

    def partition(self, conversation_id: str) -> int:
        """The partition of a conversation: crc16 as Redis Cluster computes it."""
        return crc_hqx(conversation_id.encode("utf-8", "surrogatepass"), 0) % self.partitions

    def of(self, conversation_id: str, kind: str) -> str:
        """A key of one conversation.

        ``meta`` (hash: who holds it, fencing epoch, sequence number), ``in`` (stream: mailbox), ``tracker`` (list of
        events), ``log`` (stream of log frames, id = number), ``out`` (stream of replies to send), ``feedback`` (hash),
        ``read`` (sorted set: how far the log has arrived at a socket).
        """
        return f"{self.prefix}:{{{self.partition(conversation_id)}}}:{kind}:{conversation_id}"

    def shared(self, partition: int, kind: str) -> str:
        """A key that the conversations of a partition share.

        ``ready`` and ``due`` (streams: run queues of workers and senders), ``later`` (sorted set: when a postponed
        conversation is due), ``handoff`` (sorted set: conversations with a person), ``alarms`` (sorted set: when
        a reminder is due), ``transcript``, ``dead`` (streams).
        """
        return f"{self.prefix}:{{{partition}}}:{kind}"

    def queue(self, conversation_id: str, kind: str) -> str:
        """The shared key of a conversation's partition."""
        return self.shared(self.partition(conversation_id), kind)

    def seen(self, conversation_id: str, channel: str, event_id: str) -> str:
        """The mark that an event was accepted.

        Event ids of clients are only unique within their conversation; its length keeps the parts apart, so that
        nobody can make an id that marks an event of another conversation.
        """
        name = f"{channel}:{len(conversation_id)}:{conversation_id}:{event_id}"
        return f"{self.prefix}:{{{self.partition(conversation_id)}}}:seen:{name}"

    def rate(self, bucket: str, key: str) -> str:
        """The token bucket of one caller."""
        tag = crc_hqx(key.encode("utf-8", "surrogatepass"), 0) % self.partitions
        return f"{self.prefix}:{{{tag}}}:rate:{bucket}:{key}"

    def live(self, conversation_id: str) -> str:
        """The pub/sub channel that wakes whoever watches a conversation."""
        return f"{self.prefix}:live:{conversation_id}"

    def hub(self, hub_id: str) -> str:
        """The pub/sub channel of one process: outcomes of the events that it queued."""
        return f"{self.prefix}:hub:{hub_id}"
