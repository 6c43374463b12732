"""Every accepted message takes effect once, in order: mailbox, worker, outbox, embedded store, transcript."""
