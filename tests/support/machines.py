"""Run a state machine of Hypothesis on a database."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from tests.support.databases import Database


def run_machine(machine: type[RuleBasedStateMachine], database: Database, examples: int, steps: int) -> None:
    """Let a machine that is made of a database go through random histories; on servers a step takes long."""

    class Here(machine):  # type: ignore[misc, valid-type]
        def __init__(self) -> None:
            super().__init__(database)

    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
