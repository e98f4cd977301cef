"""Public contract suites: what every implementation of a seam keeps, ours and a user's."""
