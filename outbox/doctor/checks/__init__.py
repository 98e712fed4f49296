"""The checks, one a module: each has ``examine(patient)`` and stands in ``outbox.doctor.registry``."""
