"""The language model on board: evidence in, words out, under a guard."""
