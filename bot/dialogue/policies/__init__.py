"""What the bot does next: rules, memorised stories, and the ensemble that decides between them. Pure."""

from bot.dialogue.policies.ensemble import Policies, train
from bot.dialogue.policies.prediction import Prediction

__all__ = ["Policies", "Prediction", "train"]
