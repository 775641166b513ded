"""What to do about it: checks that propose, and change nothing."""
