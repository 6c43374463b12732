"""A message in, a reply out: project files, tracker, policies, actions, engine, delivery, channels and pages."""
