"""The clock that flies world, flight and ground together; the arms of the comparison."""
