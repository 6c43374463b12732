"""The commands of ``kefu``, a module per group. Each parses its arguments and hands over; nothing heavy is imported
before a command runs, so that help is instant."""
