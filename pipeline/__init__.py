"""The DAG, compiling it, and what drives its runs."""
