"""What several test files share."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data():
    """Samples of the real datasets, which stand beside the repository on some machines."""
    folder = Path(__file__).resolve().parents[2].parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no samples of the real datasets at {folder}")
    return folder
