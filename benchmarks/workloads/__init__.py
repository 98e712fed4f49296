"""What is measured of the library: ``python -m benchmarks.workloads NAME URL LOAD``, in a process of its own.

Each module has ``run(url, load)``, works on an empty database and prints a line for each phase.
"""
