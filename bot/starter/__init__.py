"""The assistants that ``kefu init`` writes: a shop, and a help centre around given pages."""
