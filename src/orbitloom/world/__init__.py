"""What is true: orbits, Earth and Sun, who sees whom, scenes and instruments."""
