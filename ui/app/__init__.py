"""The frame around the pages: the server, its process, and the script that every visit runs."""
