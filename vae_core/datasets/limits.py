"""All limits on users' own images: what may be uploaded, what is read, and what the app keeps.

The first two groups hold for the command line, all of them for uploads to the app.
"""

from __future__ import annotations

# One picture.
MOST_BYTES = 30_000_000  # of its file
MOST_PIXELS = 50_000_000
SIZES = (28, 32, 64)  # side lengths to choose from, in pixels

# One set.
FEWEST_IMAGES, MOST_IMAGES = 20, 20_000
MOST_CLASSES = 256  # a run keeps labels as bytes
MOST_FACTORS, LONGEST_FACTOR = 32, 60  # known factors of a set, and characters of a factor's name
MOST_ENTRIES = 50_000  # files in an archive or a folder
MOST_UNPACKED = 2_000_000_000  # bytes, of all files together
MOST_ARRAY = 1_000_000_000  # bytes, of an array in an npz
LISTED = 50  # skipped files that are listed by name

# One upload. Streamlit's own limit on a file, server.maxUploadSize, is the same.
MOST_SENT = 60_000_000  # bytes, of all its files
MOST_HELD_OF_ONE = 130_000_000  # bytes of a session in the server's memory: one upload on the page, and the next one
MOST_HELD = 600_000_000  # bytes of all sessions, in each process: ten full uploads
LONGEST_SENDING = 600.0  # seconds for one file: 60 MB at 0.8 Mbit/s
LONGEST_READING = 180.0  # seconds, on a machine that is busy
MOST_COMPUTING = 60  # seconds of the processor: 60 MB of honest pictures take a third of it
MOST_READERS, MEMORY_OF_READER = 3, 1_500_000_000  # processes at once, and bytes that must be free for each beyond one
MOST_MEMORY = 3_000_000_000  # bytes of address space for the process that reads it
LONGEST_UNDECIDED = 3_600.0  # seconds that a set waits for the visitor to accept it
MOST_UNDECIDED = 500_000_000  # bytes of all waiting sets

# What the app keeps. Whoever has sent the most gives way: of the address that has, the visitor who has, and of their
# sets the least recently used; never one in use, and never one that the command line has stored.
MOST_OF_ONE, MOST_SETS_OF_ONE = 200_000_000, 20  # bytes and sets of one visitor
MOST_OF_ADDRESS, MOST_SETS_OF_ADDRESS = 1_000_000_000, 120  # of all who share an address: a class; half of it all
MOST_KEPT, MOST_SETS = 2_000_000_000, 200  # of all visitors; what the command line has stored is not counted
GONE_TOLD = 604_800.0  # seconds for which it is remembered for a visitor that a set of theirs had to go: a week
IN_USE = 600.0  # seconds for which a set counts as in use after a page or a job needed it
