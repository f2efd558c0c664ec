"""The demonstration's settings, and a door through which a run may deliver messages repeatedly."""

import os
from pathlib import Path

from bench.faults import misleading
from config.settings.demo import *

if folder := os.environ.get("HUYING_FAULTS_CONTROL"):
    misleading.repeat(Path(folder) / "deliver")

if hours := os.environ.get("HUYING_FAULTS_HOURS"):
    misleading.live_at_another_time(float(hours))
