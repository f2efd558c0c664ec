"""What is counted, and what is divided by what. Boards, exports, the API and the page of
definitions all read this table; a figure that does not stand here is shown nowhere.

A capability adds its figures in a module of its own, which calls `register` and is named here.
"""

from mandates.queries.statistics import (  # noqa: F401
    of_clocks,
    of_closed,
    of_on_site,
    of_raised,
    of_ratings,
    of_rulings,
    of_signs,
    of_stock,
)  # isort: skip  (in the order of the page of definitions)
from mandates.queries.statistics.registry import COUNTS, FIGURES, SAMPLE, Count, Figure

__all__ = ["COUNTS", "FIGURES", "SAMPLE", "Count", "Figure"]
