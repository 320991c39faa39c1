"""Training for visitors: the queue, its processes, progress, and their own images."""
