"""`make soak`: the whole system under a real mix for half an hour, with a fault now and then.

What grows is watched, one system asks far more than its share for a while, nightly work runs in
between, and at the end more is asked than the machine can do.
"""
