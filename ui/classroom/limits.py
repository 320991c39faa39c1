"""How much of the classes one visitor, one address and all of them may take, each with its reason."""

LIFE = 24 * 3600.0  # seconds: a class with its answers is gone a day after it was started

# Different wrong codes within `TRIES_WITHIN` seconds; whoever has tried more waits. An address may be a whole school's,
# whose students mistype. All together try at most 432,000 a day, of 1.1e12 codes, and a class lives for one day: with a
# hundred classes at any time, one is guessed in seventy years.
TRIES_WITHIN = 600.0
TRIES_OF_ONE, TRIES_OF_ADDRESS, TRIES_OF_ALL = 10, 100, 3_000

CLASSES_OF_ONE, CLASSES_OF_ADDRESS, CLASSES_OF_ALL = 8, 50, 1_000  # at a time
MEMBERS = 500  # of a class; names are free to whoever throws cookies away
QUESTIONS = 200  # of a class; all chapters together ask about forty, some of them in several forms
LONGEST_PLACE = 6_000  # characters of what is stored of the teacher's place; a drawing by hand has 4,000 at most

READ_WAITS, WRITE_WAITS = 0.5, 5.0  # seconds for a database that another process has locked
GIVEN_UP = 5.0  # seconds for which pages go on without classes after the database could not be read
PURGED_EVERY = 600.0  # seconds
