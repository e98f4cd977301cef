"""What holds for all tests."""

import os

# No test reads or writes the cache of whoever runs it; a test of the cache gives a folder.
os.environ["ORBITLOOM_CACHE"] = "off"
