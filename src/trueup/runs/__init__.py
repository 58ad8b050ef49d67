"""The runs: check, reconcile, expectations, replay, and how they are wired to the gateways."""
