"""The craft of answers: levels L0 to L4, applications, models; the same on board and below."""
