"""The Python client. Knows HTTP, and nothing inside the API.

client = Client("http://127.0.0.1:8765")
goal = client.run("Sort these messages by what the customer wants", {"messages": ["I lost my card"]})
print(goal["result"])
"""

from coordinator.client.batches import BatchCalls
from coordinator.client.connection import PATIENCE_S, TRIES
from coordinator.client.deployment import DeploymentCalls
from coordinator.client.errors import ApiError, ApiUnreachable
from coordinator.client.goals import GoalCalls, Saved, Seen
from coordinator.client.jobs import JobCalls
from coordinator.client.letters import LetterCalls
from coordinator.client.lists import ListCalls
from coordinator.client.plans import PlanCalls

__all__ = ["PATIENCE_S", "TRIES", "ApiError", "ApiUnreachable", "Client", "Saved", "Seen"]


class Client(GoalCalls, JobCalls, BatchCalls, PlanCalls, LetterCalls, ListCalls, DeploymentCalls):
    """All calls of the API over one connection, for one tenant. Use it as a context, or `close` it."""
