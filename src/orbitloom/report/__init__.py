"""What a person reads: figures, tables, pictures, one page that holds them all."""
