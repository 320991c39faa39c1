"""Training for visitors: the queue, its processes, progress, images of their own."""
