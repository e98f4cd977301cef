"""What flies on one satellite: its battery, its temperature, its computer's queue and its store."""
