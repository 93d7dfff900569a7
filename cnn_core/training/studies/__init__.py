"""The experiments that decided the field, small enough to run again: on digits that ship, with several seeds."""
