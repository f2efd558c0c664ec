"""Jobs that need the pages of an app, which the app's own tasks may not import."""

from mandates.views import papers

KINDS_OF_JOBS = (papers,)  # importing them makes their jobs known
