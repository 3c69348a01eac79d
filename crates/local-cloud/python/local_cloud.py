"""Runs MiniStack, with patches for the gaps in its Cognito that matter for an account layer.

    local_cloud.py             runs it
    local_cloud.py --patches   lists its patches, and fails if one of them is not needed any more

docs/LOCAL_STACK.md lists the patches, and the differences that remain.
"""

import logging
import sys

from ministack import app

from patches import PATCHES


def unneeded():
    """The parts of patches that are not needed, and those that do not close their gap."""
    def parts(patch, checks, found):
        return [f"{patch.name} ({check.__name__})" for check in checks if check() == found]

    closed = [part for patch in PATCHES for part in parts(patch, patch.gaps, False)]
    apply()
    still_open = [part for patch in PATCHES for part in parts(patch, patch.gaps + patch.follows, True)]
    return closed, still_open


def apply():
    """Closes every gap in this process."""
    for patch in PATCHES:
        patch.apply()


def main():
    """Runs MiniStack, or checks the patches."""
    if sys.argv[1:] != ["--patches"]:
        apply()
        sys.exit(app.main())
    logging.disable()
    for patch in PATCHES:
        print(patch.name)
    closed, still_open = unneeded()
    for name in closed:
        print(f"MiniStack does this itself now, so remove that part of the patch: {name}", file=sys.stderr)
    for name in still_open:
        print(f"the patch does not close its gap: {name}", file=sys.stderr)
    sys.exit(1 if closed or still_open else 0)


if __name__ == "__main__":
    main()
