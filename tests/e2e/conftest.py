"""The engine fixture of the sandbox tests serves here too."""

from tests.sandbox.conftest import docker_engine

__all__ = ["docker_engine"]
