"""Every limit on images of somebody's own, in one place: what may be sent, what is read, what the app keeps.

Whoever reads a folder by the command line meets the first two groups; who sends to the app, all of them.
"""

from __future__ import annotations

# One picture.
MOST_BYTES = 30_000_000  # of its file
MOST_PIXELS = 50_000_000
SIZES = (28, 32, 64)  # pixels of a side, to choose from

# One set.
FEWEST_IMAGES, MOST_IMAGES = 20, 20_000
MOST_CLASSES = 256  # a run keeps labels as bytes
MOST_ENTRIES = 50_000  # files of an archive or a folder that are looked at
MOST_UNPACKED = 2_000_000_000  # bytes, of all files together
MOST_ARRAY = 1_000_000_000  # bytes, of an array in an npz
LISTED = 50  # of the files left out, by name

# One upload. Streamlit's own limit on a file, server.maxUploadSize, is the same.
MOST_SENT = 60_000_000  # bytes, of all its files
LONGEST_READING = 180.0  # seconds
MOST_MEMORY = 3_000_000_000  # bytes of address space of the process that reads it
LONGEST_UNDECIDED = 3_600.0  # seconds for which what was read waits for its visitor to use it
MOST_UNDECIDED = 500_000_000  # bytes of all that wait

# What the app keeps. The longest unused go first, and never one in use.
MOST_OF_ONE, MOST_SETS_OF_ONE = 200_000_000, 20  # bytes and sets of one visitor
MOST_KEPT, MOST_SETS = 2_000_000_000, 200  # of all together
IN_USE = 600.0  # seconds for which a set counts as in use after a page or a job needed it
