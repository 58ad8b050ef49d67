"""The runs (check, reconcile, expectations, replay) and their connection to the gateways."""
