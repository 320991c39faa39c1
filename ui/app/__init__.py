"""What holds the pages together."""
