"""Classes: a teacher asks, students answer on their own devices, and all see what the class has said."""
