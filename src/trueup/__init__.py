"""trueup: is yesterday's data complete, on time and counted once?"""

__version__ = "0.1.0"
