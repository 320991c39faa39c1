"""What holds the pages together: the server, its process, and the script that every visit runs."""
