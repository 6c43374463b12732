"""What the bot does next: rules, memorised stories, and the ensemble that decides between them. Pure."""
