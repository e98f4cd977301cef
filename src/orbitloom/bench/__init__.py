"""What speed costs: each part measured in CPU seconds beside a plain way to do the same."""
