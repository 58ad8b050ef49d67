"""What is wrong, told as stories: the findings of a date that tell of one thing, linked cause to effect."""

from trueup.stories.chains import Chain, Day, is_effect, tell, worst_first
from trueup.stories.links import Story

__all__ = ["Chain", "Day", "Story", "is_effect", "tell", "worst_first"]
