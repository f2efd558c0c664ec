"""The ground of a demonstration and of the tests: servers from wheels, and what runs on them."""
