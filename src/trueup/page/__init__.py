"""The report as one HTML page that asks the network for nothing."""

from trueup.page.render import render

__all__ = ["render"]
