"""The product as it is delivered, on this machine's own address, over plain http."""

from config.settings.demo import *  # noqa: F403

# Counted as always, and never refused.
API_RATES = dict.fromkeys(API_RATES, "999999999/s")  # noqa: F405
