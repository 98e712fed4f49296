"""``python -m outbox`` is the command ``outbox``."""

from outbox.cli.main import main

if __name__ == "__main__":
    main()
