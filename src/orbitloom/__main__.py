"""``python -m orbitloom``."""

from orbitloom.cli import main

if __name__ == "__main__":
    main()
