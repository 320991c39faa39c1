"""For every test."""

import os

# Tests run beside each other: a second thread in one of them waits, busily, for a core that another has. Read when
# numpy and torch are first imported, here and in the processes that tests start, whose sums are then bit-equal to ours.
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")
