"""Great Expectations suites: what the values in the tables must satisfy."""
