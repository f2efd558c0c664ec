"""Where a web process dies when a request asks for it, in the header X-Fault."""

BEFORE_INSERT = "before-insert"
AFTER_INSERT = "after-insert"
AFTER_COMMIT = "after-commit"  # and before the answer
AFTER_ANSWER = "after-answer"
POINTS = (BEFORE_INSERT, AFTER_INSERT, AFTER_COMMIT, AFTER_ANSWER)
