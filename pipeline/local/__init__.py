"""Running the DAG on this machine."""
