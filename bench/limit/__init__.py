"""What Django, REST framework and PostgreSQL can do with the same work and none of our rules.

No line of the product is used: the ratio to it says what our rules cost.
"""
