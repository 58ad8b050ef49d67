"""What is wrong with a completion document, given the rows. Pure functions."""
