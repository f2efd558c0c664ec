"""The product as it is delivered, on this machine's own address, over plain http."""

from config.settings.demo import *  # noqa: F403
