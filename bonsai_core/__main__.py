"""`python -m bonsai_core`: the `bonsai` command, which here means `bonsai serve` when no command is named."""

from bonsai_core.cli import main

if __name__ == "__main__":
    main(default="serve", program="python -m bonsai_core")
